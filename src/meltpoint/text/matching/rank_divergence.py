"""Whether words are as frequent in the texts as where the vectors come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OFFSET = 2.7
_EXAMPLES = 10


@dataclass(frozen=True, kw_only=True)
class RankDivergence:
    """How word frequencies differ between texts and vectors.

    Attributes:
        spearman: Rank correlation of the words' counts with their places in the vectors, the first place being the most
            frequent: near 1 for a sample of the same language, near 0 where the vectors are not sorted by frequency.
        jensen_shannon: Divergence in bits, from 0 (the same frequencies) to 1 (no word in common).
        overused: The words by which the texts stand out most: far more frequent than their place foretells.
        words: Words compared: those of the texts with a row of their own in the vectors.
    """

    spearman: float
    jensen_shannon: float
    overused: tuple[str, ...]
    words: int


def measure_rank_divergence(
    words: Sequence[str], counts: NDArray[np.int64], places: NDArray[np.int64]
) -> RankDivergence | None:
    """Compares counts in the texts with places in the vectors, most of which are sorted by frequency.

    A place says how frequent a word is by the law of Zipf and Mandelbrot, ``p`` proportional to ``1 / (place + 2.7)``
    (Piantadosi 2014, "Zipf's word frequency law in natural language"). With ``q`` the shares in the texts, both over
    the words that both have, and ``m = (p + q) / 2``, the divergence is ``(KL(p | m) + KL(q | m)) / 2`` (Lin 1991). The
    words with the largest ``q log2(q / p)`` are those that the texts overuse.

    Args:
        words: n words.
        counts: ``(n,)`` how often each occurs in the texts.
        places: ``(n,)`` its row in the vectors, -1 where it has none.

    Returns:
        The divergence; None where fewer than two words can be compared.
    """
    kept = np.flatnonzero((counts > 0) & (places >= 0))
    if len(kept) < 2:
        return None
    from scipy.stats import rankdata  # noqa: PLC0415 - half a second

    expected = 1 / (places[kept] + 1 + _OFFSET)
    expected = expected / expected.sum()
    shares = counts[kept] / counts[kept].sum()
    middle = (expected + shares) / 2
    divergence = (_divergence(expected, middle) + _divergence(shares, middle)) / 2
    ranks = rankdata(counts[kept]), rankdata(expected)
    deviations = [one - one.mean() for one in ranks]
    scale = float(np.sqrt(np.square(deviations[0]).sum() * np.square(deviations[1]).sum()))
    excess = shares * np.log2(shares / expected)
    order = np.argsort(-excess, kind="stable")[:_EXAMPLES]
    return RankDivergence(
        spearman=float(deviations[0] @ deviations[1]) / scale if scale else 0.0,
        jensen_shannon=float(divergence),
        overused=tuple(words[kept[at]] for at in order.tolist() if excess[at] > 0),
        words=len(kept),
    )


def _divergence(shares: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    return float((shares * np.log2(shares / others)).sum())
