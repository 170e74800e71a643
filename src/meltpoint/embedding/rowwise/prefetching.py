"""Asking for rows before their turn comes: the rows of a batch lie scattered over more memory than any cache holds."""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types  # type: ignore[import-untyped, unused-ignore]
from numba.core.cgutils import get_item_pointer, voidptr_t  # type: ignore[import-untyped, unused-ignore]
from numba.extending import intrinsic  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

# The arithmetic on two rows takes about as long as memory takes to answer.
AHEAD = 2
FLOATS_PER_CACHE_LINE = 16

_item_pointer: Any = get_item_pointer


def _compile_prefetch(_typing: Any, array: Any, index: Any) -> Any:
    """Compiles to the processor's prefetch instruction for ``array[index]``, to be written, in all caches."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        found = context.make_array(kind)(context, builder, arguments[0])
        item = _item_pointer(context, builder, kind, found, [arguments[1]], wraparound=False)
        address = builder.bitcast(item, voidptr_t)
        number = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch",
            (address.type,),
            ir.FunctionType(ir.VoidType(), [address.type, number, number, number]),
        )
        to_write, keep_everywhere, data = 1, 3, 1
        builder.call(function, [address, *(ir.Constant(number, flag) for flag in (to_write, keep_everywhere, data))])
        return context.get_dummy_value()

    return types.void(array, index), generate


_prefetch: Any = intrinsic(_compile_prefetch)


@compiled
def prefetch_ahead(table: Floats, moments: Floats, rows: Rows, slots: Rows, i: int, first: int, last: int) -> None:
    """Asks for columns of the row and the moments whose turn comes ``AHEAD`` places after that of ``rows[i]``.

    It is asked for as much at a time as is then worked on: a processor has only so many requests under way, and waits
    when a whole row is asked for at once.
    """
    ahead = min(i + AHEAD, len(rows) - 1)
    weight, own_moments = table[rows[ahead]], moments[max(slots[ahead], 0)]
    for j in range(first, last, FLOATS_PER_CACHE_LINE):
        _prefetch(weight, j)
    for moment in range(len(own_moments)):
        row = own_moments[moment]
        for j in range(first, last, FLOATS_PER_CACHE_LINE):
            _prefetch(row, j)
