"""Finds the few lines of a block that begin with words that are wanted.

Most lines are passed over, so what is done for every line decides: its end is searched, and its first eight bytes are
looked up, those of all lines of a block at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.text_blocks import Block

_LF, _SPACE = b"\n", b" "
_TABLE_BITS = 20
TABLE_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio's bits: its products spread over all high bits (Knuth)."""
TABLE_SHIFT = np.uint64(64 - _TABLE_BITS)
"""What leaves of a product the place in the table."""
_ONES, _HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_U1, _U7 = np.uint64(1), np.uint64(7)


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstFields:
    """The first fields of the lines that are wanted: their words, up to the first space.

    Attributes:
        fields: The fields.
        may_start: Shape (2**20,), bool: for each hash of a line's start whether one of the fields may be there.
    """

    fields: frozenset[bytes]
    may_start: NDArray[np.bool_]

    @classmethod
    def of(cls, words: Iterable[bytes]) -> "FirstFields":
        """Returns the first fields of words given as UTF-8."""
        fields = frozenset(word.partition(_SPACE)[0] for word in words)
        may_start = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        may_start[_hash_starts(np.array([field[:8] for field in fields], dtype="S8").view("<u8"))] = True
        return cls(fields=fields, may_start=may_start)


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedLines:
    """Some lines of a block.

    Attributes:
        lines: The lines, each without its LF.
        positions: Their positions among all lines of the block.
        num_passed: How many lines the block has.
    """

    lines: list[bytes]
    positions: list[int]
    num_passed: int


Finder = Callable[[Block, FirstFields], tuple[list[int], list[int], int]]
"""What :func:`find_candidates` is."""


def select_lines(block: Block, wanted: FirstFields, find: Finder) -> SelectedLines:
    """Finds the lines whose first field is wanted; nothing else of a line is looked at."""
    lines, found_at = [], []
    positions, starts, num_lines = find(block, wanted)
    with memoryview(block.buffer) as view:
        for position, start in zip(positions, starts, strict=True):
            line = bytes(view[start : block.buffer.index(_LF, start)])
            if line.partition(_SPACE)[0] in wanted.fields:
                lines.append(line)
                found_at.append(position)
    return SelectedLines(lines=lines, positions=found_at, num_passed=num_lines)


def find_candidates(block: Block, wanted: FirstFields) -> tuple[list[int], list[int], int]:
    """Finds the lines of which the first eight bytes may be those of a wanted field.

    Returns:
        Their positions among all lines; where they start in the buffer; and how many lines there are.
    """
    # The buffer's own search looks at whole vector registers, and lines are long.
    find, ends, place = block.buffer.find, [], block.start - 1
    while (place := find(_LF, place + 1, block.end)) >= 0:
        ends.append(place)
    starts = np.empty(len(ends), dtype=np.int64)
    starts[:1], starts[1:] = block.start, np.array(ends[:-1]) + 1
    # Eight bytes from every position on, the first one lowest; padding follows the block.
    eights = np.ndarray(len(block.buffer) - 7, dtype="<u8", buffer=block.buffer, strides=(1,))
    positions = np.flatnonzero(wanted.may_start[_hash_starts(_cut_first_fields(eights[starts]))])
    return positions.tolist(), starts[positions].tolist(), len(ends)


def _cut_first_fields(eights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Zeroes, of each eight bytes, the first space or LF and what follows it."""
    # Subtracting 1 from each byte borrows into the high bit of those that are 0: surely the lowest such, and it counts.
    is_end = np.zeros_like(eights)
    for end in (_SPACE, _LF):
        others = eights ^ _ONES * np.uint64(ord(end))
        is_end |= (others - _ONES) & ~others & _HIGH_BITS
    lowest = is_end & -is_end
    kept: NDArray[np.uint64] = eights & ((lowest >> _U7) - _U1)  # everything where there is no end
    return kept


def _hash_starts(eights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the place of each eight bytes in the table."""
    hashes: NDArray[np.uint64] = (eights * TABLE_FACTOR) >> TABLE_SHIFT
    return hashes
