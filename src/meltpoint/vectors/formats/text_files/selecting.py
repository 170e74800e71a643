"""Finds the few lines of a file that begin with words that are wanted.

Most lines are passed over, so what is done for every line decides: its end is searched, and its first sixteen bytes
are looked up, those of all lines of a block at once.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.text_files.blocks import Block, UnreadBlock

_LF, _SPACE = b"\n", b" "
_TABLE_BITS = 22
TABLE_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""The golden ratio's bits (Knuth), and a prime of xxHash's: products with them spread over all high bits."""
TABLE_SHIFT = np.uint64(64 - _TABLE_BITS)
"""What leaves of a product the place in the table."""
_ONES, _HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_U1, _U3, _U7 = np.uint64(1), np.uint64(3), np.uint64(7)


class FirstFields:
    """The first fields of the lines that are wanted: their words, up to the first space.

    Attributes:
        may_start: Shape (2**19,), uint8: for each hash of a line's start a bit, the lowest first, whether one of the
            fields may be there. With 15,000 fields one other line in 300 seems to be wanted, and the processor's cache
            has room for it.
    """

    may_start: NDArray[np.uint8]

    def __init__(self, words: Collection[bytes]) -> None:
        """Takes the words as UTF-8."""
        self._words = words
        hashes = _hash_starts(*np.array(list(words), dtype="S16").view("<u8").reshape(-1, 2).T)
        self.may_start = np.zeros(1 << _TABLE_BITS - 3, dtype=np.uint8)
        np.bitwise_or.at(self.may_start, hashes >> _U3, np.left_shift(1, hashes & _U7).astype(np.uint8))

    def include(self, line: bytes) -> bool:
        """Tells whether a line starts with one of the fields."""
        return line.partition(_SPACE)[0] in self._fields

    @cached_property
    def _fields(self) -> frozenset[bytes]:
        return frozenset(word.partition(_SPACE)[0] for word in self._words)


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedLines:
    """Some lines of a block.

    Attributes:
        lines: They.
        positions: Their positions among all lines of the block.
        num_passed: How many lines the block has.
    """

    lines: Block
    positions: list[int]
    num_passed: int


Selector = Callable[[Block | UnreadBlock, FirstFields], SelectedLines]
"""What :func:`select_lines` is."""


def select_lines(block: Block | UnreadBlock, wanted: FirstFields) -> SelectedLines:
    """Finds the lines of a block that are wanted, and some few others; only their ends and starts are looked at."""
    loaded = block.load()
    # The buffer's own search looks at whole vector registers, and lines are long.
    find, line_ends, place = loaded.buffer.find, [], loaded.start - 1
    while (place := find(_LF, place + 1, loaded.end)) >= 0:
        line_ends.append(place)
    ends = np.array(line_ends, dtype=np.int64)
    starts = np.empty(len(ends), dtype=np.int64)
    starts[:1], starts[1:] = loaded.start, ends[:-1] + 1
    # Eight bytes from every position on, the first one lowest; padding follows the block.
    eights = np.ndarray(len(loaded.buffer) - 7, dtype="<u8", buffer=loaded.buffer, strides=(1,))
    hashes = _hash_starts(eights[starts], eights[starts + 8])
    positions = np.flatnonzero(wanted.may_start[hashes >> _U3] >> (hashes & _U7).astype(np.uint8) & 1)
    del eights  # it holds the buffer's size fast
    with memoryview(loaded.buffer) as view:
        texts = [bytes(view[starts[position] : ends[position] + 1]) for position in positions]
    loaded.recycle()
    return SelectedLines(lines=Block.of(texts), positions=positions.tolist(), num_passed=len(ends))


def _hash_starts(eights: NDArray[np.uint64], next_eights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the bit in the table of each sixteen bytes, of which the first field counts."""
    ends, next_ends = _find_ends(eights), _find_ends(next_eights)
    kept: NDArray[np.uint64] = eights & (ends - _U1)
    next_kept: NDArray[np.uint64] = next_eights & (next_ends - _U1)
    next_kept[ends > 0] = 0
    hashes: NDArray[np.uint64] = kept * TABLE_FACTORS[0] + next_kept * TABLE_FACTORS[1]
    return hashes >> TABLE_SHIFT


def _find_ends(eights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the lowest bit of the first space or LF of each eight bytes, or 0: minus 1, the bits of all before it."""
    # Subtracting 1 from each byte borrows into the high bit of those that are 0: surely the lowest such, and it counts.
    is_end = np.zeros_like(eights)
    for end in (_SPACE, _LF):
        others = eights ^ _ONES * np.uint64(ord(end))
        is_end |= (others - _ONES) & ~others & _HIGH_BITS
    return (is_end & -is_end) >> _U7
