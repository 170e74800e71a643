"""The nearest words of many words at once, by cosine, within one space."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
_CELLS_AT_ONCE = 1 << 23


def nearest_rows(matrix: Rows, queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Finds the k rows nearest to each of some rows by cosine.

    Args:
        matrix: ``(S, D)`` float32.
        queries: ``(Q,)`` int64, rows of the matrix.
        k: How many; less where the matrix has not so many other rows.

    Returns:
        ``(Q, k)`` int64, the nearest first, of equal cosines the first row; never the row itself.
    """
    lengths = np.sqrt(np.einsum("sd,sd->s", matrix, matrix, dtype=np.float64))
    unit = (matrix / np.where(lengths == 0, 1, lengths)[:, np.newaxis]).astype(np.float32)
    k = min(k, len(matrix) - 1)
    found = np.empty((len(queries), max(k, 0)), dtype=np.int64)
    step = max(1, _CELLS_AT_ONCE // max(len(matrix), 1))
    for start in range(0, len(queries) if k > 0 else 0, step):
        block = queries[start : start + step]
        cosines = unit[block] @ unit.T
        cosines[np.arange(len(block)), block] = -np.inf
        # One more than wanted, so that a tie at the end is broken as everywhere: by the row's number.
        spare = min(k + 8, len(matrix) - 1)
        candidates = np.argpartition(cosines, -spare, axis=1)[:, -spare:]
        candidates.sort(axis=1)
        order = np.argsort(-np.take_along_axis(cosines, candidates, axis=1), axis=1, kind="stable")[:, :k]
        found[start : start + step] = np.take_along_axis(candidates, order, axis=1)
    return found
