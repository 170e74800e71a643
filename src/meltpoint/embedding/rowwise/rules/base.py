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
    row i in the place ``places[i]`` (U,). A row is worked on part by part, in the stretches of
    :func:`cut_into_stretches`. The loop over the rows stands in each rule: one that is made by a function, over another
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
def cut_into_stretches(num_columns: int, num_parts: int) -> list[tuple[int, int, int, int]]:
    """Returns how every row is walked: each stretch's part, where the part starts, and its columns.

    It is a list, and neither a generator over rows and stretches nor a function that finds the k-th of them: a step of
    mean pooling with Adam takes 25% longer with the one, 3% with the other, and 1% with the list, than with the loops
    written out.
    """
    width = num_columns // num_parts
    return [
        (part, part * width, first, min(first + STRETCH, (part + 1) * width))
        for part in range(num_parts)
        for first in range(part * width, (part + 1) * width, STRETCH)
    ]


@compiled
def copy_row(source: Floats, out: Floats) -> None:
    """Copies a row (D,). The loop becomes vectors; an assignment of slices takes five times as long for short rows."""
    for j in range(len(source)):
        out[j] = source[j]


def require(condition: bool, rule: str, expected: str, found: Any) -> None:  # noqa: FBT001
    """Raises :class:`InputError` unless the condition holds."""
    if not condition:
        raise InputError(f"Rule {rule!r}: {expected}, found {found!r}.")
