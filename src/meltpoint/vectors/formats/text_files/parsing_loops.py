"""The loops of ``kernel`` over addresses, as numba compiles them: neither arrays nor Python objects.

What they convert has the bits of ``float32(float(text))``:

- A decimal mantissa of at most 2**53 and a power of ten of at most 10**22 are exact as float64, and IEEE arithmetic
  rounds their quotient or product once, as ``float()`` does (Clinger 1990).
- Any other number is computed with a relative error below 2**-50. Where everything within that error rounds to one
  float32, that is the result; otherwise, about once in 10**7 numbers, the line is doubtful.

Imports numba: this module is imported to compile, and not to run what has been compiled.
"""

from typing import Any

import numpy as np

from meltpoint.compiled import compiled
from meltpoint.vectors.formats.text_files.addresses import (
    byte_at,
    count_ones,
    eight_bytes_at,
    matching_bytes,
    put_byte,
    put_single,
    put_whole,
    trailing_zeros,
    whole_at,
)

_LF, _CR, _SPACE, _PLUS, _MINUS, _DOT, _ZERO, _NINE, _UPPER_E, _LOWER_E = b"\n\r +-.09Ee"

# Beside a uint64 all constants are uint64 too: numba takes the sum of a signed and an unsigned integer to float64.
_EIGHT_ZEROS = np.uint64(0x3030303030303030)
_PAST_NINE = np.uint64(0x4646464646464646)  # added to '9' + 1 it sets the high bit
_HIGH_BITS = np.uint64(0x8080808080808080)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(100 + (1_000_000 << 32))
_UNITS = np.uint64(1 + (10_000 << 32))
_U1, _U3, _U7, _U8, _U10, _U16, _U32, _U64 = (np.uint64(number) for number in (1, 3, 7, 8, 10, 16, 32, 64))

_LARGEST_POWER = 290  # beyond it a float64 may be subnormal, and the bound on the error fails
_POWERS = np.array([float(f"1e{power}") for power in range(_LARGEST_POWER + 1)])
_WHOLE_POWERS = np.array([10**power for power in range(16)], dtype=np.uint64)
_EXACT_POWER = 22
_EXACT_MANTISSA = np.uint64(1 << 53)
_MOST_DIGITS = 19  # 10**19 < 2**64
_LARGEST_EXPONENT = 100_000
_UNCERTAINTY = 2.0**-50


@compiled
def _digit_bits(eight: Any) -> Any:
    """Returns how many of the low bits of eight characters are digits: 0, 8, ... 64."""
    # The high bit of the lowest byte that is no digit; only bytes above that one may be spoilt by carries.
    no_digit = ((eight + _PAST_NINE) | (eight - _EIGHT_ZEROS)) & _HIGH_BITS
    return trailing_zeros(no_digit) & ~_U7


@compiled
def _digits_to_number(eight: Any, num_bits: Any) -> Any:
    """Returns the number that the lowest ``num_bits / 8`` characters, of at least one, spell."""
    digits = (eight - _EIGHT_ZEROS) << (_U64 - num_bits)  # zeros come in as leading digits
    pairs = digits * _U10 + (digits >> _U8)
    return ((pairs & _PAIRS) * _HUNDREDS + ((pairs >> _U16) & _PAIRS) * _UNITS) >> _U32


@compiled
def _read_number(place: int) -> Any:
    """Reads one decimal number.

    Returns:
        The address after it, and its value; -1 and anything where it is not certain.
    """
    # Nearly every number of nearly every file: a digit, a point, and up to fifteen digits.
    is_negative = byte_at(place) == _MINUS
    start = place + np.int64(is_negative)
    lead = byte_at(start) - np.uint8(_ZERO)
    if np.uint8(lead) <= 9 and byte_at(start + 1) == _DOT:
        mantissa = np.uint64(np.uint8(lead))
        place_after = start + 2
        num_digits: Any = 0
        eight = eight_bytes_at(place_after)
        num_bits = _digit_bits(eight)
        if num_bits == _U64:
            mantissa = mantissa * _WHOLE_POWERS[8] + _digits_to_number(eight, num_bits)
            num_digits = 8
            place_after += 8
            eight = eight_bytes_at(place_after)
            num_bits = _digit_bits(eight)
        if _U8 <= num_bits < _U64:
            num_more = np.int64(num_bits >> _U3)
            mantissa = mantissa * _WHOLE_POWERS[num_more] + _digits_to_number(eight, num_bits)
            num_digits += num_more
            place_after += num_more
        if num_digits > 0 and byte_at(place_after) <= _SPACE and mantissa <= _EXACT_MANTISSA:
            value = np.float64(np.int64(mantissa)) / _POWERS[num_digits]
            return place_after, np.float32(-value if is_negative else value)
    return _read_any_number(place)


@compiled
def _read_any_number(place: int) -> Any:  # noqa: PLR0912 - calls among compiled functions would only hide the branches
    """Reads one decimal number in any spelling, byte by byte; as :func:`_read_number`."""
    nothing = (np.int64(-1), np.float32(0))
    is_negative = byte_at(place) == _MINUS
    if is_negative or byte_at(place) == _PLUS:
        place += 1
    mantissa = np.uint64(0)
    exponent: Any = 0
    num_digits = 0  # all of them
    num_taken: Any = 0  # from the first that is not zero on; those after the nineteenth count as zeros
    after_point = False
    while True:
        digit = np.int64(byte_at(place)) - _ZERO
        if 0 <= digit <= 9:
            num_digits += 1
            if num_taken < _MOST_DIGITS:
                mantissa = mantissa * _U10 + np.uint64(digit)
                num_taken += np.int64(mantissa > 0)
                exponent -= np.int64(after_point)
            else:
                exponent += np.int64(not after_point)
        elif digit == _DOT - _ZERO and not after_point:
            after_point = True
        else:
            break
        place += 1
    if num_digits == 0:
        return nothing
    if byte_at(place) in (_UPPER_E, _LOWER_E):
        place += 1
        sign = -1 if byte_at(place) == _MINUS else 1
        if byte_at(place) in (_PLUS, _MINUS):
            place += 1
        written: Any = 0
        first = place
        while _ZERO <= byte_at(place) <= _NINE:
            written = min(written * 10 + np.int64(byte_at(place)) - _ZERO, _LARGEST_EXPONENT)
            place += 1
        if place == first:
            return nothing
        exponent += sign * written
    power = abs(exponent)
    value = np.float64(mantissa)
    if mantissa > 0:
        if power > _LARGEST_POWER:
            return nothing
        value = value * _POWERS[power] if exponent >= 0 else value / _POWERS[power]
        is_exact = mantissa <= _EXACT_MANTISSA and power <= _EXACT_POWER
        if not is_exact and np.float32(value * (1 - _UNCERTAINTY)) != np.float32(value * (1 + _UNCERTAINTY)):
            return nothing
    single = np.float32(-value if is_negative else value)
    return (np.int64(place), single) if np.isfinite(single) else nothing


@compiled
def _read_numbers(place: int, row: int, dim: int) -> int:
    """Reads the numbers of a line, each after a space, and the line's end.

    Returns:
        The address of the next line, or -1 where the line is something else.
    """
    for column in range(dim):
        if byte_at(place) != _SPACE:
            return -1
        place, value = _read_number(place + 1)
        if place < 0:
            return -1
        put_single(row + 4 * column, value)
    return _pass_end(place)


@compiled
def _read_numbers_of_two(place: int, other_place: int, row: int, other_row: int, dim: int) -> Any:
    """Reads the numbers of two lines in turn; as :func:`_read_numbers`, but -1 for both where either fails.

    Where a number ends is known late, and the next one begins there: meanwhile the processor reads the other line's.
    """
    neither = (np.int64(-1), np.int64(-1))
    for column in range(dim):
        if byte_at(place) != _SPACE or byte_at(other_place) != _SPACE:
            return neither
        place, value = _read_number(place + 1)
        other_place, other_value = _read_number(other_place + 1)
        if place < 0 or other_place < 0:
            return neither
        put_single(row + 4 * column, value)
        put_single(other_row + 4 * column, other_value)
    return np.int64(_pass_end(place)), np.int64(_pass_end(other_place))


@compiled
def _pass_end(place: int) -> int:
    """Returns the address after a line's end, or -1 where there is something else."""
    if byte_at(place) == _SPACE:
        place += 1
    if byte_at(place) == _CR:
        place += 1
    return place + 1 if byte_at(place) == _LF else -1


@compiled
def _find_first_field_end(start: int) -> int:
    """Returns where the first space of a line stands, or its LF."""
    place = start
    while byte_at(place) != _SPACE and byte_at(place) != _LF:
        place += 1
    return place


@compiled
def _find_word_end(start: int, end: int, dim: int) -> int:
    """Returns where the ``dim``-th space from the right stands in the line from ``start`` to ``end``, or -1."""
    if end > start and byte_at(end - 1) == _CR:
        end -= 1
    if end > start and byte_at(end - 1) == _SPACE:
        end -= 1
    while end > start and dim > 0:
        end -= 1
        dim -= byte_at(end) == _SPACE
    return end if dim == 0 else -1


@compiled
def _may_end_in_number(start: int, end: int) -> bool:
    """Tells whether a space in the word is followed by what begins as a number does."""
    for place in range(end - 1, start - 1, -1):
        if byte_at(place) == _SPACE:
            first = byte_at(place + 1)
            return first in (_PLUS, _MINUS, _DOT) or _ZERO <= first <= _NINE
    return False


@compiled
def _parse_line(line: int, dim: int, matrix: int, starts: int, word_ends: int, is_doubtful: int) -> None:
    """Fills a line's row of the arrays, and the start of the next line; see :func:`parse_lines`."""
    start = whole_at(starts + 8 * line)
    row = matrix + 4 * dim * line
    word_end = _find_first_field_end(start)
    following = _read_numbers(word_end, row, dim)
    if following < 0:  # Perhaps its word holds spaces: again, from the right.
        line_end = word_end
        while byte_at(line_end) != _LF:
            line_end += 1
        following = line_end + 1
        word_end = _find_word_end(start, line_end, dim)
        if word_end < 0 or _may_end_in_number(start, word_end) or _read_numbers(word_end, row, dim) != following:
            put_byte(is_doubtful + line, np.uint8(1))
        word_end = max(word_end, start)
    put_whole(word_ends + 8 * line, word_end)
    put_whole(starts + 8 * (line + 1), following)


@compiled
def _copy_words(num_lines: int, starts: int, word_ends: int, words: int) -> int:
    """Copies the words, an LF after each, and returns how many bytes these are."""
    target = words
    for line in range(num_lines):
        for place in range(whole_at(starts + 8 * line), whole_at(word_ends + 8 * line)):
            put_byte(target, byte_at(place))
            target += 1
        put_byte(target, np.uint8(_LF))
        target += 1
    return target - words


def parse_lines(
    num_first: int, num_lines: int, dim: int, matrix: int, starts: int, word_ends: int, is_doubtful: int, words: int
) -> int:
    """Parses the first ``num_first`` lines and the others side by side.

    Args:
        num_first: How many lines there are before the one whose start is known.
        num_lines: How many lines there are: n.
        dim: Numbers a line: D.
        matrix: The address of n * D float32, filled with the numbers.
        starts: Of n + 1 int64, filled with the addresses of the lines; known for the first line and ``num_first``.
        word_ends: Of n int64, filled with the addresses at which the words end.
        is_doubtful: Of n bytes, set to 1 where a line is doubtful.
        words: Of as many bytes as the lines have: filled with the words, an LF after each.

    Returns:
        How many bytes of ``words`` are filled.
    """
    num_other = num_lines - num_first
    for line in range(min(num_first, num_other)):
        other = num_first + line
        word_end = _find_first_field_end(whole_at(starts + 8 * line))
        other_word_end = _find_first_field_end(whole_at(starts + 8 * other))
        following, other_following = _read_numbers_of_two(
            word_end, other_word_end, matrix + 4 * dim * line, matrix + 4 * dim * other, dim
        )
        if following < 0 or other_following < 0:
            _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
            _parse_line(other, dim, matrix, starts, word_ends, is_doubtful)
        else:
            put_whole(word_ends + 8 * line, word_end)
            put_whole(word_ends + 8 * other, other_word_end)
            put_whole(starts + 8 * (line + 1), following)
            put_whole(starts + 8 * (other + 1), other_following)
    for line in range(num_other, num_first):
        _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
    for line in range(2 * num_first, num_lines):
        _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
    return _copy_words(num_lines, starts, word_ends, words)


def count_lines(place: int, end: int) -> int:
    """Counts the LFs from one address to another."""
    num_lines: Any = 0
    while place < end:
        matches = matching_bytes(place, np.uint8(_LF))
        if end - place < 64:
            matches &= (_U1 << np.uint64(end - place)) - _U1
        num_lines += np.int64(count_ones(matches))
        place += 64
    return int(num_lines)
