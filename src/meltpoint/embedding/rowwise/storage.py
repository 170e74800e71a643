"""Where rows and their moments lie, and who does the arithmetic: compiled loops, or torch."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from meltpoint.embedding.rowwise.absences import Missed
from meltpoint.embedding.rowwise.coasting import KEEP_1, SHARE
from meltpoint.embedding.rowwise.rules.base import Floats, RowRule, Rows, Shares


class RowStorage(ABC):
    """A table ``(V, D)`` and the moments of the rows that have been stepped, ``(slots, num_moments, D)``.

    Attributes:
        table: The tensor that was given, until :meth:`keep_parts`.
        width: D / G, columns of each of G tables that stand side by side.
        rates: ``(D,)`` factors on the learning rate.
        moments: Grow with the number of slots; slot 0 stays zero.
    """

    def __init__(self, table: Tensor, rule: RowRule, target: Tensor | None, part_rates: Tensor) -> None:
        """Takes the table as it is.

        Args:
            table: ``(V, D)``, changed in place.
            rule: The arithmetic.
            target: ``(V, D / G)``, where decay leads each of G parts; None: to zero.
            part_rates: ``(G,)`` factors on the learning rate.
        """
        self.table = table
        self.rule = rule
        self.width = table.shape[1] // len(part_rates)
        self.rates = part_rates.to(table).repeat_interleave(self.width)
        self.target = table.new_zeros(1, table.shape[1]) if target is None else target.detach()
        self.moments = self.new_moments(1)

    @abstractmethod
    def new_moments(self, num_slots: int) -> Tensor:
        """Returns zeros ``(num_slots, num_moments, D)``."""

    @abstractmethod
    def read(self, rows: Rows, missed: Missed) -> Tensor:
        """Returns what rows are by now, ``(U, D)``."""

    @abstractmethod
    def coast(self, rows: Rows, missed: Missed) -> None:
        """Brings rows up to date in place."""

    @abstractmethod
    def step(
        self,
        rows: Rows,
        missed: Missed,
        weights: Tensor | None,
        slots: Rows,
        grads: Tensor,
        pulls: Shares,
        befores: Shares,
        afters: Shares,
        constants: tuple[float, ...],
    ) -> None:
        """Brings rows up to date and steps them in place.

        Args:
            rows: ``(U,)``.
            missed: By them.
            weights: ``(U, D)`` from :meth:`read`, if that has been asked.
            slots: ``(U,)``, where their moments are.
            grads: ``(U, D)``.
            pulls: ``(U,)``, 1 for rows on which decay acts, else 0.
            befores: ``(P,)``, shares of the way to the target that decay goes before the update.
            afters: The same, after it.
            constants: Of the rule.
        """

    def make_room(self, num_slots: int) -> None:
        """Lets the moments grow, geometrically, so that they hold these slots and slot 0."""
        if num_slots < len(self.moments):
            return
        old = self.moments
        self.moments = self.new_moments(min(len(self.table), max(num_slots, 2 * len(old))) + 1)
        self.moments[: len(old)] = old

    def keep_parts(self, parts: Tensor) -> None:
        """Goes on with a table of these parts, int64, alone."""
        columns = (parts.unsqueeze(1) * self.width + torch.arange(self.width)).flatten()
        places = columns.to(self.table.device)
        if self.target.shape[1] > self.width:
            self.target = self.target.index_select(1, places)
        self.table = self.table.detach().index_select(1, places)
        self.rates = self.rates[places]
        self.moments = self.moments.index_select(2, places)

    def _shape(self, num_slots: int) -> tuple[int, int, int]:
        return num_slots, self.rule.num_moments, self.table.shape[1]


class CompiledStorage(RowStorage):
    """A float32 table in main memory, stepped by compiled loops on one thread."""

    def new_moments(self, num_slots: int) -> Tensor:
        """Returns zeros; NumPy's are pages that nobody has touched, so that room to grow takes no memory."""
        return torch.from_numpy(np.zeros(self._shape(num_slots), dtype=np.float32))

    def read(self, rows: Rows, missed: Missed) -> Tensor:
        """Returns what rows are by now, ``(U, D)``."""
        out = np.empty((len(rows), self.table.shape[1]), dtype=np.float32)
        self.rule.read_rows(*self._arrays(), rows, missed.slots, missed.places, missed.coefficients, out)
        return torch.from_numpy(out)

    def coast(self, rows: Rows, missed: Missed) -> None:
        """Brings rows up to date in place."""
        self.rule.coast_rows(*self._arrays(), rows, missed.slots, missed.places, missed.coefficients)

    def step(
        self,
        rows: Rows,
        missed: Missed,
        weights: Tensor | None,
        slots: Rows,
        grads: Tensor,
        pulls: Shares,
        befores: Shares,
        afters: Shares,
        constants: tuple[float, ...],
    ) -> None:
        """Brings rows up to date and steps them in place, in one pass if they have been read."""
        weights = self.read(rows, missed) if weights is None else weights
        self.rule.step_rows(
            *self._arrays(),
            rows,
            missed.slots,
            missed.places,
            missed.coefficients,
            weights.detach().contiguous().numpy(),
            slots,
            grads.to(torch.float32).contiguous().numpy(),
            pulls,
            befores,
            afters,
            *constants,
        )

    def _arrays(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.table.detach().numpy(), self.moments.numpy(), self.target.numpy(), self.rates.numpy()


class TensorStorage(RowStorage):
    """A table of any device and floating dtype; the arithmetic is done in its precision, at least float32."""

    def new_moments(self, num_slots: int) -> Tensor:
        """Returns zeros on the table's device."""
        return torch.zeros(self._shape(num_slots), dtype=self._dtype, device=self.table.device)

    @torch.no_grad()
    def read(self, rows: Rows, missed: Missed) -> Tensor:
        """Returns what rows are by now, ``(U, D)``."""
        weight = self.table[self._on_device(rows)]
        waiting = np.flatnonzero(missed.slots >= 0)
        if len(waiting):
            weight[self._on_device(waiting)] = self._coasted(rows, missed, waiting)[0].to(weight.dtype)
        return weight

    @torch.no_grad()
    def coast(self, rows: Rows, missed: Missed) -> None:
        """Brings rows up to date in place."""
        waiting = np.flatnonzero(missed.slots >= 0)
        if not len(waiting):
            return
        weight, moments = self._coasted(rows, missed, waiting)
        self._write(self._on_device(rows[waiting]), weight, self._on_device(missed.slots[waiting]), moments)

    @torch.no_grad()
    def step(
        self,
        rows: Rows,
        missed: Missed,
        weights: Tensor | None,  # noqa: ARG002 - the table's own rows are brought up to date with their moments
        slots: Rows,
        grads: Tensor,
        pulls: Shares,
        befores: Shares,
        afters: Shares,
        constants: tuple[float, ...],
    ) -> None:
        """Brings rows up to date and steps them in place."""
        self.coast(rows, missed)
        places, homes = self._on_device(rows), self._on_device(slots)
        before, after = (self._per_column(np.outer(pulls, shares)) for shares in (befores, afters))
        weight, moments, goal = self.table[places].to(self._dtype), self.moments[homes], self._goal(places)
        weight += before * (goal - weight)
        weight -= self.rates * self.rule.update(moments, grads.to(self.table.device, self._dtype), constants)
        weight += after * (goal - weight)
        self._write(places, weight, homes, moments)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.promote_types(self.table.dtype, torch.float32)

    def _coasted(self, rows: Rows, missed: Missed, waiting: Rows) -> tuple[Tensor, Tensor]:
        """Returns rows and moments, brought up to date, at the positions ``waiting`` (W,) of ``rows``."""
        places, homes = self._on_device(rows[waiting]), self._on_device(missed.slots[waiting])
        coefficients = self._per_column(np.moveaxis(missed.coefficients[missed.places[waiting]], 2, 0))
        weight, moments = self.table[places].to(self._dtype), self.moments[homes]
        weight += coefficients[SHARE] * (self._goal(places) - weight)
        weight -= self.rates * self.rule.movement(moments, coefficients)
        moments *= coefficients[KEEP_1 : KEEP_1 + self.rule.num_moments].transpose(0, 1)
        return weight, moments

    def _write(self, places: Tensor, weight: Tensor, homes: Tensor, moments: Tensor) -> None:
        # Rows without a slot all share slot 0, and all write zero there.
        self.moments[homes] = moments
        self.table.detach()[places] = weight.to(self.table.dtype)

    def _goal(self, places: Tensor) -> Tensor:
        goal = (self.target[places] if len(self.target) > 1 else self.target).to(self._dtype)
        return goal.repeat(1, self.table.shape[1] // goal.shape[1])

    def _per_column(self, of_parts: Shares) -> Tensor:
        """Turns numbers ``(..., P)`` of parts into ``(..., D)``, or ``(..., 1)`` where there is one part."""
        numbers = self._on_device(np.ascontiguousarray(of_parts)).to(self._dtype)
        return numbers if numbers.shape[-1] == 1 else numbers.repeat_interleave(self.width, dim=-1)

    def _on_device(self, array: Rows | Shares) -> Tensor:
        return torch.from_numpy(array).to(self.table.device)
