"""Copies scattered rows out of a mapped matrix without bringing in what lies around them.

A row that is touched through the map makes Linux map its neighbourhood, 64 KiB and more: 15,000 words spread over a
large matrix leave hundreds of megabytes resident. Reading the rows from the file takes as long and leaves nothing.
"""

import os
from itertools import pairwise

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
    ascending = rows[order]
    # Rows that follow one another are read by one call, each to its own place.
    ends = np.flatnonzero(np.diff(ascending) != 1) + 1
    targets = out.reshape(-1).view(np.uint8).data
    places = (order * row_bytes).tolist()
    try:
        with open(mapped.filename, "rb", buffering=0) as file:  # noqa: PTH123 - numpy gives a path or a string
            for start, end in pairwise([0, *ends.tolist(), len(order)]):
                for first in range(start, end, _MOST_BUFFERS):
                    buffers = [
                        targets[place : place + row_bytes] for place in places[first : min(first + _MOST_BUFFERS, end)]
                    ]
                    position = mapped.offset + int(ascending[first]) * row_bytes
                    if os.preadv(file.fileno(), buffers, position) != len(buffers) * row_bytes:
                        return False
    except OSError:
        return False  # the store was removed meanwhile; what is mapped is still there
    return True
