"""What compiled loops do with addresses: load and store there, compare bytes and count bits, read a file to there.

Imports numba, as the loops do that use it.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

WIDTH = 64
"""How many bytes :func:`matching_bytes` and :func:`copy_width` take at once."""

_I64 = ir.IntType(64)
_WIDE = ir.VectorType(ir.IntType(8), WIDTH)


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
    several = builder.load(builder.inttoptr(place, _WIDE.as_pointer()), align=1)
    nothing = ir.Constant(_WIDE, ir.Undefined)
    first = builder.insert_element(nothing, byte, ir.Constant(ir.IntType(32), 0))
    same = builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))
    return builder.bitcast(builder.icmp_unsigned("==", several, same), _I64)


def _generate_copy(builder: Any, place: Any, target: Any) -> Any:
    """Builds the copying of 64 bytes, all of them loaded before any is stored; returns the target."""
    several = builder.load(builder.inttoptr(place, _WIDE.as_pointer()), align=1)
    builder.store(several, builder.inttoptr(target, _WIDE.as_pointer()), align=1)
    return target


def _declare_read(_context: Any, pread: Any, descriptor: Any, place: Any, num_bytes: Any, position: Any) -> Any:  # noqa: ARG001 - numba goes by the number of parameters
    def build(_context: Any, builder: Any, _signature: Any, arguments: list[Any]) -> Any:
        address, descriptor, place, num_bytes, position = arguments
        function = ir.FunctionType(_I64, (ir.IntType(32), _I64, _I64, _I64))
        descriptor = builder.trunc(descriptor, ir.IntType(32))
        return builder.call(builder.inttoptr(address, function.as_pointer()), (descriptor, place, num_bytes, position))

    return types.int64(*[types.int64] * 5), build


byte_at, put_byte = _loading(ir.IntType(8), types.uint8), _storing(ir.IntType(8), types.uint8)
eight_bytes_at = _loading(_I64, types.uint64)  # little-endian
whole_at, put_whole = _loading(_I64, types.int64), _storing(_I64, types.int64)
put_single = _storing(ir.FloatType(), types.float32)
# A bit for each of the 64 bytes from an address on, the first one lowest: whether it is a certain byte.
matching_bytes = _intrinsic(_generate_matches, types.uint64, types.int64, types.uint8)
copy_width = _intrinsic(_generate_copy, types.int64, types.int64, types.int64)
# How many bits are ones; how many zero bits there are below the lowest one.
count_ones = _intrinsic(lambda builder, number: builder.ctpop(number), types.uint64, types.uint64)
trailing_zeros = _intrinsic(
    lambda builder, number: builder.cttz(number, ir.Constant(ir.IntType(1), 0)), types.uint64, types.uint64
)
# Calls the system's ``pread``, whose address is the first argument, with a file's descriptor, the address to read to,
# how much room is there, and where in the file to read. Returns how many bytes these were: 0 at the end, -1 for an
# error. Code that named a function of the system would have to be linked; an address is passed like any other number.
read_file_at: Any = intrinsic(_declare_read)
