"""Finds the lines of wanted words in a block of text, about ten times as fast as splitting the lines would be."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.text_blocks import PADDING_BYTES, Block, strip_end

_EIGHT_SPACES = np.uint64(0x2020202020202020)
_LOW_BITS = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_TABLE_BITS = 20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd: multiplying mixes low bits into high ones


class WordFilter:
    """Finds the lines whose first field begins a wanted word.

    The first eight bytes decide, in a table of bits, over nearly all lines, and a set of first fields over the rest.
    What a line holds after its first field is not looked at.
    """

    def __init__(self, wanted: Collection[bytes]) -> None:
        """Prepares to find ``wanted``, UTF-8; words may hold spaces."""
        self._first_fields = {word.partition(b" ")[0] for word in wanted}
        starts = b"".join([(field + b" ").ljust(8, b"\0")[:8] for field in self._first_fields])
        self._is_wanted = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._is_wanted[_place_in_table(np.frombuffer(starts, dtype="<u8"))] = True

    def select(self, block: Block) -> tuple[list[bytes], list[int], int]:
        """Finds lines in a block.

        Returns:
            The lines that may hold wanted words, without their ends; their positions among the lines of the block; and
            how many lines the block has.
        """
        data, ends = block.data(), block.line_ends()
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1] + 1
        lines, positions = [], []
        for position in np.flatnonzero(self._is_wanted[_place_in_table(_eight_bytes(data, starts))]).tolist():
            line = strip_end(data[starts[position] : ends[position]].tobytes())
            if line.partition(b" ")[0] in self._first_fields:
                lines.append(line)
                positions.append(position)
        return lines, positions, len(ends)


def _eight_bytes(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Returns the eight bytes from each start on, as little-endian numbers."""
    assert PADDING_BYTES >= 8
    return np.ascontiguousarray(data[starts[:, np.newaxis] + np.arange(8)]).view("<u8")[:, 0]


def _place_in_table(eight: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns the place of what eight bytes hold before their first space, or of all of them."""
    other = eight ^ _EIGHT_SPACES  # a zero byte where there is a space
    is_space = (other - _LOW_BITS) & ~other & _HIGH_BITS  # right at the lowest one, which is the first
    lowest = is_space & (~is_space + np.uint64(1))
    before = (lowest >> np.uint64(7)) - np.uint64(1)
    return (((eight & before) * _SPREAD) >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
