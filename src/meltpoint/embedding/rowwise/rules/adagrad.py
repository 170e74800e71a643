"""Adagrad on rows (Duchi, Hazan & Singer, JMLR 2011)."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import OVER_ROOT, SHARE, Coasting
from meltpoint.embedding.rowwise.prefetching import prefetch_next
from meltpoint.embedding.rowwise.rules.base import Floats, RowRule, Rows, Shares, copy_row, require


@compiled
def _decay(weight: Floats, goal: Floats, coefficients: Shares, out: Floats) -> None:
    """Writes what a row (D,) is by now into ``out``, which must not be the row itself: only decay has moved it."""
    share = np.float32(coefficients[SHARE])
    for j in range(len(weight)):
        out[j] = weight[j] + share * (goal[j] - weight[j])


@compiled
def _read_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,  # noqa: ARG001 - all rules are called alike
    rows: Rows,
    missed: Rows,
    coefficients: Shares,
    out: Floats,
) -> None:
    one_target = len(target) == 1
    for i in range(len(rows)):
        prefetch_next(table, moments, rows, missed, i)
        weight = table[rows[i]]
        if missed[i] >= 0:
            _decay(weight, target[0 if one_target else rows[i]], coefficients[i], out[i])
        else:
            copy_row(weight, out[i])


@compiled
def _coast_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,  # noqa: ARG001 - all rules are called alike
    rows: Rows,
    missed: Rows,
    coefficients: Shares,
) -> None:
    one_target = len(target) == 1
    present = np.empty_like(table[0])
    for i in range(len(rows)):
        prefetch_next(table, moments, rows, missed, i)
        if missed[i] >= 0:
            weight = table[rows[i]]
            _decay(weight, target[0 if one_target else rows[i]], coefficients[i], present)
            copy_row(present, weight)


@compiled
def _step_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
    rows: Rows,
    missed: Rows,  # noqa: ARG001 - the moment does not fade
    coefficients: Shares,  # noqa: ARG001
    weights: Floats,
    slots: Rows,
    grads: Floats,
    befores: Shares,
    afters: Shares,
    lr: float,
    eps: float,
) -> None:
    rate, floor = np.float32(lr), np.float32(eps)
    one_target = len(target) == 1
    for i in range(len(rows)):
        prefetch_next(table, moments, rows, slots, i)
        weight, present, gradient, total = table[rows[i]], weights[i], grads[i], moments[slots[i], 0]
        goal = target[0 if one_target else rows[i]]
        before, after = np.float32(befores[i]), np.float32(afters[i])
        for j in range(len(gradient)):
            total[j] += gradient[j] * gradient[j]
        for j in range(len(weight)):
            moved = present[j] + before * (goal[j] - present[j])
            moved -= rates[j] * (rate * gradient[j] / (np.sqrt(total[j]) + floor))
            weight[j] = moved + after * (goal[j] - moved)


@dataclass(frozen=True, kw_only=True)
class AdagradRule(RowRule):
    """``s <- s + g^2``, ``w <- w - lr * g / (sqrt(s) + eps)``, as ``torch.optim.Adagrad`` has it.

    It has no momentum: an absent row does not move but by decay.

    Attributes:
        eps: Added to the denominator.
    """

    name = "adagrad"
    read_rows = staticmethod(_read_rows)
    coast_rows = staticmethod(_coast_rows)
    step_rows = staticmethod(_step_rows)

    eps: float = 1e-10

    def __post_init__(self) -> None:
        require(1e-30 <= self.eps < math.inf, self.name, "eps must be a finite number of at least 1e-30", self.eps)

    @property
    def num_moments(self) -> int:
        """The sum of squared gradients."""
        return 1

    def coasting(self) -> Coasting:
        """Returns a standstill."""
        return Coasting()

    def gain(self, lr: float, step: int) -> tuple[float, float]:  # noqa: ARG002
        """Returns nothing to move by."""
        return 0.0, 1.0

    def constants(self, lr: float, step: int) -> tuple[float, ...]:  # noqa: ARG002
        """Returns ``lr`` and eps."""
        return lr, self.eps

    def update(self, moments: Tensor, grads: Tensor, constants: tuple[float, ...]) -> Tensor:
        """Returns ``lr * g / (sqrt(s) + eps)``."""
        lr, eps = constants
        total = moments[:, 0].addcmul_(grads, grads)
        return lr * grads / (total.sqrt() + eps)

    def movement(self, moments: Tensor, coefficients: Tensor) -> Tensor:  # noqa: ARG002
        """Returns zero."""
        return torch.zeros_like(coefficients[OVER_ROOT])
