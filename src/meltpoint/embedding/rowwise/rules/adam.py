"""Adam on rows (Kingma & Ba, ICLR 2015)."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import (
    KEEP_1,
    KEEP_2,
    OVER_ONE,
    OVER_ROOT,
    SHARE,
    UNDER_ONE,
    UNDER_ROOT,
    Coasting,
)
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
def _coast(
    weight: Floats, mean: Floats, square: Floats, goal: Floats, rates: Floats, coefficients: Shares, out: Floats
) -> None:
    """Writes what columns of a row and its moments are by now into ``out``, which must not be the row itself."""
    share = np.float32(coefficients[SHARE])
    over_root, over_one = np.float32(coefficients[OVER_ROOT]), np.float32(coefficients[OVER_ONE])
    under_root, under_one = np.float32(coefficients[UNDER_ROOT]), np.float32(coefficients[UNDER_ONE])
    for j in range(len(out)):
        root = np.sqrt(square[j])
        moved = weight[j] + share * (goal[j] - weight[j])
        distance = mean[j] * (over_root * root + over_one) / (square[j] + under_root * root + under_one)
        out[j] = moved - rates[j] * distance


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
        mean, square = moments[max(missed[i], 0), 0], moments[max(missed[i], 0), 1]
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, missed, i, first, last)
            if missed[i] >= 0:
                _coast(
                    weight[first:last],
                    mean[first:last],
                    square[first:last],
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
        mean, square = moments[missed[i], 0], moments[missed[i], 1]
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, missed, i, first, last)
            own, present = coefficients[places[i], part], space[: last - first]
            _coast(
                weight[first:last],
                mean[first:last],
                square[first:last],
                goal[first - start : last - start],
                rates[first:last],
                own,
                present,
            )
            copy_row(present, weight[first:last])
            left_1, left_2 = np.float32(own[KEEP_1]), np.float32(own[KEEP_2])
            for j in range(first, last):
                mean[j] *= left_1
            for j in range(first, last):
                square[j] *= left_2


@compiled
def _renew(
    mean: Floats,
    square: Floats,
    gradient: Floats,
    left_1: np.float32,
    left_2: np.float32,
    fresh_1: np.float32,
    keep_2: np.float32,
    fresh_2: np.float32,
) -> None:
    """Brings columns of the moments up to date, by what absence has left of them, and takes the gradient in."""
    for j in range(len(gradient)):
        old = left_1 * mean[j]
        mean[j] = old + fresh_1 * (gradient[j] - old)
        square[j] = keep_2 * (left_2 * square[j]) + fresh_2 * gradient[j] * gradient[j]


@compiled
def _move(
    weight: Floats,
    present: Floats,
    goal: Floats,
    rates: Floats,
    mean: Floats,
    square: Floats,
    before: np.float32,
    after: np.float32,
    gain: np.float32,
    scale: np.float32,
    floor: np.float32,
) -> None:
    """Writes where the moments move columns of a row from where it is at present."""
    for j in range(len(weight)):
        moved = present[j] + before * (goal[j] - present[j])
        moved -= rates[j] * (gain * mean[j] / (np.sqrt(square[j]) * scale + floor))
        weight[j] = moved + after * (goal[j] - moved)


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
    fresh: float,
    beta2: float,
    step_size: float,
    inverse_root: float,
    eps: float,
) -> None:
    fresh_1, keep_2, fresh_2 = np.float32(fresh), np.float32(beta2), np.float32(1 - beta2)
    gain, scale, floor = np.float32(step_size), np.float32(inverse_root), np.float32(eps)
    one_target, stretches = len(target) == 1, cut_into_stretches(table.shape[1], coefficients.shape[1])
    for i in range(len(rows)):
        left_1, left_2 = np.float32(1), np.float32(1)
        if missed[i] >= 0:
            left_1 = np.float32(coefficients[places[i], 0, KEEP_1])
            left_2 = np.float32(coefficients[places[i], 0, KEEP_2])
        mean, square = moments[slots[i], 0], moments[slots[i], 1]
        weight, goal = table[rows[i]], target[0 if one_target else rows[i]]
        present, gradient = weights[i], grads[i]
        for part, start, first, last in stretches:
            prefetch_ahead(table, moments, rows, slots, i, first, last)
            # Two short loops: with all arrays in one, the compiler gives up on vectors.
            _renew(mean[first:last], square[first:last], gradient[first:last], left_1, left_2, fresh_1, keep_2, fresh_2)
            _move(
                weight[first:last],
                present[first:last],
                goal[first - start : last - start],
                rates[first:last],
                mean[first:last],
                square[first:last],
                np.float32(pulls[i] * befores[part]),
                np.float32(pulls[i] * afters[part]),
                gain,
                scale,
                floor,
            )


@dataclass(frozen=True, kw_only=True)
class AdamRule(RowRule):
    """``w <- w - lr * (m / bc1) / (sqrt(v / bc2) + eps)``, as ``torch.optim.Adam`` has it.

    While a row is absent ``m`` and ``v`` shrink by their betas, and step t moves it by
    ``g(t) * rho^k * m / (sqrt(v) + eps * sqrt(bc2(t)) * beta2^(-k/2))`` after k steps, with
    ``rho = beta1 / sqrt(beta2)`` and ``g(t) = lr * sqrt(bc2(t)) / bc1(t)``.

    Attributes:
        betas: Retentions of the two moments, from 0 to below 1; in exact mode ``beta1 < beta2``, so that the four
            sums converge.
        eps: Added to the denominator, at least 1e-15 (its square must be a float32).
    """

    name = "adam"
    read_rows = staticmethod(_read_rows)
    coast_rows = staticmethod(_coast_rows)
    step_rows = staticmethod(_step_rows)

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require(
            len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas),
            self.name,
            "betas must be two numbers from 0 to below 1",
            self.betas,
        )
        require(1e-15 <= self.eps < math.inf, self.name, "eps must be a finite number of at least 1e-15", self.eps)

    @property
    def num_moments(self) -> int:
        """The mean of the gradient and of its square."""
        return 2

    def coasting(self) -> Coasting:
        """Returns the four sums over the levels of the denominator, in units of eps."""
        beta1, beta2 = self.betas
        require(
            beta1 < beta2 or beta1 == 0,
            self.name,
            "exact mode needs betas with beta1 < beta2, as the momentum would otherwise outlive the denominator "
            "(use mode='lazy' or a dense optimiser)",
            self.betas,
        )
        if not beta1:
            return Coasting(retentions=self.betas)
        root = math.sqrt(beta2)
        return Coasting(
            retentions=self.betas,
            ratio=beta1 / root,
            level_ratio=1 / root,
            level_powers=(-2, -1, 0, 1),
            level=self.eps,
        )

    def gain(self, lr: float, step: int) -> tuple[float, float]:
        """Returns ``g(step)`` and ``sqrt(bc2(step))``."""
        root = math.sqrt(1 - self.betas[1] ** step)
        return lr * root / (1 - self.betas[0] ** step), root

    def constants(self, lr: float, step: int) -> tuple[float, ...]:
        """Returns ``1 - beta1``, ``beta2``, ``lr / bc1``, ``1 / sqrt(bc2)`` and eps."""
        beta1, beta2 = self.betas
        return 1 - beta1, beta2, lr / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step), self.eps

    def update(self, moments: Tensor, grads: Tensor, constants: tuple[float, ...]) -> Tensor:
        """Returns ``lr * (m / bc1) / (sqrt(v / bc2) + eps)``."""
        fresh, beta2, step_size, inverse_root, eps = constants
        mean, square = moments.unbind(1)
        mean.lerp_(grads, fresh)
        square.mul_(beta2).addcmul_(grads, grads, value=1 - beta2)
        return step_size * mean / (square.sqrt() * inverse_root + eps)

    def movement(self, moments: Tensor, coefficients: Tensor) -> Tensor:
        """Returns the first moment times the sum over the missed steps."""
        mean, square = moments.unbind(1)
        root = square.sqrt()
        over = coefficients[OVER_ROOT] * root + coefficients[OVER_ONE]
        return mean * over / (square + coefficients[UNDER_ROOT] * root + coefficients[UNDER_ONE])
