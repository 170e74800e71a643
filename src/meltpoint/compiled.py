"""How loops that no array operation expresses are compiled: one setting for all of them.

Imports numba: a module of loops is imported where its loops are needed.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # type: ignore[import-untyped, unused-ignore]

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compiles a loop over NumPy arrays on its first call, and keeps the machine code on disk.

    Division is NumPy's (no check for zero), which lets the inner loops be vectorised; nothing else about rounding is
    relaxed. The interpreter's lock is released while the loop runs.
    """
    return cast("Loop", numba.njit(cache=True, nogil=True, error_model="numpy")(loop))
