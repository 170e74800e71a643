"""What a row misses while it is absent from the batches: when it was last seen, and what has piled up since.

Time is counted in steps. ``now`` steps are done; a row that is ``as_of`` step s holds what a dense optimiser would
have made of it by then. The k steps after s without a gradient do three things to it, whatever the rule:

* decay brings it nearer to its target by the share ``1 - prod(1 - share_t)`` of the way;
* momentum moves it by a sum ``sum_t P_t g_t r^(t-s)`` times its momentum, where ``g_t`` is what the schedule made of
  step t and ``P_t`` the decay after it;
* its moments shrink by ``beta^k``.

The first is a difference of logarithms, the third a power. The sums of the second are kept for each step s of the last
``window`` ones and brought forward at every step; ``r < 1``, so that beyond the window nothing is left to add: the sum
of an older s is finished and only decays. The cost of a step therefore depends neither on V nor on ``now``.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.embedding.rowwise.absence_loops import SLOT, advance_sums, collect_missed, enter_rows
from meltpoint.embedding.rowwise.coasting import NUM_COEFFICIENTS, Coasting
from meltpoint.errors import InputError

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

# A decay of the whole way has no logarithm; this much of one leaves exp(-800) == 0.
WHOLE_WAY = -800.0
# Steps after which all rows are brought up to date, so that the history stays below 5 MB (of eight parts, 20 MB).
LONGEST_HISTORY = 16_384


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What rows ``(U,)`` have missed.

    Attributes:
        slots: ``(U,)`` int64, where their moments are: 0 for a row that has none, -1 for one that missed nothing.
        places: ``(U,)`` int64, where their coefficients are.
        coefficients: ``(N, P, 7)`` float64 for each part, columns as in
            :mod:`meltpoint.embedding.rowwise.coasting`; they hold until the next step. Where a row missed nothing they
            are undefined.
    """

    slots: Rows
    places: Rows
    coefficients: Floats


class Absences:
    """The bookkeeping of one table: 8 bytes a row, which stay untouched memory for rows that never occur.

    Where rows decay, their columns may fall into P parts that decay at rates of their own.

    Attributes:
        now: Steps taken.
        num_slots: Rows that have moments. Slot 0 is nobody's, and zero.
    """

    def __init__(
        self, num_rows: int, coasting: Coasting, *, pulled: NDArray[np.bool_] | None, num_parts: int, stateful: bool
    ) -> None:
        """Starts at step 0.

        Args:
            num_rows: V.
            coasting: What absence does under the rule.
            pulled: ``(V,)`` or ``(1,)``, the rows on which decay acts; None where there is no decay.
            num_parts: P.
            stateful: Whether rows that are stepped need a slot.
        """
        self.now = 0
        self.num_slots = 0
        self._window, self._forgets, self._level = coasting.window, coasting.forgets, coasting.level
        self._stateful = stateful
        self._decays = pulled is not None
        self._num_parts = num_parts
        self._log_keeps: Floats
        self._sums: Floats
        self._known: Floats
        self._pulled = np.zeros(1, dtype=np.bool_) if pulled is None else pulled
        self._marks = np.zeros((num_rows, 2), dtype=np.int32)
        self._log_retentions = np.array([math.log(r) if r else -math.inf for r in coasting.retentions])
        # From old to new, so that the loop that brings the sums forward walks all arrays in one direction.
        ages = np.arange(self._window, -1, -1)
        ratios = np.array(coasting.ratios, dtype=np.float64).reshape(-1, 1)
        self._ratio_powers: NDArray[np.float64] = np.power(ratios, ages)
        self._level_powers = np.array(coasting.level_powers, dtype=np.int64)
        self._forget_history()

    @property
    def everything_counts(self) -> bool:
        """Whether rows without a slot miss something too."""
        return self._decays

    @property
    def nothing_counts(self) -> bool:
        """Whether no row ever misses anything."""
        return not (self._decays or self._forgets)

    @property
    def history_is_long(self) -> bool:
        """Whether it is time to bring every row up to date."""
        return self.now - self._base >= LONGEST_HISTORY

    def missed(self, rows: Rows, *, mark: bool) -> Missed:
        """Says what rows ``(U,)`` have missed.

        Args:
            rows: The rows.
            mark: Whether they are brought up to date now: a row that comes again has then missed nothing.

        Raises:
            InputError: A row is not in the table.
        """
        slots, places = np.empty_like(rows), np.empty_like(rows)
        fault = collect_missed(
            rows,
            self._marks,
            self._pulled,
            self._base,
            self.now,
            mark,
            self._window,
            self._forgets,
            self._level,
            self._log_retentions,
            self._log_keeps,
            self._sums,
            self._known,
            self._known_at,
            slots,
            places,
        )
        if fault >= 0:
            raise InputError(
                f"Rows must be from 0 to {len(self._marks) - 1}, found {rows[fault]} at position {fault}. "
                "Is the table smaller than the vocabulary of the ids?"
            )
        return Missed(slots=slots, places=places, coefficients=self._known)

    def enter(self, rows: Rows) -> tuple[Rows, Floats]:
        """Notes that rows ``(U,)`` take part in the next step and are brought up to date by it.

        Returns:
            Their slots ``(U,)`` int64, new ones for rows that had none; and 1 for each row on which decay acts, else
            0, ``(U,)`` float64.

        Raises:
            InputError: A row occurs twice.
        """
        slots, pulls = np.empty_like(rows), np.empty(len(rows))
        count = enter_rows(rows, self._marks, self._pulled, self.now, self.num_slots, self._stateful, slots, pulls)
        if count < 0:
            raise InputError(
                f"Each row may occur once in a step; row {rows[-1 - count]} occurs again at position {-1 - count}. "
                "Sum the gradients of equal rows first (torch: grad.coalesce())."
            )
        self.num_slots = count
        return slots, pulls

    def advance(self, gain: float, level: float, shares_before: Floats, shares_after: Floats) -> None:
        """Takes a step: what it does to absent rows joins the sums of all steps that are still open.

        Args:
            gain: How far the step moves a row by one unit of momentum.
            level: What the step adds to the denominator, in units of the coasting's ``level``.
            shares_before: ``(P,)``, share of the way to the target that decay goes before the update.
            shares_after: The same, after it.
        """
        self.now += 1
        newest = self.now - self._base
        if newest == self._log_keeps.shape[1]:
            self._grow_history()
        advance_sums(
            newest,
            self._window,
            gain,
            level,
            shares_before,
            shares_after,
            self._level_powers,
            self._ratio_powers,
            self._sums,
        )
        for keeps, before, after in zip(self._log_keeps, shares_before, shares_after, strict=True):
            keep = (1 - before) * (1 - after)
            keeps[newest] = keeps[newest - 1] + (math.log(keep) if keep > 0 else WHOLE_WAY)

    def close(self) -> None:
        """Drops the history, once every row has been brought up to date."""
        self._base = self.now
        self._forget_history()

    def rows_with_slots(self) -> Rows:
        """Lists the rows that have moments, by slot: ``(num_slots,)`` int64."""
        slots = self._marks[:, SLOT]
        rows = np.flatnonzero(slots)
        return rows[np.argsort(slots[rows])]

    def restart(self, now: int, rows: Rows) -> None:
        """Sets the step, and gives slots 1 .. n to rows ``(n,)``, all rows being up to date."""
        self._marks.fill(0)
        self._marks[rows, SLOT] = np.arange(1, len(rows) + 1)
        self.now, self.num_slots = now, len(rows)
        self.close()

    def keep_parts(self, parts: Rows) -> None:
        """Goes on with these parts alone, in this order."""
        self._num_parts = len(parts)
        self._log_keeps = self._log_keeps[parts]
        self._sums = self._sums[np.concatenate([[0], 1 + parts])]
        self._known = np.ascontiguousarray(self._known[:, parts])

    def _forget_history(self) -> None:
        self._base = self.now
        self._log_keeps = np.zeros((self._num_parts, 64))
        # Nothing is summed for decay where there is none.
        kinds = 1 + self._num_parts * self._decays
        self._sums = np.zeros((kinds, len(self._level_powers), 64))
        self._known = np.empty((2 * 64, self._num_parts, NUM_COEFFICIENTS))
        self._known_at = np.full(2 * 64, -1, dtype=np.int32)

    def _grow_history(self) -> None:
        self._log_keeps = np.concatenate([self._log_keeps, np.zeros_like(self._log_keeps)], axis=1)
        self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)], axis=2)
        self._known = np.concatenate([self._known, np.empty_like(self._known)])
        self._known_at = np.concatenate([self._known_at, np.full_like(self._known_at, -1)])
