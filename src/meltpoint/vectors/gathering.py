"""Copies scattered rows out of a mapped matrix without bringing in what lies around them.

A row that is touched through the map makes Linux map its neighbourhood, 64 KiB and more: 15,000 words spread over a
large matrix leave hundreds of megabytes resident. Reading the rows from the file takes as long and leaves nothing.
"""

import os

import numpy as np
from numpy.typing import NDArray

_MOST_BUFFERS = 512  # in one call; POSIX promises 16, Linux and macOS take 1,024


def copy_rows(matrix: NDArray[np.float32], rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Copies ``matrix[rows[i]]`` to ``out[i]``, where ``rows[i]`` is not negative.

    Args:
        matrix: Shape (V, D), float32, C order; mapped or in memory.
        rows: Shape (n,), int64.
        out: Shape (n, D), float32, C order; what belongs to no row stays as it is.
    """
    if not _read_rows(matrix, rows, out):
        found = rows >= 0
        out[found] = matrix[rows[found]]


def _read_rows(matrix: NDArray[np.float32], rows: NDArray[np.int64], out: NDArray[np.float32]) -> bool:
    """Reads the rows from the file behind the map; False where there is none or it cannot be read (any more)."""
    mapped = matrix.base
    if not isinstance(mapped, np.memmap) or mapped.filename is None or not hasattr(os, "preadv"):
        return False
    row_bytes = matrix.strides[0]
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] >= 0]
    if not len(order):
        return True
    ascending = rows[order]
    # Rows that follow one another are read by one call, each to its own place. Most are read by a call each, which is
    # where the time goes: what can be done for all of them at once is done before.
    begins_call = np.ones(len(order), dtype=np.bool_)
    begins_call[1:] = np.diff(ascending) != 1
    begins_call[::_MOST_BUFFERS] = True
    firsts = np.flatnonzero(begins_call)
    calls = zip((ascending[firsts] * row_bytes + mapped.offset).tolist(), firsts.tolist(), strict=True)
    ends = [*firsts[1:].tolist(), len(order)]
    places = (order * row_bytes).tolist()
    targets = out.reshape(-1).view(np.uint8).data
    try:
        with open(mapped.filename, "rb", buffering=0) as file:  # noqa: PTH123 - numpy gives a path or a string
            descriptor, preadv = file.fileno(), os.preadv
            for (position, first), end in zip(calls, ends, strict=True):
                buffers = [targets[place : place + row_bytes] for place in places[first:end]]
                if preadv(descriptor, buffers, position) != len(buffers) * row_bytes:
                    return False
    except OSError:
        return False  # the store was removed meanwhile; what is mapped is still there
    return True
