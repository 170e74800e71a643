"""How far each word moved: by direction, by length, by distance."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]


def cosines(before: Rows, after: Rows) -> Floats:
    """Returns the cosine between the rows of two matrices ``(S, D)``: shape ``(S,)``, from -1 to 1.

    A row that is zero on one side only has no direction to keep: 0. One that is zero on both has not moved: 1.
    """
    first, second = before.astype(np.float64), after.astype(np.float64)
    lengths = _lengths(first), _lengths(second)
    product = np.einsum("sd,sd->s", first, second)
    scale = lengths[0] * lengths[1]
    found = np.clip(product / np.where(scale == 0, 1, scale), -1, 1)
    # A row that did not move has the cosine 1, and not what rounding makes of it.
    unmoved = (before == after).all(axis=1)
    return np.where(unmoved, 1.0, np.where(scale == 0, 0.0, found))


def norm_ratios(before: Rows, after: Rows) -> Floats:
    """Returns the length after, in lengths before: shape ``(S,)``; 1 where there was none before."""
    lengths = _lengths(before.astype(np.float64))
    return np.where(lengths == 0, 1.0, _lengths(after.astype(np.float64)) / np.where(lengths == 0, 1, lengths))


def relative_distances(before: Rows, after: Rows) -> Floats:
    """Returns ``|after - before| / |before|``: shape ``(S,)``; direction and length at once.

    0 where there was no length before.
    """
    first = before.astype(np.float64)
    lengths = _lengths(first)
    return np.where(lengths == 0, 0.0, _lengths(after.astype(np.float64) - first) / np.where(lengths == 0, 1, lengths))


def _lengths(rows: Floats) -> Floats:
    lengths: Floats = np.sqrt(np.einsum("sd,sd->s", rows, rows))
    return lengths
