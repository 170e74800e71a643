"""Vectors with some rows replaced, without a copy of the others."""

import hashlib
import mmap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.vectors.opened import Vectors
from meltpoint.vectors.store.index import ABSENT


def replace_rows(vectors: Vectors, words: Sequence[str], rows: NDArray[np.float32], *, name: str) -> Vectors:
    """Returns vectors in which some words have other vectors: the space that the user of a tuned model really has.

    Of a matrix that is mapped from a store, only the pages of the rows replaced are copied; the store does not change.

    Args:
        vectors: The vectors.
        words: n words; those that have no row of their own are left out.
        rows: Their new vectors, ``(n, D)``.
        name: The name of the result.

    Raises:
        InputError: The shape of ``rows`` is another.
    """
    if rows.shape != (len(words), vectors.dim):
        raise InputError(f"expected new rows of the shape {(len(words), vectors.dim)}, found {rows.shape}.")
    places = vectors.rows(words)
    there = places != ABSENT
    matrix = _writable(vectors.matrix)
    matrix[places[there]] = rows[there]
    matrix.flags.writeable = False
    digest = hashlib.blake2b(vectors.digest.encode(), digest_size=16)
    digest.update(places[there].astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(rows[there], dtype="<f4").tobytes())
    return vectors.with_matrix(matrix, name=name, digest=digest.hexdigest())


def _writable(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the same numbers to write to: a private map of the same file, where there is one, else a copy."""
    mapped = matrix.base
    if not isinstance(mapped, np.memmap) or mapped.filename is None or not matrix.flags.c_contiguous:
        return matrix.copy()
    try:
        with open(mapped.filename, "rb") as file:  # noqa: PTH123 - numpy gives a path or a string
            # Not a numpy.memmap: rows of those are read from the file, which still holds the old ones.
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        return matrix.copy()
    offset = mapped.offset + (matrix.ctypes.data - mapped.ctypes.data)
    private: NDArray[np.float32] = np.frombuffer(pages, dtype=np.float32, count=matrix.size, offset=offset)
    return private.reshape(matrix.shape)
