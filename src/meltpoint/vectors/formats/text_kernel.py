"""The compiled parser of vectors as text: about a gigabyte of lines in a second on one core.

It takes lines that are as they should be. A line that it is not sure of it leaves *doubtful*, and the slow reader in
``text_faults`` decides: so what is wrong, and every exotic spelling, is judged in one place. What it does convert has
the bits of ``float32(float(text))``:

- A decimal mantissa of at most 2**53 and a power of ten of at most 10**22 are exact as float64, and IEEE arithmetic
  rounds their quotient or product once, as ``float()`` does (Clinger 1990).
- Any other number is computed with a relative error below 2**-50. Where everything within that error rounds to one
  float32, that is the result; otherwise, about once in 10**7 numbers, the line is doubtful.

Numba compiles these functions once per machine and keeps them. Importing it takes some tenths of a second, so this
module is imported only for files that are worth it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from meltpoint.compiled import compiled
from meltpoint.vectors.formats.text_blocks import count_lines

_LF, _CR, _SPACE, _PLUS, _MINUS, _DOT, _ZERO, _NINE, _UPPER_E, _LOWER_E = b"\n\r +-.09Ee"

# Beside a uint64 all constants are uint64 too: numba takes the sum of a signed and an unsigned integer to float64.
_EIGHT_ZEROS = np.uint64(0x3030303030303030)
_PAST_NINE = np.uint64(0x4646464646464646)  # added to '9' + 1 it sets the high bit
_HIGH_BITS = np.uint64(0x8080808080808080)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(100 + (1_000_000 << 32))
_UNITS = np.uint64(1 + (10_000 << 32))
_U3, _U7, _U8, _U10, _U16, _U32, _U64 = (np.uint64(number) for number in (3, 7, 8, 10, 16, 32, 64))

_LARGEST_POWER = 290  # beyond it a float64 may be subnormal, and the bound on the error fails
_POWERS = np.array([float(f"1e{power}") for power in range(_LARGEST_POWER + 1)])
_WHOLE_POWERS = np.array([10**power for power in range(16)], dtype=np.uint64)
_EXACT_POWER = 22
_EXACT_MANTISSA = np.uint64(1 << 53)
_MOST_DIGITS = 19  # 10**19 < 2**64
_LARGEST_EXPONENT = 100_000
_UNCERTAINTY = 2.0**-50
_LONG_LINE_BYTES = 1 << 16


def parse_lines(
    data: NDArray[np.uint8], num_bytes: int, dim: int
) -> tuple[bytes, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Parses lines of a word and ``dim`` numbers, each after a space; see the module's text.

    Args:
        data: Bytes.
        num_bytes: How many of them are complete lines, each ended by LF, CR LF or either after a space. At least eight
            bytes follow them.
        dim: Numbers a line: D.

    Returns:
        The n words, each with an LF after it: what stands before the D-th space from the right, or nothing where there
        are fewer spaces. The numbers, shape (n, D). Where the lines start and the last one ends, shape (n + 1,). The
        positions of the doubtful lines, ascending: their numbers mean nothing.
    """
    # An address, and not the array: handing an array from function to function counts its references, by atomic
    # operations that take longer than reading a number.
    address = data.ctypes.data
    middle = _find_middle(data[:num_bytes])
    num_first = count_lines(data[:middle])
    num_lines = num_first + count_lines(data[middle:num_bytes])
    matrix = np.empty((num_lines, dim), dtype=np.float32)
    starts = np.empty(num_lines + 1, dtype=np.int64)
    word_ends = np.empty(num_lines, dtype=np.int64)
    is_doubtful = np.zeros(num_lines, dtype=np.bool_)
    starts[0], starts[num_first] = 0, middle
    _parse_lines(address, num_first, matrix, starts, word_ends, is_doubtful)
    words = np.empty(int((word_ends - starts[:-1]).sum()) + num_lines, dtype=np.uint8)
    _copy_words(address, starts, word_ends, words)
    return words.tobytes(), matrix, starts, np.flatnonzero(is_doubtful)


def _find_middle(data: NDArray[np.uint8]) -> int:
    """Returns where a line near the middle starts; the end, where none does."""
    half = len(data) // 2
    is_end = data[half : half + _LONG_LINE_BYTES] == _LF
    return half + int(is_end.argmax()) + 1 if is_end.any() else len(data)


def _intrinsic(generate: Callable[[Any, list[Any]], Any], result: Any, argument: Any) -> Any:
    """Makes a function of one argument that compiles to what ``generate(builder, arguments)`` builds."""

    def declare(_context: Any, value: Any) -> Any:  # noqa: ARG001 - numba goes by the number of parameters
        return result(argument), lambda _context, builder, _signature, arguments: generate(builder, arguments)

    return intrinsic(declare)


# The byte at an address; eight bytes from any address on, little-endian; the number of zero bits below the lowest one.
_byte = _intrinsic(
    lambda builder, arguments: builder.load(builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())),
    types.uint8,
    types.int64,
)
_eight_bytes = _intrinsic(
    lambda builder, arguments: builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()), align=1),
    types.uint64,
    types.int64,
)
_trailing_zeros = _intrinsic(
    lambda builder, arguments: builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0)),
    types.uint64,
    types.uint64,
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
def _read_numbers(place: int, row: Any) -> int:
    """Reads the numbers of a line, each after a space, and the line's end.

    Returns:
        The address of the next line, or -1 where the line is something else.
    """
    for column in range(len(row)):
        if _byte(place) != _SPACE:
            return -1
        place, value = _read_number(place + 1)
        if place < 0:
            return -1
        row[column] = value
    return _pass_end(place)


@compiled
def _read_numbers_of_two(place: int, other_place: int, row: Any, other_row: Any) -> Any:
    """Reads the numbers of two lines in turn; as :func:`_read_numbers`, but -1 for both where either fails.

    Where a number ends is known late, and the next one begins there: meanwhile the processor reads the other line's.
    """
    neither = (np.int64(-1), np.int64(-1))
    for column in range(len(row)):
        if _byte(place) != _SPACE or _byte(other_place) != _SPACE:
            return neither
        place, value = _read_number(place + 1)
        other_place, other_value = _read_number(other_place + 1)
        if place < 0 or other_place < 0:
            return neither
        row[column] = value
        other_row[column] = other_value
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
def _parse_line(address: int, line: int, matrix: Any, starts: Any, word_ends: Any, is_doubtful: Any) -> None:
    """Fills a line's row of the arrays, and the start of the next line; see :func:`_parse_lines`."""
    start = address + starts[line]
    word_end = _find_first_field_end(start)
    following = _read_numbers(word_end, matrix[line])
    if following < 0:  # Perhaps its word holds spaces: again, from the right.
        line_end = word_end
        while _byte(line_end) != _LF:
            line_end += 1
        following = line_end + 1
        word_end = _find_word_end(start, line_end, matrix.shape[1])
        is_doubtful[line] = (
            word_end < 0 or _may_end_in_number(start, word_end) or _read_numbers(word_end, matrix[line]) != following
        )
        word_end = max(word_end, start)
    word_ends[line] = word_end - address
    starts[line + 1] = following - address


@compiled
def _parse_lines(address: int, num_first: int, matrix: Any, starts: Any, word_ends: Any, is_doubtful: Any) -> None:
    """Parses the first ``num_first`` lines and the others side by side.

    Args:
        address: Of the first line.
        num_first: How many lines there are before the one whose start is known.
        matrix: Filled with the numbers.
        starts: Filled with where lines start, counted from ``address``; known for the first line and ``num_first``.
        word_ends: Filled with where words end, counted likewise.
        is_doubtful: Set where a line is.
    """
    num_lines = len(matrix)
    num_other = num_lines - num_first
    for line in range(min(num_first, num_other)):
        other = num_first + line
        word_end = _find_first_field_end(address + starts[line])
        other_word_end = _find_first_field_end(address + starts[other])
        following, other_following = _read_numbers_of_two(word_end, other_word_end, matrix[line], matrix[other])
        if following < 0 or other_following < 0:
            _parse_line(address, line, matrix, starts, word_ends, is_doubtful)
            _parse_line(address, other, matrix, starts, word_ends, is_doubtful)
        else:
            word_ends[line] = word_end - address
            word_ends[other] = other_word_end - address
            starts[line + 1] = following - address
            starts[other + 1] = other_following - address
    for line in range(num_other, num_first):
        _parse_line(address, line, matrix, starts, word_ends, is_doubtful)
    for line in range(2 * num_first, num_lines):
        _parse_line(address, line, matrix, starts, word_ends, is_doubtful)


@compiled
def _copy_words(address: int, starts: Any, word_ends: Any, words: Any) -> None:
    """Copies the words, an LF after each."""
    num_written = 0
    for line in range(len(word_ends)):
        for place in range(address + starts[line], address + word_ends[line]):
            words[num_written] = _byte(place)
            num_written += 1
        words[num_written] = _LF
        num_written += 1
