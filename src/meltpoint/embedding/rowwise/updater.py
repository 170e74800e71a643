"""Updates of a table that touch only the rows of the batch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.embedding.rowwise.absences import Absences
from meltpoint.embedding.rowwise.checks import Mode, check_anchor, check_options, check_parts
from meltpoint.embedding.rowwise.coasting import Coasting
from meltpoint.embedding.rowwise.rules import RowRule
from meltpoint.embedding.rowwise.rules.base import Rows
from meltpoint.embedding.rowwise.storage import CompiledStorage, TensorStorage
from meltpoint.errors import InputError

# Rows brought up to date at a time when all are.
FLUSH_CHUNK = 65_536


class RowUpdater:
    """Steps rows of a table ``(V, D)`` under a rule, as a dense optimiser would step the whole of it.

    Between steps the table holds each row as it was when it was last stepped; :meth:`read` says what it is by now::

        updater = RowAdam(table, lr=1e-3)
        for ...:
            weights = updater.read(rows)
            grads = ...  # of the loss by weights
            updater.step(rows, grads, weights=weights)
        updater.flush()

    Who reads the table itself brings its rows up to date before (:meth:`catch_up`), or all of them (:meth:`flush`).

    Decay is decoupled. Toward zero it comes before the update, ``w <- (1 - lr * weight_decay) * w``, as in
    ``torch.optim.AdamW``; toward an anchor it comes after it, ``w <- w + lr * anchor_strength * (anchor - w)``, as
    in the policy ``anchored``. It goes at most the whole way. Absent rows decay by the product of their missed steps.

    A float32 table in main memory is stepped by compiled loops on one thread, any other by torch operations in the
    precision of the table, at least float32. Moments are kept for rows that have been stepped; every other row costs 8
    bytes of memory that is not touched.

    Attributes:
        lr: The learning rate of steps that are given none.
        rule: How rows move.
        mode: ``exact`` or ``lazy``.
    """

    def __init__(
        self,
        table: Tensor,
        rule: RowRule,
        *,
        lr: float,
        weight_decay: float = 0.0,
        anchor: Tensor | None = None,
        anchor_strength: float | Tensor = 0.0,
        anchored_rows: Tensor | None = None,
        padding_idx: int | None = None,
        part_rates: Tensor | None = None,
        mode: Mode = "exact",
    ) -> None:
        """Starts at step 0, with no state.

        Args:
            table: ``(V, D)``, contiguous; changed in place. It stays where it is (device, dtype) from now on.
            rule: How rows move.
            lr: Learning rate, 0 or more.
            weight_decay: Decoupled decay toward zero, 0 or more.
            anchor: ``(V, D / G)`` of the table's dtype and device, where decay leads each of G parts instead of to
                zero; not copied.
            anchor_strength: Decoupled decay toward the anchor, 0 or more; or one for each part, ``(G,)``.
            anchored_rows: ``(V,)`` bool, the rows that the anchor pulls; None: all.
            padding_idx: A row that decay leaves alone, from 0 to V - 1.
            part_rates: ``(G,)`` factors on the learning rate, where G tables of equal width stand side by side in one,
                and each has a rate of its own; None: there is one.
            mode: ``exact``: absent rows move as the dense optimiser would have moved them. ``lazy``: their moments
                stand still, and nothing but decay moves them.

        Raises:
            InputError: A value is out of range, tensors do not fit together, or the rule has no exact mode.
        """
        strengths = torch.as_tensor(anchor_strength, dtype=torch.float64, device="cpu").reshape(-1)
        check_options(table, lr=lr, weight_decay=weight_decay, mode=mode)
        check_parts(table, part_rates, strengths)
        rates = torch.ones(1, dtype=torch.float64) if part_rates is None else part_rates.to("cpu", torch.float64)
        is_pulled = bool(strengths.any())
        check_anchor(table, anchor, anchored_rows, num_parts=len(rates), weight_decay=weight_decay, is_pulled=is_pulled)
        if padding_idx is not None and not 0 <= padding_idx < len(table):
            raise InputError(f"padding_idx must be None or from 0 to {len(table) - 1}, found {padding_idx!r}.")
        self.lr = lr
        self.rule = rule
        self.mode = mode
        # What a step decays, by its learning rate; one part stands for all where nothing does.
        decays = bool(weight_decay) or is_pulled
        self._decay_before = (rates * weight_decay).numpy() if decays else np.zeros(1)
        self._decay_after = (rates * strengths).numpy() if decays else np.zeros(1)
        in_loops = table.device.type == "cpu" and table.dtype == torch.float32
        storage = CompiledStorage if in_loops else TensorStorage
        self._storage = storage(table, rule, anchor if is_pulled else None, rates)
        self._absences = Absences(
            len(table),
            rule.coasting() if mode == "exact" else Coasting(),
            pulled=self._pulled_rows(anchored_rows if is_pulled else None, padding_idx) if decays else None,
            num_parts=len(self._decay_before),
            stateful=rule.num_moments > 0,
        )

    @property
    def table(self) -> Tensor:
        """The tensor that was given, ``(V, D)``, until :meth:`keep_parts`."""
        return self._storage.table

    @property
    def steps(self) -> int:
        """Steps taken."""
        return self._absences.now

    @property
    def num_rows_with_state(self) -> int:
        """Rows that have moments."""
        return self._absences.num_slots

    @property
    def state_bytes(self) -> int:
        """Size of the moments, with room to grow (main memory is taken only as it is used)."""
        return self._storage.moments.nbytes

    def read(self, rows: Tensor) -> Tensor:
        """Returns what rows ``(U,)`` int64 are by now, ``(U, D)`` on the table's device; changes nothing.

        Raises:
            InputError: A row is not in the table.
        """
        host = _on_host(rows)
        return self._storage.read(host, self._absences.missed(host, mark=False))

    def catch_up(self, rows: Tensor) -> None:
        """Brings rows ``(U,)`` int64 of the table up to date in place.

        Raises:
            InputError: A row is not in the table.
        """
        self._catch_up(_on_host(rows))

    def step(self, rows: Tensor, grads: Tensor, *, lr: float | None = None, weights: Tensor | None = None) -> None:
        """Takes one step: rows ``(U,)`` int64, each once, with gradients ``(U, D)``; all others are absent from it.

        Args:
            rows: Rows of the batch.
            grads: Their gradients, in any floating dtype, at what :meth:`read` returned.
            lr: Learning rate of this step; None: :attr:`lr`.
            weights: What :meth:`read` returned for these rows since the last step, ``(U, D)``, unchanged: it need not
                be worked out again.

        Raises:
            InputError: A row is not in the table or occurs twice, or the shapes do not fit.
        """
        expected = (*rows.shape, self.table.shape[1])
        for name, given in (("grads", grads), ("weights", weights)):
            if given is not None and given.shape != expected:
                found = tuple(given.shape)
                raise InputError(f"{name} must be of shape (rows, dimensions) = {expected}, found {found}.")
        lr = self.lr if lr is None else float(lr)
        before, after = np.minimum(1, lr * self._decay_before), np.minimum(1, lr * self._decay_after)
        absences, now = self._absences, self._absences.now + 1
        if len(rows):
            host = _on_host(rows)
            missed = absences.missed(host, mark=False)
            slots, pulls = absences.enter(host)
            self._storage.make_room(absences.num_slots)
            constants = self.rule.constants(lr, now)
            self._storage.step(host, missed, weights, slots, grads.detach(), pulls, before, after, constants)
        absences.advance(*self.rule.gain(lr, now), before, after)
        if absences.history_is_long:
            self.flush()

    def flush(self) -> None:
        """Brings the whole table up to date; call it before the table is used in any other way than by its rows."""
        absences = self._absences
        if absences.nothing_counts:
            return
        rows = np.arange(len(self.table)) if absences.everything_counts else absences.rows_with_slots()
        for start in range(0, len(rows), FLUSH_CHUNK):
            self._catch_up(rows[start : start + FLUSH_CHUNK])
        absences.close()

    def make_room(self, num_rows: int) -> None:
        """Makes room for the state of so many rows at once, where they are known to occur: what grows is copied."""
        self._storage.make_room(num_rows)

    def keep_parts(self, parts: Tensor) -> None:
        """Goes on with these parts, int64, alone, in this order; :attr:`table` is a new tensor from then on."""
        self._storage.keep_parts(parts)
        if self._absences.everything_counts:
            chosen = parts.numpy()
            self._absences.keep_parts(chosen)
            self._decay_before, self._decay_after = self._decay_before[chosen], self._decay_after[chosen]

    def state_dict(self) -> dict[str, Any]:
        """Brings the table up to date and returns what, with it, continues the training.

        Returns:
            ``steps`` (int), ``rows`` ``(n,)`` int64 and ``moments`` ``(n, num_moments, D)`` of the rows that have
            been stepped. A copy, on the table's device.
        """
        self.flush()
        rows = torch.from_numpy(self._absences.rows_with_slots())
        return {
            "steps": self._absences.now,
            "rows": rows.to(self.table.device),
            "moments": self._storage.moments[1 : len(rows) + 1].clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a state; the table must hold what it held when the state was taken.

        Raises:
            InputError: The state is of another table or rule.
        """
        missing = {"steps", "rows", "moments"} - state.keys()
        if missing:
            raise InputError(f"The state of a row updater lacks {', '.join(sorted(missing))}.")
        rows, moments = _on_host(state["rows"]), state["moments"]
        expected = (len(rows), self.rule.num_moments, self.table.shape[1])
        if tuple(moments.shape) != expected:
            raise InputError(
                f"The state holds moments of shape {tuple(moments.shape)}, expected (rows, moments of rule "
                f"{self.rule.name!r}, dimensions) = {expected}. It was taken with another rule or another table."
            )
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self.table):
            raise InputError(
                f"The state holds row {rows.max()}; the table has {len(self.table)} rows. It is of another table."
            )
        self._absences.restart(int(state["steps"]), rows)
        self._storage.moments = self._storage.new_moments(len(rows) + 1)
        self._storage.moments[1:].copy_(moments)

    def _catch_up(self, rows: Rows) -> None:
        self._storage.coast(rows, self._absences.missed(rows, mark=True))

    def _pulled_rows(self, anchored_rows: Tensor | None, padding_idx: int | None) -> NDArray[np.bool_]:
        """Returns which rows decay acts on: ``(V,)`` or ``(1,)`` bool."""
        if anchored_rows is not None:
            pulled: NDArray[np.bool_] = anchored_rows.cpu().numpy().copy()
        elif padding_idx is None:
            return np.ones(1, dtype=np.bool_)
        else:
            pulled = np.ones(len(self.table), dtype=np.bool_)
        if padding_idx is not None:
            pulled[padding_idx] = False
        return pulled


def _on_host(rows: Tensor) -> Rows:
    if rows.dtype != torch.int64 or rows.ndim != 1:
        raise InputError(f"rows must be int64 of shape (rows,), found {rows.dtype} {tuple(rows.shape)}.")
    host: Rows = rows.detach().cpu().contiguous().numpy()
    return host
