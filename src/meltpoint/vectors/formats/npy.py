"""A NumPy matrix, ``NAME.npy``, and its words in a file beside it: what many a script leaves behind.

The layout of the file is NumPy's own (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). The
matrix is mapped and never unpickled; float16, float32 and float64 are read, in either order of rows and columns.
"""

import tokenize
import warnings
from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.rows import as_rows, make_chunk, numbered_from, require_dim, rows_per_chunk
from meltpoint.vectors.formats.word_lists import read_words
from meltpoint.vectors.sources.layouts import NPY
from meltpoint.vectors.sources.source import FolderSource, Source

# What numpy raises on a header that is no header, or that promises more than the file holds.
_FAULTS = (OSError, EOFError, ValueError, TypeError, OverflowError, SyntaxError, tokenize.TokenError, MemoryError)


class NpyVectors:
    """A ``.npy`` matrix of shape (V, D) and a list of V words."""

    name = "npy"

    def matches(self, source: Source) -> bool:
        """Tells whether these are a matrix and a list of words."""
        return isinstance(source, FolderSource) and source.layout == NPY

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Reads the rows in order.

        Raises:
            VectorFileError: The file is not a matrix of floating numbers, is cut short, or has not as many rows as
                there are words.
        """
        assert isinstance(source, FolderSource)
        matrix = map_matrix(source.files["matrix"], source.place_of("matrix"))
        require_dim(source, matrix.shape[1])
        words = read_words(source, *matrix.shape)
        step = rows_per_chunk(matrix.shape[1])
        for start in range(0, len(words), step):
            stop = min(start + step, len(words))
            rows = as_rows(matrix[start:stop])
            yield make_chunk(words.slice(start, stop), rows, source, numbered_from(start))
        if source.has_changed():
            raise VectorFileError(f"{source.place}: the files changed while they were being read; open them again.")


def map_matrix(path: Path, place: str) -> NDArray[np.floating]:
    """Maps a ``.npy`` file of shape (V, D), any floating type, in either order.

    Raises:
        VectorFileError: It is something else, or shorter than its header says.
    """
    try:
        with np.errstate(over="ignore"), warnings.catch_warnings():  # sizes beyond 64 bits
            warnings.simplefilter("ignore", UserWarning)  # a header that Python 2 wrote is read a little slower
            matrix = np.lib.format.open_memmap(path, mode="r")
    except _FAULTS as error:
        if "Python objects" in str(error):
            raise VectorFileError(
                f"{place}: expected numbers, found Python objects, which are kept as a pickle and never read here: "
                "unpickling runs whatever code the file brings. Where you trust it, save it as "
                "np.save(PATH, np.stack(list(array)).astype(np.float32))."
            ) from error
        raise VectorFileError(
            f"{place}: expected a NumPy array, found a damaged one or one cut short: {error}"
        ) from error
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or matrix.dtype.itemsize > 8 or not matrix.size:
        raise VectorFileError(
            f"{place}: expected a matrix of float16, float32 or float64 with a row for each word, found "
            f"{matrix.dtype} of shape {matrix.shape}; save it as np.save(PATH, matrix.astype(np.float32))."
        )
    return matrix
