"""Parses few lines of vectors as text with NumPy alone: eight characters of a field are one 64-bit integer.

The compiled parser (``kernel``) is some times as fast, but has to be compiled once and loaded each time. Both give
the same bits, those of ``float32(float(text))``, and leave what they are not sure of to ``rows``.

A field of up to sixteen characters is read from its right end. With a character a byte, the first one in the lowest,
an exclusive or with eight zeros leaves the digits' values; the point, if there is one, is taken out by moving what is
below it up by a byte; and three multiplications join digits to pairs, fours and eights. Every such decimal is a whole
number of at most 2**53 over a power of ten: both exact as float64, and their quotient is rounded once, as ``float()``
rounds. All other spellings are left to ``float()`` itself.
"""

import re

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.text_files.faults import NUMBER

_NUMBERS_AT_ONCE = 1 << 13  # of which all intermediate results stay in the processor's cache
_SPACED_NUMBER = re.compile(rb" [0-9+\-.][^ ]*$")
_NO_NUMBER = b"?"
_BEFORE = bytes(16)  # so that there is something to look at before the first field

_ZEROS = np.uint64(0x3030303030303030)
_POINT_BITS = np.uint64(0x1010101010101010)  # that a point has and no digit, both less '0'
_POINT = np.uint64(ord(".") ^ ord("0"))
_BYTE = np.uint64(0xFF)
_PAST_NINE = np.uint64(0x7676767676767676)  # added to 10 it sets the high bit
_HIGH_BITS = np.uint64(0x8080808080808080)
_POSITIONS = np.uint64(0x0706050403020100)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(100 + (1_000_000 << 32))
_UNITS = np.uint64(1 + (10_000 << 32))
_U4, _U8, _U10, _U16, _U32, _U56, _U64 = (np.uint64(number) for number in (4, 8, 10, 16, 32, 56, 64))
_SEVEN_DIGITS, _EIGHT_DIGITS = np.uint64(10**7), np.uint64(10**8)
_LARGEST_EXACT = np.uint64(1 << 53)
_POWERS = 10.0 ** np.arange(17)
_SIGNS = np.array([1.0, -1.0])

_Bits = NDArray[np.uint64]
_Decimals = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_]]
"""The digits as whole numbers, how many of them stand after the point (-1 without one), and which are certain."""
_Fields = tuple[bytes, NDArray[np.int64], NDArray[np.int64]]
"""Bytes, eight of them more than are looked at, and where each of n fields in them starts and ends."""


def parse_lines(lines: list[bytes], dim: int) -> tuple[bytes, NDArray[np.float32], NDArray[np.int64]]:
    """Parses n lines of a word and ``dim`` numbers.

    Args:
        lines: The lines, each without its end.
        dim: Numbers a line: D.

    Returns:
        The n words, each with an LF after it: what stands before the D-th space from the right. The numbers, shape
        (n, D). The positions of the doubtful lines, ascending: their numbers mean nothing.
    """
    words: list[bytes] = []
    matrix = np.empty((len(lines), dim), dtype=np.float32)
    step = max(1, _NUMBERS_AT_ONCE // dim)
    for start in range(0, len(lines), step):
        piece = lines[start : start + step]
        fields = _find_fields(piece, dim)
        if fields is None:  # Some words hold spaces, or some lines are not as they should be.
            words_and_lines = [_take_word(line, dim) for line in piece]
            words += [word for word, _ in words_and_lines]
            fields = _find_fields([line for _, line in words_and_lines], dim)
            assert fields is not None
        else:
            words += [line[: line.index(b" ")] for line in piece]
        matrix[start : start + step] = _read_numbers(*fields).reshape(-1, dim)
    text = b"".join([word + b"\n" for word in words])
    return text, matrix, np.flatnonzero(~np.isfinite(matrix).all(axis=1))


def _find_fields(lines: list[bytes], dim: int) -> _Fields | None:
    """Finds the numbers of lines that have just ``dim`` spaces each; None where one has not."""
    buffer = _BEFORE + b" ".join(lines)
    end = len(buffer)
    buffer += bytes(8 + -end % 8)
    bounds = np.append(np.flatnonzero(np.frombuffer(buffer, dtype=np.uint8)[:end] == ord(" ")), end)
    line_ends = np.cumsum(np.array([len(line) + 1 for line in lines])) + (len(_BEFORE) - 1)
    if len(bounds) != len(lines) * (dim + 1) or np.any(bounds[dim :: dim + 1] != line_ends):
        return None
    by_line = bounds.reshape(-1, dim + 1)
    return buffer, by_line[:, :-1].ravel() + 1, by_line[:, 1:].ravel()


def _take_word(line: bytes, dim: int) -> tuple[bytes, bytes]:
    """Returns what stands before the ``dim``-th space from the right, and the line with a word without spaces."""
    word, *separate = line.rsplit(b" ", dim)
    is_certain = len(separate) == dim and not _SPACED_NUMBER.search(word)
    return word, b" ".join([b"", *(separate if is_certain else [_NO_NUMBER] * dim)])


def _read_numbers(buffer: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float32]:
    """Reads n fields, given by where they start and end, shape (n,); nan where one is no number."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    eights = np.frombuffer(buffer, dtype="<u8")
    is_negative = data[starts] == ord("-")
    lengths = ends - starts - is_negative
    numbers, decimals, is_certain = _read_eights(_eight_before(eights, ends), np.minimum(lengths, 8))
    longer = np.flatnonzero(lengths > 8)
    if len(longer):
        head_lengths = lengths[longer] - 8
        heads = _read_eights(_eight_before(eights, ends[longer] - 8), np.minimum(head_lengths, 8))
        tails = numbers[longer], decimals[longer], is_certain[longer]
        numbers[longer], decimals[longer], is_certain[longer] = _join(heads, tails)
        is_certain[longer] &= head_lengths <= 8
    values = numbers.astype(np.float64)
    values /= np.take(_POWERS, decimals, mode="clip")  # -1, for no point, is taken as 0
    values *= _SIGNS[is_negative.view(np.uint8)]
    for field in np.flatnonzero(~is_certain).tolist():
        spelt = buffer[starts[field] : ends[field]]
        values[field] = float(spelt) if NUMBER.fullmatch(spelt) else np.nan
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _eight_before(eights: _Bits, ends: NDArray[np.int64]) -> _Bits:
    """Returns the eight bytes that end at each of n positions, out of two aligned ones."""
    places = ends >> 3
    shifts = ((ends & 7) << 3).view(np.uint64)
    eight: _Bits = eights[places] << (_U64 - shifts)  # by 64 bits is to zero
    places -= 1
    eight |= eights[places] >> shifts
    return eight


def _read_eights(eights: _Bits, lengths: NDArray[np.int64]) -> _Decimals:
    """Reads the last ``lengths`` of eight characters, 0 to 8 of them, as digits with or without a point."""
    unused = ((8 - lengths) << 3).view(np.uint64)
    digits = ((eights ^ _ZEROS) >> unused) << unused
    point = digits & _POINT_BITS
    unit = point >> _U4  # 1 in the byte of the point
    has_point = np.minimum(unit, np.uint64(1))
    is_certain = (digits ^ (unit * _POINT)) & (unit * _BYTE) == 0
    below_point = unit - has_point
    is_certain &= unit & below_point == 0  # one point at most
    is_certain &= lengths > has_point.view(np.int64)
    below = digits & below_point
    digits += below * _BYTE - unit * _POINT
    is_certain &= (digits | (digits + _PAST_NINE)) & _HIGH_BITS == 0
    decimals = ((unit * _POSITIONS) >> _U56).view(np.int64) - (has_point == 0)
    pairs = digits * _U10 + (digits >> _U8)
    numbers = ((pairs & _PAIRS) * _HUNDREDS + ((pairs >> _U16) & _PAIRS) * _UNITS) >> _U32
    return numbers, decimals, is_certain


def _join(heads: _Decimals, tails: _Decimals) -> _Decimals:
    """Joins the eight last characters of longer fields with up to eight before them."""
    (left, left_decimals, left_certain), (right, right_decimals, right_certain) = heads, tails
    is_in_head, is_in_tail = left_decimals >= 0, right_decimals >= 0
    numbers = left * np.where(is_in_tail, _SEVEN_DIGITS, _EIGHT_DIGITS) + right
    decimals = np.where(is_in_head, left_decimals + 8, right_decimals)
    is_certain = left_certain & right_certain & ~(is_in_head & is_in_tail) & (numbers <= _LARGEST_EXACT)
    return numbers, decimals, is_certain
