"""Numbers the rows of a batch 0, 1, 2, ... at a cost that does not grow with V."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.compiled import compiled
from meltpoint.errors import InputError

Rows = NDArray[np.int64]


class RowNumbers:
    """The numbers of the rows of one batch after another.

    In main memory every row of the table has a mark, the batch that it was last seen in and its number there: only
    distinct rows are sorted, and nothing is cleared between batches. On other devices all ids are sorted.
    """

    def __init__(
        self, num_rows: int, *, padding_idx: int | None, device: torch.device, ascending: bool = False
    ) -> None:
        """Numbers rows of a table.

        Args:
            num_rows: Of the table.
            padding_idx: The padding row is always number 0.
            device: Where ids come from.
            ascending: Whether a larger row has a larger number; otherwise they have them in the order in which they
                come, on a device other than the main memory in either case.
        """
        self._device = device
        self._num_rows = num_rows
        self._padding = -1 if padding_idx is None else padding_idx
        self._ascending = ascending
        self._batch = 0
        # Pages of zeros that nobody has touched: only rows that occur take memory.
        self._marks = np.zeros(num_rows if device.type == "cpu" else 0, dtype=np.int64)
        self._sorted = torch.empty(0, dtype=torch.int64)

    def number(self, ids: Tensor) -> Tensor:
        """Starts a new batch of ids, any shape, int64; returns its rows by number, ``(padding and U,)`` int64.

        Raises:
            InputError: An id is not a row of the table.
        """
        if self._device.type != "cpu":
            return self._number_by_sorting(ids)
        flat = _flat(ids)
        self._batch += 1
        order = np.empty(len(flat) + 1, dtype=np.int64)
        count = _number(flat, self._marks, self._batch, self._padding, order, self._ascending)
        if count < 0:
            self._refuse(int(flat[-1 - count]))
        return torch.from_numpy(order[:count])

    def look_up(self, ids: Tensor) -> Tensor:
        """Returns the numbers of ids of the present batch, in their shape, int64.

        Raises:
            InputError: An id is not in the batch.
        """
        if self._device.type != "cpu":
            return self._look_up_sorted(ids)
        flat = _flat(ids)
        numbers = np.empty_like(flat)
        unknown = _look_up(flat, self._marks, self._batch, numbers)
        if unknown >= 0:
            self._refuse(int(flat[unknown]), "among the ids given to reading()")
        return torch.from_numpy(numbers).view(ids.shape)

    def _number_by_sorting(self, ids: Tensor) -> Tensor:
        rows = torch.unique(ids)
        if len(rows) and not 0 <= int(rows[0]) <= int(rows[-1]) < self._num_rows:
            self._refuse(int(rows[0] if rows[0] < 0 else rows[-1]))
        self._sorted = rows[rows != self._padding]
        padding = rows.new_tensor([self._padding] if self._padding >= 0 else [])
        return torch.cat([padding, self._sorted])

    def _look_up_sorted(self, ids: Tensor) -> Tensor:
        shift = int(self._padding >= 0)
        places = torch.searchsorted(self._sorted, ids).clamp(max=max(0, len(self._sorted) - 1))
        padding = ids == self._padding
        found = padding if not len(self._sorted) else padding | (self._sorted[places] == ids)
        if not bool(found.all()):
            self._refuse(int(ids[~found][0]), "among the ids given to reading()")
        return torch.where(padding, 0, places + shift)

    def _refuse(self, row: int, where: str = "") -> None:
        expected = where or f"from 0 to {self._num_rows - 1}"
        raise InputError(f"Ids must be {expected}, found {row}.")


def _flat(ids: Tensor) -> Rows:
    flat: Rows = ids.detach().to(torch.int64).contiguous().view(-1).numpy()
    return flat


@compiled
def _number(ids: Rows, marks: Rows, batch: int, padding: int, order: Rows, ascending: bool) -> int:  # noqa: FBT001
    """Fills ``order`` and returns how many rows there are, or -1 - position of an id that is no row."""
    count = 0
    if padding >= 0:
        marks[padding] = batch << 32
        order[0] = padding
        count = 1
    for i in range(len(ids)):
        row = ids[i]
        if row < 0 or row >= len(marks):
            return -1 - i
        if marks[row] >> 32 != batch:
            marks[row] = (batch << 32) | count
            order[count] = row
            count += 1
    if ascending:
        first = 1 if padding >= 0 else 0
        order[first:count].sort()
        for number in range(first, count):
            marks[order[number]] = (batch << 32) | number
    return count


@compiled
def _look_up(ids: Rows, marks: Rows, batch: int, numbers: Rows) -> int:
    """Fills ``numbers``; returns the position of an id that is not in the batch, or -1."""
    for i in range(len(ids)):
        row = ids[i]
        if row < 0 or row >= len(marks) or marks[row] >> 32 != batch:
            return i
        numbers[i] = marks[row] & 0xFFFFFFFF
    return -1
