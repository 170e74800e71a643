"""Adagrad on rows (Duchi, Hazan & Singer, JMLR 2011)."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import OVER_ROOT, SHARE, Coasting
from meltpoint.embedding.rowwise.prefetching import prefetch_ahead
from meltpoint.embedding.rowwise.rules.base import (
    STRETCH,
    Floats,
    RowRule,
    Rows,
    Shares,
    copy_row,
    cut_into_stretches,
    require,
)


@compiled
def _decay(weight: Floats, goal: Floats, coefficients: Shares, out: Floats) -> None:
    """Writes what columns of a row are by now into ``out``, which must not be the row itself: decay has moved them."""
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
    places: Rows,
    coefficients: Shares,
    out: Floats,
) -> None:
    one_target, stretches = len(target) == 1, cut_into_stretches(table.shape[1], coefficients.shape[1])
    for i in range(len(rows)):
        weight, goal, present = table[rows[i]], target[0 if one_target else rows[i]], out[i]
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, missed, i, first, last)
            if missed[i] >= 0:
                own = coefficients[places[i], part]
                _decay(weight[first:last], goal[first - start : last - start], own, present[first:last])
            else:
                copy_row(weight[first:last], present[first:last])


@compiled
def _coast_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,  # noqa: ARG001 - all rules are called alike
    rows: Rows,
    missed: Rows,
    places: Rows,
    coefficients: Shares,
) -> None:
    one_target, stretches = len(target) == 1, cut_into_stretches(table.shape[1], coefficients.shape[1])
    space = np.empty(STRETCH, dtype=np.float32)
    for i in range(len(rows)):
        if missed[i] < 0:
            continue
        weight, goal = table[rows[i]], target[0 if one_target else rows[i]]
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, missed, i, first, last)
            own, present = coefficients[places[i], part], space[: last - first]
            _decay(weight[first:last], goal[first - start : last - start], own, present)
            copy_row(present, weight[first:last])


@compiled
def _step_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
    rows: Rows,
    missed: Rows,  # noqa: ARG001 - the moment does not fade
    places: Rows,  # noqa: ARG001
    coefficients: Shares,
    weights: Floats,
    slots: Rows,
    grads: Floats,
    pulls: Shares,
    befores: Shares,
    afters: Shares,
    lr: float,
    eps: float,
) -> None:
    rate, floor = np.float32(lr), np.float32(eps)
    one_target, stretches = len(target) == 1, cut_into_stretches(table.shape[1], coefficients.shape[1])
    for i in range(len(rows)):
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, slots, i, first, last)
            weight, present, gradient = table[rows[i]][first:last], weights[i][first:last], grads[i][first:last]
            goal = target[0 if one_target else rows[i]][first - start : last - start]
            total, own_rates = moments[slots[i], 0][first:last], rates[first:last]
            before, after = np.float32(pulls[i] * befores[part]), np.float32(pulls[i] * afters[part])
            for j in range(len(gradient)):
                total[j] += gradient[j] * gradient[j]
            for j in range(len(weight)):
                moved = present[j] + before * (goal[j] - present[j])
                moved -= own_rates[j] * (rate * gradient[j] / (np.sqrt(total[j]) + floor))
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
