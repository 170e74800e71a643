"""Rank-biased overlap: how far two rankings agree, their tops above all."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError

PERSISTENCE = 0.9


def rank_biased_overlap(
    first: NDArray[np.int64], second: NDArray[np.int64], *, persistence: float = PERSISTENCE
) -> NDArray[np.float64]:
    """Compares pairs of rankings of equal depth k, from 0 (nothing in common) to 1 (the same words in the same order).

    With X_d the number of items that the first d places of both have in common, extrapolated beyond depth k by the
    agreement there (Webber, Moffat & Zobel 2010, "A similarity measure for indefinite rankings", TOIS 28(4), eq. 30):

        RBO_ext = (X_k / k) p^k + (1 - p) / p * sum over d = 1..k of (X_d / d) p^d

    p, the persistence, is the chance that a reader of the list goes on to the next place; at 0.9 the first ten places
    carry 86% of the weight.

    Args:
        first: ``(Q, k)`` items by place; no item twice in a row.
        second: ``(Q, k)`` likewise.
        persistence: p, between 0 and 1.

    Returns:
        ``(Q,)`` float64; 1 where k is 0.

    Raises:
        InputError: The shapes differ, or p cannot be.

    >>> rank_biased_overlap(np.array([[1, 2, 3]]), np.array([[1, 2, 3]]))
    array([1.])
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise InputError(f"expected two sets of rankings of one shape (Q, k), found {first.shape} and {second.shape}.")
    if not 0 < persistence < 1:
        raise InputError(f"The persistence must lie between 0 and 1; it is {persistence}.")
    num, depth = first.shape
    if not depth:
        return np.ones(num)
    # Where item i of the one is item j of the other, it is common from depth max(i, j) + 1 on.
    places = np.maximum.outer(np.arange(depth), np.arange(depth))
    common = np.zeros((num, depth))
    same = first[:, :, np.newaxis] == second[:, np.newaxis, :]
    for place in range(depth):
        common[:, place] = same[:, places == place].sum(axis=1)
    agreement = common.cumsum(axis=1) / np.arange(1, depth + 1)
    weights = persistence ** np.arange(1, depth + 1)
    summed = (1 - persistence) / persistence * np.einsum("qk,k->q", agreement, weights)
    extrapolated: NDArray[np.float64] = np.minimum(agreement[:, -1] * persistence**depth + summed, 1.0)
    return extrapolated
