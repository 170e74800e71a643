"""Stochastic gradient descent with momentum, on rows."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import KEEP_1, OVER_ROOT, SHARE, Coasting
from meltpoint.embedding.rowwise.prefetching import prefetch_next
from meltpoint.embedding.rowwise.rules.base import Floats, RowRule, Rows, Shares, copy_row, require


@compiled
def _coast(weight: Floats, moments: Floats, goal: Floats, rates: Floats, coefficients: Shares, out: Floats) -> None:
    """Writes what a row (D,) with moments (0 or 1, D) is by now into ``out``, which must not be the row itself."""
    share, distance = np.float32(coefficients[SHARE]), np.float32(coefficients[OVER_ROOT])
    for j in range(len(weight)):
        out[j] = weight[j] + share * (goal[j] - weight[j])
    if len(moments):
        buffer = moments[0]
        for j in range(len(out)):
            out[j] -= rates[j] * (distance * buffer[j])


@compiled
def _forget(moments: Floats, coefficients: Shares) -> None:
    """Lets the moments (0 or 1, D) of a row shrink as its absence did."""
    keep = np.float32(coefficients[KEEP_1])
    if len(moments):
        buffer = moments[0]
        for j in range(len(buffer)):
            buffer[j] *= keep


@compiled
def _read_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
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
            _coast(weight, moments[missed[i]], target[0 if one_target else rows[i]], rates, coefficients[i], out[i])
        else:
            copy_row(weight, out[i])


@compiled
def _coast_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
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
            _coast(weight, moments[missed[i]], target[0 if one_target else rows[i]], rates, coefficients[i], present)
            copy_row(present, weight)
            _forget(moments[missed[i]], coefficients[i])


@compiled
def _step_rows(
    table: Floats,
    moments: Floats,
    target: Floats,
    rates: Floats,
    rows: Rows,
    missed: Rows,
    coefficients: Shares,
    weights: Floats,
    slots: Rows,
    grads: Floats,
    befores: Shares,
    afters: Shares,
    lr: float,
    momentum: float,
    of_gradient: float,
    of_buffer: float,
) -> None:
    rate, keep = np.float32(lr), np.float32(momentum)
    share_gradient, share_buffer = np.float32(of_gradient), np.float32(of_buffer)
    one_target = len(target) == 1
    for i in range(len(rows)):
        prefetch_next(table, moments, rows, slots, i)
        weight, present, gradient, state = table[rows[i]], weights[i], grads[i], moments[slots[i]]
        goal = target[0 if one_target else rows[i]]
        if missed[i] >= 0:
            _forget(state, coefficients[i])
        buffer = gradient
        if len(state):
            buffer = state[0]
            for j in range(len(gradient)):
                buffer[j] = keep * buffer[j] + gradient[j]
        before, after = np.float32(befores[i]), np.float32(afters[i])
        for j in range(len(weight)):
            moved = present[j] + before * (goal[j] - present[j])
            moved -= rates[j] * (rate * (share_gradient * gradient[j] + share_buffer * buffer[j]))
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
