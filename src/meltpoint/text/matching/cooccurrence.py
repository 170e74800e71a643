"""Word vectors from the texts alone: which words stand near which, counted and factorised."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from meltpoint.text.packing import PackedTexts, stretches

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ids = NDArray[np.int64]
WINDOW = 5
MAX_CONTEXTS = 5000
MAX_DIMENSIONS = 50
_CONTEXT_SMOOTHING = 0.75
_SINGULAR_VALUE_POWER = 0.5


def cooccurrence_vectors(packed: PackedTexts, rows: Ids, words: Ids) -> NDArray[np.float64]:
    """Makes vectors of words by PPMI and SVD from some texts.

    With #(w, c) the times that c stands within five words of w,

        PPMI(w, c) = max(0, log #(w, c) T / (#(w) #'(c)))    #'(c) proportional to #(c)^0.75, with the sum T

    and the vectors are ``U S^0.5`` of its truncated singular value decomposition (Levy, Goldberg & Dagan 2015,
    "Improving distributional similarity with lessons learned from word embeddings", TACL 3).

    Args:
        packed: The texts.
        rows: Which of them.
        words: ``(W,)`` lexicon numbers of the words wanted. Contexts are the most frequent words of these texts.

    Returns:
        ``(W, K)`` float64, K at most 50; zero for a word that does not occur.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - opening vectors and reading texts needs none of it

    tokens, texts = _tokens_of(packed, rows)
    counts = np.bincount(tokens, minlength=len(packed.lexicon))
    contexts = np.argsort(-counts, kind="stable")[:MAX_CONTEXTS]
    contexts = contexts[counts[contexts] > 0]
    word_at, context_at = (_numbering(chosen, len(packed.lexicon)) for chosen in (words, contexts))
    firsts, seconds = [], []
    for distance in range(1, WINDOW + 1):
        together = texts[:-distance] == texts[distance:]
        left, right = tokens[:-distance][together], tokens[distance:][together]
        for one, other in ((left, right), (right, left)):
            kept = (word_at[one] >= 0) & (context_at[other] >= 0)
            firsts.append(word_at[one[kept]])
            seconds.append(context_at[other[kept]])
    pairs = np.concatenate(firsts), np.concatenate(seconds)
    table = csr_array((np.ones(len(pairs[0])), pairs), shape=(len(words), len(contexts)))
    table.sum_duplicates()
    association = _positive_information(table)
    values, axes = np.linalg.eigh((association @ association.T).toarray())
    kept_dimensions = min(MAX_DIMENSIONS, max(1, len(words) // 4))
    values, axes = values[::-1][:kept_dimensions], axes[:, ::-1][:, :kept_dimensions]
    singular = np.sqrt(np.maximum(values, 0))
    vectors: NDArray[np.float64] = axes * singular**_SINGULAR_VALUE_POWER
    vectors[np.diff(association.indptr) == 0] = 0
    return vectors


def _positive_information(table: "csr_array") -> "csr_array":
    """Turns counts into positive pointwise mutual information, in place."""
    of_words, of_contexts = table.sum(axis=1), table.sum(axis=0)
    smoothed = of_contexts**_CONTEXT_SMOOTHING
    smoothed *= of_contexts.sum() / max(smoothed.sum(), 1e-300)
    row_of = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    expected = of_words[row_of] * smoothed[table.indices] / max(of_words.sum(), 1.0)
    table.data = np.maximum(np.log(table.data / expected), 0.0)
    table.eliminate_zeros()
    return table


def _tokens_of(packed: PackedTexts, rows: Ids) -> tuple[Ids, Ids]:
    """Returns the tokens of some texts one after another, and the number of the text of each."""
    lengths = packed.lengths[rows]
    tokens = packed.ids[stretches(packed.offsets[rows], lengths)].astype(np.int64)
    return tokens, np.repeat(np.arange(len(rows)), lengths)


def _numbering(chosen: Ids, size: int) -> Ids:
    numbers = np.full(size, -1, dtype=np.int64)
    numbers[chosen] = np.arange(len(chosen))
    return numbers
