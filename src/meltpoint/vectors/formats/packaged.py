"""Vectors of the catalogue: a NumPy matrix and a Parquet column of words, out of an installed package."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.sources import PackageSource, Source

_ROWS_PER_CHUNK = 1 << 14


class PackagedVectors:
    """A ``.npy`` matrix beside a Parquet file of words."""

    name = "installed package"

    def matches(self, source: Source) -> bool:
        """Tells whether the source is a package."""
        return isinstance(source, PackageSource)

    def read(self, source: Source) -> Iterator[Chunk]:
        """Reads the package's rows.

        Raises:
            VectorFileError: The package's files are damaged or not those that the catalogue describes.
        """
        assert isinstance(source, PackageSource)
        entry = source.entry
        remedy = f"run: pip install --force-reinstall {entry.distribution}"
        try:
            matrix = np.load(source.matrix_path, mmap_mode="r", allow_pickle=False)
            column = pl.read_parquet(source.words_path, columns=[entry.words_column])[entry.words_column]
            words = [word.encode("utf-8") for word in column.cast(pl.String)]
        except (OSError, EOFError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
            raise VectorFileError(f"{source.place}: its files cannot be read ({error}); {remedy}") from error
        expected = (entry.num_words, entry.dim)
        if matrix.shape != expected or matrix.dtype != np.float32 or len(words) != entry.num_words:
            raise VectorFileError(
                f"{source.place}: expected a float32 matrix {expected} and {entry.num_words:,} words, found "
                f"{matrix.dtype} {matrix.shape} and {len(words):,} words; {remedy}"
            )
        for start in range(0, len(words), _ROWS_PER_CHUNK):
            # The package stores the matrix by columns; a chunk at a time it is turned into rows.
            rows = np.ascontiguousarray(matrix[start : start + _ROWS_PER_CHUNK])
            if not np.isfinite(rows).all():
                raise VectorFileError(f"{source.place}: nan or infinity in rows {start:,} and following; {remedy}")
            yield Chunk(words=words[start : start + _ROWS_PER_CHUNK], matrix=rows)
