"""The loop of ``selecting_kernel``: it goes through a part of a file and copies the few lines that may be wanted.

It reads the file itself, some hundreds of kilobytes at a time, which it looks through while they are in the
processor's cache, and nothing of it waits for the interpreter: of the time that two threads take for a gigabyte this
saves a quarter, against reading some megabytes from Python and then looking through them.

Imports numba: this module is imported to compile, and not to run what has been compiled.
"""

from typing import Any

import numpy as np

from meltpoint.compiled import compiled
from meltpoint.vectors.formats.text_files.addresses import (
    WIDTH,
    byte_at,
    copy_width,
    eight_bytes_at,
    matching_bytes,
    put_whole,
    read_file_at,
    trailing_zeros,
)
from meltpoint.vectors.formats.text_files.selecting import TABLE_FACTORS, TABLE_SHIFT

_LF = np.uint8(ord("\n"))
# Beside a uint64 all constants are uint64 too: numba takes the sum of a signed and an unsigned integer to float64.
_U1, _U3, _U7 = (np.uint64(number) for number in (1, 3, 7))
_HIGH_BITS, _EIGHT_ONES = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
_EIGHT_SPACES, _EIGHT_LINE_ENDS = np.uint64(0x2020202020202020), np.uint64(0x0A0A0A0A0A0A0A0A)


@compiled
def _find_end(eight: Any) -> Any:
    """Returns the lowest bit of the first space or LF of eight bytes, or 0."""
    spaces, line_ends = eight ^ _EIGHT_SPACES, eight ^ _EIGHT_LINE_ENDS
    is_end = ((spaces - _EIGHT_ONES) & ~spaces | (line_ends - _EIGHT_ONES) & ~line_ends) & _HIGH_BITS
    return (is_end & (~is_end + _U1)) >> _U7


@compiled
def _may_start(place: int, table: int) -> bool:
    """Tells whether one of the wanted fields may start a line; see ``selecting``, which does the same."""
    eight = eight_bytes_at(place)
    end = _find_end(eight)
    bit = (eight & (end - _U1)) * TABLE_FACTORS[0]
    if end == 0:
        eight = eight_bytes_at(place + 8)
        bit += (eight & (_find_end(eight) - _U1)) * TABLE_FACTORS[1]
    bit >>= TABLE_SHIFT
    return bool((byte_at(table + np.int64(bit >> _U3)) >> np.uint8(bit & _U7)) & 1)


@compiled
def _copy(start: int, end: int, target: int) -> int:
    """Copies bytes to a place before them or apart from them, some more than asked for; returns the address after."""
    after = target + (end - start)
    while target < after:
        copy_width(start, target)
        start += WIDTH
        target += WIDTH
    return after


def copy_lines(
    pread: int,
    descriptor: int,
    start: int,
    end: int,
    buffer: int,
    room: int,
    table: int,
    most: int,
    texts: int,
    positions: int,
    counts: int,
) -> int:
    """Copies, of the lines that start in a part of a file, those that may start with one of some fields.

    Args:
        pread: The address of the system's function.
        descriptor: Of the open file.
        start: Where the part starts in the file, after its first byte.
        end: Where it ends.
        buffer: Of ``room + 64`` bytes, to read into.
        room: How much is read at a time.
        table: The address of the table of ``FirstFields``.
        most: How many lines there is room for.
        texts: Of ``end - start + room + 64`` bytes, filled with those lines.
        positions: Of ``most`` int64, filled with their positions among the lines that start in the part.
        counts: Of 2 int64, filled with the number of the latter and with how many bytes of ``texts`` are filled.

    Returns:
        How many lines are copied; -1 where it is to be done in another way: the file cannot be read, or ends here or
        before, or a line is too long, or lines are too many.
    """
    position = start - 1  # in the file: of what lies first in the buffer; a line starts after an LF
    begin = place = filled_to = buffer  # the line, what is to be looked at, and what has not been read yet
    line = -1  # what ends first is the line before
    copied = 0
    target = texts
    while position + (begin - buffer) < end:
        if place >= filled_to:
            position += begin - buffer
            place = _copy(begin, filled_to, buffer)
            begin = buffer
            num_read = read_file_at(pread, descriptor, place, room - (place - buffer), position + (place - buffer))
            if num_read <= 0:
                return -1
            filled_to = place + num_read
        ends = matching_bytes(place, _LF)
        while ends != 0 and position + (begin - buffer) < end:
            line_end: Any = place + np.int64(trailing_zeros(ends))
            if line_end >= filled_to:
                break
            ends &= ends - _U1
            if line >= 0 and _may_start(begin, table):
                if copied == most:
                    return -1
                put_whole(positions + 8 * copied, line)
                target = _copy(begin, line_end + 1, target)
                copied += 1
            line += 1
            begin = line_end + 1
        place += WIDTH
    put_whole(counts, line)
    put_whole(counts + 8, target - texts)
    return copied
