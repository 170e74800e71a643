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
def _prefetch_row(row: Floats) -> None:
    for j in range(0, len(row), FLOATS_PER_CACHE_LINE):
        _prefetch(row, j)


@compiled
def prefetch_next(table: Floats, moments: Floats, rows: Rows, slots: Rows, i: int) -> None:
    """Asks for the row and the moments that come ``AHEAD`` places after position i; results do not depend on it."""
    if i + AHEAD < len(rows):
        _prefetch_row(table[rows[i + AHEAD]])
        if slots[i + AHEAD] >= 0:
            for moment in range(moments.shape[1]):
                _prefetch_row(moments[slots[i + AHEAD], moment])
