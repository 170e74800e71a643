"""Finds the few lines of a block that begin with words that are wanted.

Most lines are passed over, so what is done for every line decides: its end is searched, and its first eight bytes are
looked up, those of all lines of a block at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.text_files.blocks import Block

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
class Candidates:
    """The lines of a block that may be wanted.

    Attributes:
        positions: Their positions among all lines of the block.
        starts: Where each starts in the block's buffer.
        ends: Where the LF of each stands.
        num_lines: How many lines the block has.
    """

    positions: list[int]
    starts: list[int]
    ends: list[int]
    num_lines: int


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedLines:
    """Some lines of a block.

    Attributes:
        text: The lines, each with its LF.
        positions: Their positions among all lines of the block.
        num_passed: How many lines the block has.
    """

    text: bytes
    positions: list[int]
    num_passed: int


Finder = Callable[[Block, FirstFields], Candidates]
"""What :func:`find_candidates` is."""


def select_lines(block: Block, wanted: FirstFields, find: Finder) -> SelectedLines:
    """Finds the lines whose first field is wanted; nothing else of a line is looked at."""
    lines, positions = [], []
    candidates = find(block, wanted)
    buffer, view = block.buffer, memoryview(block.buffer)
    for position, start, end in zip(candidates.positions, candidates.starts, candidates.ends, strict=True):
        space = buffer.find(_SPACE, start, end)
        if bytes(view[start : end if space < 0 else space]) in wanted.fields:
            lines.append(view[start : end + 1])  # copied once, all of them together
            positions.append(position)
    return SelectedLines(text=b"".join(lines), positions=positions, num_passed=candidates.num_lines)


def find_candidates(block: Block, wanted: FirstFields) -> Candidates:
    """Finds the lines of which the first eight bytes may be those of a wanted field."""
    # The buffer's own search looks at whole vector registers, and lines are long.
    find, line_ends, place = block.buffer.find, [], block.start - 1
    while (place := find(_LF, place + 1, block.end)) >= 0:
        line_ends.append(place)
    ends = np.array(line_ends, dtype=np.int64)
    starts = np.empty(len(ends), dtype=np.int64)
    starts[:1], starts[1:] = block.start, ends[:-1] + 1
    # Eight bytes from every position on, the first one lowest; padding follows the block.
    eights = np.ndarray(len(block.buffer) - 7, dtype="<u8", buffer=block.buffer, strides=(1,))
    positions = np.flatnonzero(wanted.may_start[_hash_starts(_cut_first_fields(eights[starts]))])
    return Candidates(
        positions=positions.tolist(),
        starts=starts[positions].tolist(),
        ends=ends[positions].tolist(),
        num_lines=len(ends),
    )


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
