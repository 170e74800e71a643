"""Nearest words and analogies, by cosine over all rows, in one pass over the mapped matrix.

The matrix is read a block of rows at a time and never copied whole: 2.2 million words of 300 dimensions take the memory
of one block. The best rows of the pass, which is made in float32, are then compared in float64, so that what comes out
is the same on every machine.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.vectors.opened import Vectors

Objective = Literal["add", "mul"]

_BLOCK_BYTES = 1 << 23
# Further rows that the pass in float32 keeps, among which float64 may find another order.
_SPARE = 16
# Keeps the quotient of 3CosMul finite (Levy & Goldberg 2014, equation 4).
_EPSILON = 1e-6

_norms: WeakKeyDictionary[Vectors, NDArray[np.float32]] = WeakKeyDictionary()


def nearest(vectors: Vectors, query: str | NDArray[np.floating], k: int = 10) -> list[tuple[str, float]]:
    """Finds the words nearest to a word or a vector by cosine.

    Args:
        vectors: Where to look.
        query: A word, which is not among the answers itself, or a vector of shape (D,).
        k: How many.

    Returns:
        At most ``k`` pairs (word, cosine), the nearest first; of equal cosines, the word that stands first in the set.

    Raises:
        AbsentWordError: The word has no vector.
        InputError: The vector is not D finite numbers that are not all zero, or ``k`` is below 1.

    >>> nearest(open_vectors("glove-6b-50d"), "frozen", k=1)  # doctest: +SKIP
    [('dried', 0.7560...)]
    """
    if isinstance(query, str):
        return analogy(vectors, [query], k=k)
    direction = _unit(np.asarray(query, dtype=np.float64), vectors.dim)
    return _search(vectors, direction[np.newaxis], _only, k, excluded=[])


def analogy(
    vectors: Vectors,
    positive: str | Iterable[str],
    negative: str | Iterable[str] = (),
    k: int = 10,
    *,
    objective: Objective = "add",
) -> list[tuple[str, float]]:
    """Finds the words nearest to some words and far from others: king - man + woman.

    With unit vectors p of the positive words and n of the negative ones, a word x is scored by

        add (3CosAdd):  cos(x, sum of p - sum of n)
        mul (3CosMul):  product of (1 + cos(x, p)) / 2, over product of (1 + cos(x, n)) / 2 + 1e-6

    Mikolov et al. 2013; Levy & Goldberg 2014, who find that ``mul`` is less often ruled by one large cosine.

    Args:
        vectors: Where to look.
        positive: Words, at least one.
        negative: Words.
        k: How many.
        objective: ``add`` or ``mul``.

    Returns:
        At most ``k`` pairs (word, score), the best first, without the words given.

    Raises:
        AbsentWordError: A word has no vector.
        InputError: There is no positive word, the words cancel each other out, or ``k`` is below 1.
    """
    wanted, unwanted = _listed(positive), _listed(negative)
    if not wanted:
        raise InputError("expected at least one positive word to look near, found none.")
    if objective not in {"add", "mul"}:
        raise InputError(f"expected 'add' (3CosAdd) or 'mul' (3CosMul) as objective, found {objective!r}.")
    words = [*wanted, *unwanted]
    directions = np.array([_unit(vectors[word].astype(np.float64), vectors.dim) for word in words])
    excluded = vectors.rows(words).tolist()
    if objective == "mul":
        return _search(vectors, directions, lambda cosines: _quotient(cosines, len(wanted)), k, excluded=excluded)
    signs = np.repeat([1.0, -1.0], [len(wanted), len(unwanted)])
    direction = _unit(signs @ directions, vectors.dim)
    return _search(vectors, direction[np.newaxis], _only, k, excluded=excluded)


def row_norms(vectors: Vectors) -> NDArray[np.float32]:
    """Returns the length of every row, shape (V,), 1 for rows of zeros; kept for as long as the vectors are."""
    norms = _norms.get(vectors)
    if norms is None:
        norms = np.empty(len(vectors), dtype=np.float32)
        for start, stop in row_blocks(vectors):
            norms[start:stop] = np.linalg.norm(vectors.matrix[start:stop], axis=1)
        norms[norms == 0] = 1
        _norms[vectors] = norms
    return norms


def row_blocks(vectors: Vectors, num_rows: int | None = None, *, stop: int | None = None) -> Iterator[tuple[int, int]]:
    """Yields (start, stop) of consecutive blocks of rows.

    Args:
        vectors: Their rows.
        num_rows: Rows of a block; by default so many as take some megabytes.
        stop: Where the last block ends; by default at V.
    """
    end = len(vectors) if stop is None else stop
    step = num_rows or max(1, _BLOCK_BYTES // (4 * vectors.dim))
    return ((start, min(start + step, end)) for start in range(0, end, step))


def _search(
    vectors: Vectors,
    directions: NDArray[np.float64],
    combine: Callable[[NDArray[np.floating]], NDArray[np.floating]],
    k: int,
    *,
    excluded: list[int],
) -> list[tuple[str, float]]:
    """Finds the k rows of the best score.

    Args:
        vectors: Where to look.
        directions: Unit vectors, shape (Q, D).
        combine: Makes scores, shape (n,), of the cosines of n rows with the directions, shape (n, Q).
        k: How many.
        excluded: Rows that are no answers.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"expected a positive number of words for k, found {k!r}.")
    norms = row_norms(vectors)
    columns = directions.T.astype(np.float32)
    keep = k + len(excluded) + _SPARE
    best_rows, best_scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    for start, stop in row_blocks(vectors):
        scores = combine(vectors.matrix[start:stop] @ columns / norms[start:stop, np.newaxis])
        rows = _largest(scores, keep)
        best_rows = np.concatenate([best_rows, rows + start])
        best_scores = np.concatenate([best_scores, scores[rows]])
        kept = _largest(best_scores, keep)
        best_rows, best_scores = best_rows[kept], best_scores[kept]
    rows = np.setdiff1d(best_rows, excluded)
    exact = vectors.matrix[rows].astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    cosines = exact @ directions.T / np.where(lengths == 0, 1, lengths)
    scores = combine(cosines.clip(-1, 1))  # rounding may lead past 1
    order = np.argsort(-scores, kind="stable")[:k]  # rows ascend: of equal scores the first row comes first
    return [(vectors.words[int(rows[place])], float(scores[place])) for place in order]


def _largest(scores: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Returns the places of the k largest, in no order; all of them where there are fewer."""
    if len(scores) <= k:
        return np.arange(len(scores), dtype=np.int64)
    return np.argpartition(scores, -k)[-k:].astype(np.int64)


def _only(cosines: NDArray[np.floating]) -> NDArray[np.floating]:
    return cosines[:, 0]


def _quotient(cosines: NDArray[np.floating], num_positive: int) -> NDArray[np.floating]:
    shifted: NDArray[np.floating] = (1 + cosines) / 2
    quotient: NDArray[np.floating] = shifted[:, :num_positive].prod(axis=1) / (
        shifted[:, num_positive:].prod(axis=1) + _EPSILON
    )
    return quotient


def _listed(words: str | Iterable[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)


def _unit(vector: NDArray[np.float64], dim: int) -> NDArray[np.float64]:
    """Scales a vector to length 1."""
    length = np.linalg.norm(vector) if vector.shape == (dim,) else 0.0
    if not (np.isfinite(length) and length > 0):
        shape = f"{vector.size} numbers" if vector.ndim == 1 else f"an array of the shape {vector.shape}"
        zero = ", all of them zero" if vector.size and not vector.any() else ""
        raise InputError(
            f"expected a direction to look in: {dim} finite numbers, not all zero; found {shape}{zero}. A word whose "
            "vector is zero, or words that cancel each other out, have no neighbours."
        )
    return vector / length
