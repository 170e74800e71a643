"""What an update rule is: the constants of its steps, and its arithmetic on rows, compiled and in torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import Coasting
from meltpoint.errors import InputError

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Shares = NDArray[np.float64]

# Columns that are asked of memory, and worked on, at a time.
STRETCH = 128


@dataclass(frozen=True, kw_only=True)
class RowRule(ABC):
    """How rows move: by their gradient at a step, and by themselves while they are absent.

    A new rule is one subclass in a file of its own. Its arithmetic is written twice: three compiled loops for float32
    arrays in main memory, :meth:`update` and :meth:`movement` in torch for every other device and dtype.

    The loops take ``table`` (V, D), ``moments`` (slots, num_moments, D), ``target`` (V, D / P) or (1, D / P), which is
    where decay leads the columns of each of P parts, ``rates`` (D,), which are factors on the learning rate, ``rows``
    (U,), and what the rows missed: ``missed`` (U,) slots, -1 where nothing, and ``coefficients`` (N, P, 7), those of
    row i in the place ``places[i]`` (U,). A row is worked on part by part, in stretches of :data:`STRETCH`. The walk
    over the rows is the same in every rule and yet written out in each: a loop that is made by a function, over another
    compiled function, is never found again in numba's cache, and would be compiled anew in every process.
    """

    name: ClassVar[str]
    # (table, moments, target, rates, rows, missed, places, coefficients, out (U, D)): writes what the rows are by now.
    read_rows: ClassVar[Callable[..., None]]
    # (table, moments, target, rates, rows, missed, places, coefficients): brings the rows up to date in place.
    coast_rows: ClassVar[Callable[..., None]]
    # (table, moments, target, rates, rows, missed, places, coefficients, weights (U, D), slots (U,), grads (U, D),
    # pulls (U,), befores (P,), afters (P,), *constants): steps the rows in place from `weights`, what `read_rows`
    # writes, and with moments that are still to be brought up to date. In rows whose pull is 1, not 0, decay goes the
    # share `befores` of the way to the target before the update and `afters` after it.
    step_rows: ClassVar[Callable[..., None]]

    @property
    @abstractmethod
    def num_moments(self) -> int:
        """Numbers of state that the rule keeps for each number of a row."""

    @abstractmethod
    def coasting(self) -> Coasting:
        """Returns what absence does to a row in exact mode."""

    @abstractmethod
    def gain(self, lr: float, step: int) -> tuple[float, float]:
        """Returns how far a step (from 1) moves an absent row by one unit of momentum, and its level."""

    @abstractmethod
    def constants(self, lr: float, step: int) -> tuple[float, ...]:
        """Returns the numbers of a step (from 1) that are the same for all rows."""

    @abstractmethod
    def update(self, moments: Tensor, grads: Tensor, constants: tuple[float, ...]) -> Tensor:
        """Changes ``moments`` (U, num_moments, D) by a step; returns the update (U, D), to be subtracted."""

    @abstractmethod
    def movement(self, moments: Tensor, coefficients: Tensor) -> Tensor:
        """Returns how far rows have coasted, (U, D), to be subtracted; ``coefficients`` is (7, U, 1)."""


@compiled
def copy_row(source: Floats, out: Floats) -> None:
    """Copies a row (D,). The loop becomes vectors; an assignment of slices takes five times as long for short rows."""
    for j in range(len(source)):
        out[j] = source[j]


def require(condition: bool, rule: str, expected: str, found: Any) -> None:  # noqa: FBT001
    """Raises :class:`InputError` unless the condition holds."""
    if not condition:
        raise InputError(f"Rule {rule!r}: {expected}, found {found!r}.")
