"""An array that things are added to, again and again."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)


class GrowingArray(Generic[Kind]):
    """A flat array with room behind its end.

    What is there is copied only when there is no room left, into twice as much: to add n numbers one by one costs as
    much as to copy a few times n.
    """

    def __init__(self, dtype: type[Kind]) -> None:
        self._room: NDArray[Kind] = np.empty(0, dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Kind]:
        """What is there; a view, good until more is added."""
        return self._room[: self._length]

    def reserve(self, num_more: int) -> NDArray[Kind]:
        """Returns the array with room for so many more, which may be written to; :meth:`keep` then says how many."""
        needed = self._length + num_more
        if needed > len(self._room):
            room = np.empty(2 * needed, dtype=self._room.dtype)
            room[: self._length] = self.values
            self._room = room
        return self._room

    def keep(self, length: int) -> None:
        """Says how long it is now."""
        self._length = length

    def extend(self, more: Any) -> None:
        """Adds numbers."""
        first, last = self._length, self._length + len(more)
        self.reserve(len(more))[first:last] = more
        self._length = last
