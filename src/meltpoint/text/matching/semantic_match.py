"""Whether words mean in the vectors what they mean in the texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from meltpoint.randomness import generator
from meltpoint.text.matching.cooccurrence import cooccurrence_vectors
from meltpoint.text.packing import PackedTexts

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
MAX_WORDS = 1000
MIN_WORDS = 50
MIN_COUNT = 5
NUM_RESAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class SemanticMatch:
    """Agreement of the texts' own word similarities with those of the vectors.

    Attributes:
        agreement: Spearman correlation over all pairs of words: 1 where the vectors rank all pairs as the texts do, 0
            where the one says nothing about the other.
        low: Lower end of its 95% interval, by resampling the words.
        high: Upper end.
        halves: The same correlation between two random halves of the texts: how well the texts know themselves. With
            few texts it is low, and nothing can agree with them much better.
        words: Words compared: the most frequent of the texts that have a vector.
    """

    agreement: float
    low: float
    high: float
    halves: float
    words: int


def measure_semantic_match(
    packed: PackedTexts, rows: Ids, pretrained: NDArray[np.float32], found: NDArray[np.bool_], *, seed: int
) -> SemanticMatch | None:
    """Compares the cosines of word pairs in the vectors with those in a space made from the texts alone.

    Texts that stand there several times count once. The words are at most the 1,000 most frequent that hold a letter,
    occur five times or more and have a vector. Their own space is that of :func:`cooccurrence_vectors`; both matrices
    of cosines are compared by the rank correlation of their entries (representational similarity analysis,
    Kriegeskorte, Mur & Bandettini 2008). For the interval words, and not pairs, are resampled: the pairs of one word
    are not independent.

    Args:
        packed: The texts.
        rows: The training rows.
        pretrained: ``(L, D)`` float32, the vector of each token of the lexicon.
        found: ``(L,)`` bool, which have one.
        seed: Of the resampling and of the halves.

    Returns:
        The match; None where fewer than 50 words can be compared.
    """
    rows = _distinct(packed, rows)
    words = _choose_words(packed, rows, found)
    if len(words) < MIN_WORDS:
        return None
    # In one thread: the last bits of sums depend on how they are split among threads.
    with threadpool_limits(limits=1):
        theirs = _ranked_cosines(pretrained[words].astype(np.float64))
        own = _ranked_cosines(cooccurrence_vectors(packed, rows, words))
        order = generator(seed, "halves of the texts").permutation(len(rows))
        first, second = (
            _ranked_cosines(cooccurrence_vectors(packed, np.sort(rows[half]), words))
            for half in np.array_split(order, 2)
        )
        random = generator(seed, "semantic match")
        drawn = random.multinomial(len(words), np.full(len(words), 1 / len(words)), size=NUM_RESAMPLES)
        resampled = _weighted_correlations(own, theirs, drawn.astype(np.float64))
        once = np.ones((1, len(words)))
        return SemanticMatch(
            agreement=float(_weighted_correlations(own, theirs, once)[0]),
            low=float(np.quantile(resampled, 0.025)),
            high=float(np.quantile(resampled, 0.975)),
            halves=float(_weighted_correlations(first, second, once)[0]),
            words=len(words),
        )


def _distinct(packed: PackedTexts, rows: Ids) -> Ids:
    """Leaves each text in once: one that stands in both halves would make them agree about nothing but itself."""
    first = {packed.row(row).tobytes(): row for row in rows[::-1].tolist()}
    return np.array(sorted(first.values()), dtype=np.int64)


def _choose_words(packed: PackedTexts, rows: Ids, found: NDArray[np.bool_]) -> Ids:
    counts = packed.counts(rows)
    lettered = np.array([any(map(str.isalpha, word)) for word in packed.lexicon], dtype=np.bool_)
    fit = np.flatnonzero(found & lettered & (counts >= MIN_COUNT))
    return fit[np.argsort(-counts[fit], kind="stable")][:MAX_WORDS]


def _ranked_cosines(vectors: Floats) -> Floats:
    """Returns ``(W, W)``: the ranks of the cosines of all pairs, centred and scaled to 1; 0 on the diagonal."""
    from scipy.stats import rankdata  # noqa: PLC0415 - half a second

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths == 0, 1, lengths)
    above = np.triu_indices(len(vectors), k=1)
    # Rounded: pairs of words that never meet are equal, whatever the last bit of their product.
    ranks = rankdata(np.round((unit @ unit.T)[above], 12))
    ranks -= ranks.mean()
    ranks /= max(ranks.std(), 1e-300)
    table = np.zeros((len(vectors), len(vectors)))
    table[above] = ranks
    return table + table.T


def _weighted_correlations(first: Floats, second: Floats, weights: Floats) -> Floats:
    """Returns the correlation over all pairs of different words for each row of weights ``(B, W)``: shape ``(B,)``.

    A pair weighs as much as the product of its words: a word that is drawn twice is twice in all of its pairs.
    """

    def total(table: Floats) -> Floats:
        sums: Floats = np.einsum("bw,bw->b", weights @ table, weights)
        return sums

    size = np.square(weights.sum(axis=1)) - np.square(weights).sum(axis=1)
    means = total(first) / size, total(second) / size
    covariance = total(first * second) / size - means[0] * means[1]
    variances = [
        total(table * table) / size - np.square(mean) for table, mean in zip((first, second), means, strict=True)
    ]
    scale = np.sqrt(np.maximum(variances[0] * variances[1], 0))
    correlations: Floats = np.where(scale > 0, covariance / np.where(scale > 0, scale, 1), 0.0)
    return correlations
