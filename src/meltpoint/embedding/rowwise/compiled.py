"""How the loops over rows are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # type: ignore[import-untyped, unused-ignore]
import numpy as np
from numpy.typing import NDArray

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compiles a loop over NumPy arrays on its first call, and keeps the machine code on disk.

    Division is NumPy's (no check for zero), which lets the inner loops be vectorised; nothing else about rounding is
    relaxed. The interpreter's lock is released while the loop runs.
    """
    return cast("Loop", numba.njit(cache=True, nogil=True, error_model="numpy")(loop))


@compiled
def copy_row(source: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Copies a row (D,). The loop becomes vectors; an assignment of slices takes five times as long for short rows."""
    for j in range(len(source)):
        out[j] = source[j]
