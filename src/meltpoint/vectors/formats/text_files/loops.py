"""The loops of ``kernel`` over addresses, as numba compiles them: neither arrays nor Python objects.

What they convert has the bits of ``float32(float(text))``:

- A decimal mantissa of at most 2**53 and a power of ten of at most 10**22 are exact as float64, and IEEE arithmetic
  rounds their quotient or product once, as ``float()`` does (Clinger 1990).
- Any other number is computed with a relative error below 2**-50. Where everything within that error rounds to one
  float32, that is the result; otherwise, about once in 10**7 numbers, the line is doubtful.

Imports numba: this module is imported to compile, and not to run what has been compiled.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from meltpoint.compiled import compiled
from meltpoint.vectors.formats.text_files.selecting import TABLE_FACTOR, TABLE_SHIFT

_LF, _CR, _SPACE, _PLUS, _MINUS, _DOT, _ZERO, _NINE, _UPPER_E, _LOWER_E = b"\n\r +-.09Ee"

# Beside a uint64 all constants are uint64 too: numba takes the sum of a signed and an unsigned integer to float64.
_EIGHT_ZEROS = np.uint64(0x3030303030303030)
_PAST_NINE = np.uint64(0x4646464646464646)  # added to '9' + 1 it sets the high bit
_HIGH_BITS = np.uint64(0x8080808080808080)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(100 + (1_000_000 << 32))
_UNITS = np.uint64(1 + (10_000 << 32))
_U1, _U3, _U7, _U8, _U10, _U16, _U32, _U64 = (np.uint64(number) for number in (1, 3, 7, 8, 10, 16, 32, 64))
_EIGHT_ONES, _EIGHT_SPACES = np.uint64(0x0101010101010101), np.uint64(0x2020202020202020)
_EIGHT_LINE_ENDS = np.uint64(0x0A0A0A0A0A0A0A0A)

_LARGEST_POWER = 290  # beyond it a float64 may be subnormal, and the bound on the error fails
_POWERS = np.array([float(f"1e{power}") for power in range(_LARGEST_POWER + 1)])
_WHOLE_POWERS = np.array([10**power for power in range(16)], dtype=np.uint64)
_EXACT_POWER = 22
_EXACT_MANTISSA = np.uint64(1 << 53)
_MOST_DIGITS = 19  # 10**19 < 2**64
_LARGEST_EXPONENT = 100_000
_UNCERTAINTY = 2.0**-50


def _intrinsic(generate: Callable[..., Any], result: Any, *parameters: Any) -> Any:
    """Makes a function of one or two numbers that compiles to what ``generate(builder, *numbers)`` builds."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: list[Any]) -> Any:
        return generate(builder, *arguments)

    def declare_one(_context: Any, number: Any) -> Any:  # noqa: ARG001 - numba goes by the number of parameters
        return result(*parameters), build

    def declare_two(_context: Any, number: Any, other: Any) -> Any:  # noqa: ARG001 - as above
        return result(*parameters), build

    return intrinsic(declare_one if len(parameters) == 1 else declare_two)


def _loading(bits: Any, value_type: Any) -> Any:
    """Makes a function that returns the value at an address."""

    def generate(builder: Any, place: Any) -> Any:
        return builder.load(builder.inttoptr(place, bits.as_pointer()), align=1)

    return _intrinsic(generate, value_type, types.int64)


def _storing(bits: Any, value_type: Any) -> Any:
    """Makes a function that puts a value at an address, and returns the address."""

    def generate(builder: Any, place: Any, value: Any) -> Any:
        builder.store(value, builder.inttoptr(place, bits.as_pointer()), align=1)
        return place

    return _intrinsic(generate, types.int64, types.int64, value_type)


def _generate_matches(builder: Any, place: Any, byte: Any) -> Any:
    """Builds the comparison of 64 bytes with one: a few vector instructions, whichever the processor has."""
    wide = ir.VectorType(ir.IntType(8), 64)
    several = builder.load(builder.inttoptr(place, wide.as_pointer()), align=1)
    nothing = ir.Constant(wide, ir.Undefined)
    first = builder.insert_element(nothing, byte, ir.Constant(ir.IntType(32), 0))
    same = builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64))
    return builder.bitcast(builder.icmp_unsigned("==", several, same), ir.IntType(64))


_byte, _put_byte = _loading(ir.IntType(8), types.uint8), _storing(ir.IntType(8), types.uint8)
_eight_bytes = _loading(ir.IntType(64), types.uint64)  # little-endian
_whole, _put_whole = _loading(ir.IntType(64), types.int64), _storing(ir.IntType(64), types.int64)
_put_single = _storing(ir.FloatType(), types.float32)
# A bit for each of the 64 bytes from an address on, the first one lowest: whether it is a certain byte.
_matches = _intrinsic(_generate_matches, types.uint64, types.int64, types.uint8)
# How many bits are ones; how many zero bits there are below the lowest one.
_num_bits = _intrinsic(lambda builder, number: builder.ctpop(number), types.uint64, types.uint64)
_trailing_zeros = _intrinsic(
    lambda builder, number: builder.cttz(number, ir.Constant(ir.IntType(1), 0)), types.uint64, types.uint64
)


@compiled
def _digit_bits(eight: Any) -> Any:
    """Returns how many of the low bits of eight characters are digits: 0, 8, ... 64."""
    # The high bit of the lowest byte that is no digit; only bytes above that one may be spoilt by carries.
    no_digit = ((eight + _PAST_NINE) | (eight - _EIGHT_ZEROS)) & _HIGH_BITS
    return _trailing_zeros(no_digit) & ~_U7


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
    is_negative = _byte(place) == _MINUS
    start = place + np.int64(is_negative)
    lead = _byte(start) - np.uint8(_ZERO)
    if np.uint8(lead) <= 9 and _byte(start + 1) == _DOT:
        mantissa = np.uint64(np.uint8(lead))
        place_after = start + 2
        num_digits: Any = 0
        eight = _eight_bytes(place_after)
        num_bits = _digit_bits(eight)
        if num_bits == _U64:
            mantissa = mantissa * _WHOLE_POWERS[8] + _digits_to_number(eight, num_bits)
            num_digits = 8
            place_after += 8
            eight = _eight_bytes(place_after)
            num_bits = _digit_bits(eight)
        if _U8 <= num_bits < _U64:
            num_more = np.int64(num_bits >> _U3)
            mantissa = mantissa * _WHOLE_POWERS[num_more] + _digits_to_number(eight, num_bits)
            num_digits += num_more
            place_after += num_more
        if num_digits > 0 and _byte(place_after) <= _SPACE and mantissa <= _EXACT_MANTISSA:
            value = np.float64(np.int64(mantissa)) / _POWERS[num_digits]
            return place_after, np.float32(-value if is_negative else value)
    return _read_any_number(place)


@compiled
def _read_any_number(place: int) -> Any:  # noqa: PLR0912 - calls among compiled functions would only hide the branches
    """Reads one decimal number in any spelling, byte by byte; as :func:`_read_number`."""
    nothing = (np.int64(-1), np.float32(0))
    is_negative = _byte(place) == _MINUS
    if is_negative or _byte(place) == _PLUS:
        place += 1
    mantissa = np.uint64(0)
    exponent: Any = 0
    num_digits = 0  # all of them
    num_taken: Any = 0  # from the first that is not zero on; those after the nineteenth count as zeros
    after_point = False
    while True:
        digit = np.int64(_byte(place)) - _ZERO
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
    if _byte(place) in (_UPPER_E, _LOWER_E):
        place += 1
        sign = -1 if _byte(place) == _MINUS else 1
        if _byte(place) in (_PLUS, _MINUS):
            place += 1
        written: Any = 0
        first = place
        while _ZERO <= _byte(place) <= _NINE:
            written = min(written * 10 + np.int64(_byte(place)) - _ZERO, _LARGEST_EXPONENT)
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
        if _byte(place) != _SPACE:
            return -1
        place, value = _read_number(place + 1)
        if place < 0:
            return -1
        _put_single(row + 4 * column, value)
    return _pass_end(place)


@compiled
def _read_numbers_of_two(place: int, other_place: int, row: int, other_row: int, dim: int) -> Any:
    """Reads the numbers of two lines in turn; as :func:`_read_numbers`, but -1 for both where either fails.

    Where a number ends is known late, and the next one begins there: meanwhile the processor reads the other line's.
    """
    neither = (np.int64(-1), np.int64(-1))
    for column in range(dim):
        if _byte(place) != _SPACE or _byte(other_place) != _SPACE:
            return neither
        place, value = _read_number(place + 1)
        other_place, other_value = _read_number(other_place + 1)
        if place < 0 or other_place < 0:
            return neither
        _put_single(row + 4 * column, value)
        _put_single(other_row + 4 * column, other_value)
    return np.int64(_pass_end(place)), np.int64(_pass_end(other_place))


@compiled
def _pass_end(place: int) -> int:
    """Returns the address after a line's end, or -1 where there is something else."""
    if _byte(place) == _SPACE:
        place += 1
    if _byte(place) == _CR:
        place += 1
    return place + 1 if _byte(place) == _LF else -1


@compiled
def _find_first_field_end(start: int) -> int:
    """Returns where the first space of a line stands, or its LF."""
    place = start
    while _byte(place) != _SPACE and _byte(place) != _LF:
        place += 1
    return place


@compiled
def _find_word_end(start: int, end: int, dim: int) -> int:
    """Returns where the ``dim``-th space from the right stands in the line from ``start`` to ``end``, or -1."""
    if end > start and _byte(end - 1) == _CR:
        end -= 1
    if end > start and _byte(end - 1) == _SPACE:
        end -= 1
    while end > start and dim > 0:
        end -= 1
        dim -= _byte(end) == _SPACE
    return end if dim == 0 else -1


@compiled
def _may_end_in_number(start: int, end: int) -> bool:
    """Tells whether a space in the word is followed by what begins as a number does."""
    for place in range(end - 1, start - 1, -1):
        if _byte(place) == _SPACE:
            first = _byte(place + 1)
            return first in (_PLUS, _MINUS, _DOT) or _ZERO <= first <= _NINE
    return False


@compiled
def _parse_line(line: int, dim: int, matrix: int, starts: int, word_ends: int, is_doubtful: int) -> None:
    """Fills a line's row of the arrays, and the start of the next line; see :func:`parse_lines`."""
    start = _whole(starts + 8 * line)
    row = matrix + 4 * dim * line
    word_end = _find_first_field_end(start)
    following = _read_numbers(word_end, row, dim)
    if following < 0:  # Perhaps its word holds spaces: again, from the right.
        line_end = word_end
        while _byte(line_end) != _LF:
            line_end += 1
        following = line_end + 1
        word_end = _find_word_end(start, line_end, dim)
        if word_end < 0 or _may_end_in_number(start, word_end) or _read_numbers(word_end, row, dim) != following:
            _put_byte(is_doubtful + line, np.uint8(1))
        word_end = max(word_end, start)
    _put_whole(word_ends + 8 * line, word_end)
    _put_whole(starts + 8 * (line + 1), following)


@compiled
def _copy_words(num_lines: int, starts: int, word_ends: int, words: int) -> int:
    """Copies the words, an LF after each, and returns how many bytes these are."""
    target = words
    for line in range(num_lines):
        for place in range(_whole(starts + 8 * line), _whole(word_ends + 8 * line)):
            _put_byte(target, _byte(place))
            target += 1
        _put_byte(target, np.uint8(_LF))
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
        word_end = _find_first_field_end(_whole(starts + 8 * line))
        other_word_end = _find_first_field_end(_whole(starts + 8 * other))
        following, other_following = _read_numbers_of_two(
            word_end, other_word_end, matrix + 4 * dim * line, matrix + 4 * dim * other, dim
        )
        if following < 0 or other_following < 0:
            _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
            _parse_line(other, dim, matrix, starts, word_ends, is_doubtful)
        else:
            _put_whole(word_ends + 8 * line, word_end)
            _put_whole(word_ends + 8 * other, other_word_end)
            _put_whole(starts + 8 * (line + 1), following)
            _put_whole(starts + 8 * (other + 1), other_following)
    for line in range(num_other, num_first):
        _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
    for line in range(2 * num_first, num_lines):
        _parse_line(line, dim, matrix, starts, word_ends, is_doubtful)
    return _copy_words(num_lines, starts, word_ends, words)


def count_lines(place: int, end: int) -> int:
    """Counts the LFs from one address to another."""
    num_lines: Any = 0
    while place < end:
        matches = _matches(place, np.uint8(_LF))
        if end - place < 64:
            matches &= (_U1 << np.uint64(end - place)) - _U1
        num_lines += np.int64(_num_bits(matches))
        place += 64
    return int(num_lines)


@compiled
def _may_start(place: int, table: int) -> bool:
    """Tells whether one of the wanted fields may start a line; see ``selecting``, which does the same."""
    eight = _eight_bytes(place)
    spaces, line_ends = eight ^ _EIGHT_SPACES, eight ^ _EIGHT_LINE_ENDS
    is_end = ((spaces - _EIGHT_ONES) & ~spaces | (line_ends - _EIGHT_ONES) & ~line_ends) & _HIGH_BITS
    lowest = is_end & (~is_end + _U1)
    kept = eight & ((lowest >> _U7) - _U1)
    return bool(_byte(table + np.int64((kept * TABLE_FACTOR) >> TABLE_SHIFT)))


def find_lines(place: int, end: int, table: int, most: int, positions: int, starts: int, ends: int) -> int:
    """Finds the lines that may start with one of some fields, and counts all of them.

    Args:
        place: The address of the first line.
        end: Where the last one ends, with an LF; at least 64 bytes follow.
        table: The address of the table of ``FirstFields``.
        most: How many lines there is room for.
        positions: Of ``most + 1`` int64, filled with the positions of those lines, and the number of all lines last.
        starts: Of ``most`` int64, filled with their addresses.
        ends: Of ``most`` int64, filled with the addresses of their LFs.

    Returns:
        How many they are; -1 where there is no room for them.
    """
    line = 0
    found = 0
    start = place
    while place < end:
        matches = _matches(place, np.uint8(_LF))
        while matches != 0:
            line_end: Any = place + np.int64(_trailing_zeros(matches))
            if line_end >= end:
                break
            matches &= matches - _U1
            if _may_start(start, table):
                if found == most:
                    return -1
                _put_whole(positions + 8 * found, line)
                _put_whole(starts + 8 * found, start)
                _put_whole(ends + 8 * found, line_end)
                found += 1
            line += 1
            start = line_end + 1
        place += 64
    _put_whole(positions + 8 * found, line)
    return found
