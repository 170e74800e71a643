"""Stochastic gradient descent with momentum, on rows."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import KEEP_1, OVER_ROOT, SHARE, Coasting
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
def _coast(weight: Floats, buffer: Floats, goal: Floats, rates: Floats, coefficients: Shares, out: Floats) -> None:
    """Writes what columns of a row are by now into ``out``, which must not be the row; the buffer may be empty."""
    share, distance = np.float32(coefficients[SHARE]), np.float32(coefficients[OVER_ROOT])
    for j in range(len(weight)):
        out[j] = weight[j] + share * (goal[j] - weight[j])
    for j in range(len(buffer)):
        out[j] -= rates[j] * (distance * buffer[j])


@compiled
def _buffer(moments: Floats, slot: int, first: int, last: int) -> Floats:
    """Returns these columns of a row's momentum, or nothing where the rule has none."""
    buffer: Floats = moments[slot, 0][first:last] if moments.shape[1] else moments[slot].ravel()
    return buffer


@compiled
def _read_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
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
                _coast(
                    weight[first:last],
                    _buffer(moments, missed[i], first, last),
                    goal[first - start : last - start],
                    rates[first:last],
                    coefficients[places[i], part],
                    present[first:last],
                )
            else:
                copy_row(weight[first:last], present[first:last])


@compiled
def _coast_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
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
            buffer = _buffer(moments, missed[i], first, last)
            _coast(weight[first:last], buffer, goal[first - start : last - start], rates[first:last], own, present)
            copy_row(present, weight[first:last])
            left = np.float32(own[KEEP_1])
            for j in range(len(buffer)):
                buffer[j] *= left


@compiled
def _step_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
    rows: Rows,
    missed: Rows,
    places: Rows,
    coefficients: Shares,
    weights: Floats,
    slots: Rows,
    grads: Floats,
    pulls: Shares,
    befores: Shares,
    afters: Shares,
    lr: float,
    momentum: float,
    of_gradient: float,
    of_buffer: float,
) -> None:
    rate, keep = np.float32(lr), np.float32(momentum)
    share_gradient, share_buffer = np.float32(of_gradient), np.float32(of_buffer)
    one_target, stretches = len(target) == 1, cut_into_stretches(table.shape[1], coefficients.shape[1])
    for i in range(len(rows)):
        left = np.float32(coefficients[places[i], 0, KEEP_1]) if missed[i] >= 0 else np.float32(1)
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, slots, i, first, last)
            weight, present, gradient = table[rows[i]][first:last], weights[i][first:last], grads[i][first:last]
            goal = target[0 if one_target else rows[i]][first - start : last - start]
            own_rates = rates[first:last]
            buffer = gradient
            if moments.shape[1]:
                buffer = _buffer(moments, slots[i], first, last)
                for j in range(len(gradient)):
                    buffer[j] = keep * (left * buffer[j]) + gradient[j]
            before, after = np.float32(pulls[i] * befores[part]), np.float32(pulls[i] * afters[part])
            for j in range(len(weight)):
                moved = present[j] + before * (goal[j] - present[j])
                moved -= own_rates[j] * (rate * (share_gradient * gradient[j] + share_buffer * buffer[j]))
                weight[j] = moved + after * (goal[j] - moved)


@dataclass(frozen=True, kw_only=True)
class SgdRule(RowRule):
    """``b <- momentum * b + g``, ``w <- w - lr * b``, as ``torch.optim.SGD`` with dampening 0 has it.

    While a row is absent step t moves it by ``lr(t) * momentum^k * b`` after k steps (once more ``momentum`` under
    Nesterov's rule): a geometric sum, without approximation.

    Attributes:
        momentum: From 0 to below 1.
        nesterov: Whether the update looks ahead, ``w <- w - lr * (g + momentum * b)``.
    """

    name = "sgd"
    read_rows = staticmethod(_read_rows)
    coast_rows = staticmethod(_coast_rows)
    step_rows = staticmethod(_step_rows)

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.momentum < 1, self.name, "momentum must be from 0 to below 1", self.momentum)
        require(not self.nesterov or self.momentum > 0, self.name, "nesterov needs a momentum above 0", self.momentum)

    @property
    def num_moments(self) -> int:
        """The momentum, where there is any."""
        return int(self.momentum > 0)

    def coasting(self) -> Coasting:
        """Returns the one geometric sum."""
        if not self.momentum:
            return Coasting()
        return Coasting(retentions=(self.momentum, 1.0), ratio=self.momentum, level_powers=(0,))

    def gain(self, lr: float, step: int) -> tuple[float, float]:  # noqa: ARG002
        """Returns ``lr``, under Nesterov's rule ``lr * momentum``."""
        return lr * (self.momentum if self.nesterov else 1.0), 1.0

    def constants(self, lr: float, step: int) -> tuple[float, ...]:  # noqa: ARG002
        """Returns ``lr``, the momentum, and the shares of gradient and buffer in the update."""
        return lr, self.momentum, float(self.nesterov), self.momentum if self.nesterov else 1.0

    def update(self, moments: Tensor, grads: Tensor, constants: tuple[float, ...]) -> Tensor:
        """Returns ``lr * b``, under Nesterov's rule ``lr * (g + momentum * b)``."""
        lr, momentum, of_gradient, of_buffer = constants
        if not self.num_moments:
            return lr * grads
        buffer = moments[:, 0].mul_(momentum).add_(grads)
        return lr * (of_gradient * grads + of_buffer * buffer)

    def movement(self, moments: Tensor, coefficients: Tensor) -> Tensor:
        """Returns the momentum times the geometric sum."""
        if not self.num_moments:
            return torch.zeros_like(coefficients[OVER_ROOT])
        return moments[:, 0] * coefficients[OVER_ROOT]
