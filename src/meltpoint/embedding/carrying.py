"""Carries words that training never saw into the tuned space, by a linear map fitted on the words that it did see.

Kiros et al. 2015, "Skip-Thought Vectors", section 2.2 (vocabulary expansion), map the words of one space into another
by linear regression over the words that both know. Here the two spaces are one before and after training, so that the
map is fitted to what changed: where nothing can be learned about a change, a word stays where it was.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError

Rows = NDArray[np.float32]
# Strengths that are tried, as multiples of the mean eigenvalue of the rows' second moments.
_STRENGTHS = tuple(10.0**power for power in range(-8, 4))


@dataclass(frozen=True, kw_only=True, eq=False)
class CarryingMap:
    """A linear map from pretrained to tuned vectors: ``x -> x + x @ change``.

    Attributes:
        change: ``(D, D)`` float64; zero where nothing that training did to the words it saw says anything of others.
        explained: Share of the change of the words seen that the map foretells for a word left out of its fit, from 0
            to 1: 1 minus the ratio of the squared leave-one-out error to the squared change.
        strength: Of the ridge that was chosen; infinite for no map.
    """

    change: NDArray[np.float64]
    explained: float
    strength: float

    def carry(self, rows: Rows) -> Rows:
        """Returns where pretrained rows ``(U, D)`` float32 would stand in the tuned space."""
        carried: Rows = (rows + rows.astype(np.float64) @ self.change).astype(np.float32)
        return carried


def fit_carrying(before: Rows, after: Rows) -> CarryingMap:
    """Fits the map to words that training saw.

    With ``X`` the rows before and ``Y`` those after, the change ``A`` minimises ``|X + X A - Y|^2 + s |A|^2``: ridge
    regression toward no change. Its strength ``s`` is the one with the least leave-one-out error, in closed form
    ``(Y - X - X A)_i / (1 - h_i)`` with ``h`` the diagonal of ``X (X'X + s)^-1 X'``; "no map at all" is one of those
    that are compared.

    Args:
        before: ``(W, D)`` pretrained rows of the words seen.
        after: ``(W, D)`` their rows after training.

    Raises:
        InputError: The shapes differ, or a number is not finite.
    """
    if before.ndim != 2 or before.shape != after.shape:
        raise InputError(f"expected rows before and after of one shape (W, D), found {before.shape} and {after.shape}.")
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise InputError("expected finite rows to fit a map on, found some that are not; did training diverge?")
    rows = before.astype(np.float64)
    change = after.astype(np.float64) - rows
    dim = rows.shape[1]
    best = CarryingMap(change=np.zeros((dim, dim)), explained=0.0, strength=float("inf"))
    moved = float(np.square(change).sum())
    if moved == 0 or len(rows) < 2:
        return best
    values, axes = np.linalg.eigh(rows.T @ rows)
    scores = rows @ axes
    targets = scores.T @ change
    for factor in _STRENGTHS:
        strength = factor * float(values.mean())
        weights = 1 / (np.maximum(values, 0) + strength)
        leverage = np.square(scores) @ weights
        fitted = weights[:, np.newaxis] * targets
        # A word that alone decides its own fit (leverage 1) is not foretold by the others at all.
        residual = (change - scores @ fitted) / np.maximum(1 - leverage, 1e-9)[:, np.newaxis]
        explained = 1 - float(np.square(residual).sum()) / moved
        if explained > best.explained:
            best = CarryingMap(change=axes @ fitted, explained=explained, strength=strength)
    return best
