"""The compiled way through a plain file of which only some lines are wanted; its loop is ``selecting_loop``.

As ``kernel``, this module is imported only for files that are worth it.
"""

import ctypes
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.machine_code import load_loops
from meltpoint.vectors.formats.text_files.blocks import PADDING_BYTES, Block, UnreadBlock
from meltpoint.vectors.formats.text_files.selecting import FirstFields, SelectedLines, select_lines

_READ_BYTES = 1 << 19  # at a time: a quarter of a processor's own cache
_FOLDER = "meltpoint.vectors.formats.text_files"
_copy_lines = load_loops(
    f"{_FOLDER}.selecting_loop", {"copy_lines": 11}, built_on=(f"{_FOLDER}.addresses", f"{_FOLDER}.selecting")
)["copy_lines"]


def _find_pread() -> int | None:
    """Returns the address of the system's function, or None where there is none."""
    try:
        return ctypes.cast(ctypes.CDLL(None).pread, ctypes.c_void_p).value
    except (AttributeError, OSError, TypeError):
        return None


_PREAD = _find_pread()


class CompiledSelector:
    """Does what :func:`meltpoint.vectors.formats.text_files.selecting.select_lines` does, several times as fast.

    That function does it where a block is in memory, and where something is out of the ordinary. Several threads may
    call one selector at once.
    """

    def __init__(self) -> None:
        self._spare: deque[_Room] = deque()  # in use again and again: to get memory new costs more than to fill it

    def __call__(self, block: Block | UnreadBlock, wanted: FirstFields) -> SelectedLines:
        """Selects the lines of a block that are wanted, and some few others."""
        selected = None
        if isinstance(block, UnreadBlock) and block.start > 0 and _PREAD is not None:
            room = self._take_room(block.end - block.start)
            selected = _select(block, wanted, room, _PREAD)
            self._spare.append(room)
        return selected or select_lines(block, wanted)

    def _take_room(self, num_bytes: int) -> "_Room":
        try:
            room = self._spare.pop()
        except IndexError:
            return _Room.of(num_bytes)
        return room if len(room.positions) >= num_bytes else _Room.of(num_bytes)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Room:
    """What :func:`meltpoint.vectors.formats.text_files.selecting_loop.copy_lines` fills."""

    buffer: NDArray[np.uint8]
    texts: NDArray[np.uint8]
    positions: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, num_bytes: int) -> "_Room":
        """Returns room for all lines of a part of so many bytes: what is not written to takes no memory."""
        buffer = np.empty(_READ_BYTES + PADDING_BYTES, dtype=np.uint8)
        return cls(
            buffer=buffer,
            texts=np.empty(num_bytes + len(buffer), dtype=np.uint8),
            positions=np.empty(num_bytes, dtype=np.int64),
            counts=np.empty(2, dtype=np.int64),
        )


def _select(block: UnreadBlock, wanted: FirstFields, room: _Room, pread: int) -> SelectedLines | None:
    num_selected = _copy_lines(
        pread,
        block.stream.fileno(),
        block.start,
        block.end,
        room.buffer.ctypes.data,
        _READ_BYTES,
        wanted.may_start.ctypes.data,
        len(room.positions),
        room.texts.ctypes.data,
        room.positions.ctypes.data,
        room.counts.ctypes.data,
    )
    if num_selected < 0:
        return None
    num_lines, num_bytes = room.counts.tolist()
    return SelectedLines(
        lines=Block.of([room.texts[:num_bytes].data]),
        positions=room.positions[:num_selected].tolist(),
        num_passed=num_lines,
    )
