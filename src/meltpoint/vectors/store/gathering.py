"""Copies scattered rows out of a mapped matrix without leaving in memory what lies around them.

A row that is touched through the map makes Linux map its neighbourhood, 64 KiB and more: 15,000 words spread over a
large matrix would leave hundreds of megabytes resident. Where wanted rows are nearer to one another than that, they are
copied through the map, whose pages are given back at once. 15,000 rows of 400,000 (300 dimensions) take 12 ms where a
store was just written, and 7 where the system has read it back into huge pages; reading each takes 19 to 25. Copied by
``cp`` it is cached in smaller pages: 24 ms either way; page by page, by reading at random: 51 and 33
(``benchmarks/gather_rows.py``). Where they are farther apart they are read from the file, which leaves nothing, and
reads little where nothing is cached.
"""

from __future__ import annotations

import os
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from meltpoint.vectors.store.maps import give_back, map_of, read_in_large_pages, require_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBOURHOOD_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 18  # stays in the processor's cache


def take_rows(matrix: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Copies ``matrix[rows[i]]`` for each i; zeros where ``rows[i]`` is negative.

    Args:
        matrix: Shape (V, D), float32, C order; mapped or in memory.
        rows: Shape (n,), int64.

    Returns:
        Shape (n, D), float32.

    Raises:
        VectorFileError: The file was cut short since it was mapped.
    """
    out = np.zeros((len(rows), matrix.shape[1]), dtype=np.float32)
    if not (rows >= 0).any():
        return out
    mapped = map_of(matrix)
    is_far = matrix.nbytes > _NEIGHBOURHOOD_BYTES * len(rows)
    if mapped is not None and is_far and _read_rows(matrix, mapped, rows, out):
        return out
    require_whole(matrix)
    if mapped is not None:
        read_in_large_pages(mapped)
    np.take(matrix, rows, axis=0, out=out, mode="clip")  # any row where there is none
    out[rows < 0] = 0
    if mapped is not None:
        give_back(mapped)
    return out


def _read_rows(
    matrix: NDArray[np.float32], mapped: np.memmap[Any, Any], rows: NDArray[np.int64], out: NDArray[np.float32]
) -> bool:
    """Reads the rows from the file behind the map; False where there is none or it cannot be read (any more)."""
    if mapped.filename is None or not hasattr(os, "preadv"):
        return False
    row_bytes = matrix.strides[0]
    order = np.argsort(rows)
    order = order[rows[order] >= 0]
    ascending = rows[order]
    # Rows are read into a small buffer and copied from there: the system is slow in writing to memory that has not been
    # touched before, as most of ``out``. Nearly every row takes a call of its own, so that what Python does between two
    # calls costs as much as reading does: the iterators run in C. Together these save a fifth of the time (15,000 rows
    # of 400,000, 300 dimensions).
    buffer = np.empty((min(len(order), max(1, _BUFFER_BYTES // row_bytes)), out.shape[1]), dtype=out.dtype)
    places = [[row.data] for row in buffer]
    try:
        with open(mapped.filename, "rb", buffering=0) as file:
            for start in range(0, len(order), max(1, len(buffer))):
                part = ascending[start : start + len(buffer)]
                if part[-1] - part[0] == len(part) - 1 and (np.diff(part) == 1).all():  # rows that follow one another
                    position = int(part[0]) * row_bytes + mapped.offset
                    num_bytes = os.preadv(file.fileno(), [buffer[: len(part)].data], position)
                else:
                    positions = (part * row_bytes + mapped.offset).tolist()
                    num_bytes = sum(map(os.preadv, repeat(file.fileno()), places, positions))
                if num_bytes != len(part) * row_bytes:
                    return False
                out[order[start : start + len(part)]] = buffer[: len(part)]
    except OSError:
        return False  # the store was removed meanwhile; what is mapped is still there
    return True
