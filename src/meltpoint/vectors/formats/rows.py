"""The rows of binary formats on their way into a chunk: each good one kept, each bad one named or left out.

Text has its own way (``text_faults``), since there a row is a line.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import MOST_PLACES, Chunk
from meltpoint.vectors.sources.source import Source

_CHUNK_BYTES = 1 << 24
_MOST_ROWS = 1 << 14
_LONGEST_SHOWN = 40


def make_chunk(
    words: Sequence[bytes], matrix: NDArray[np.float32], source: Source, place_of: Callable[[int], str]
) -> Chunk:
    """Makes a chunk of n rows, of which each is checked.

    Args:
        words: n words, UTF-8 if all is well.
        matrix: Shape (n, D), float32.
        source: Where they come from; its ``bad_rows`` says what is to become of bad ones.
        place_of: Names the place of row i of these n, as in ``row 17 (byte 20,412)``.

    Raises:
        VectorFileError: A word is not UTF-8 or a number is not finite, and bad rows are an error.
    """
    finite = np.isfinite(matrix)
    if finite.all() and is_utf8(b"\n".join(words)):
        return Chunk.of(words, matrix)
    good = finite.all(axis=1) & np.fromiter(map(is_utf8, words), dtype=np.bool_, count=len(words))
    bad = np.flatnonzero(~good).tolist()
    if bad and source.bad_rows == "error":
        row = bad[0]
        where = f"{source.place}: {place_of(row)}"
        remedy = "repair the file, or open it with bad_rows='skip' to leave such rows out."
        if not finite[row].all():
            column = int(np.argmin(finite[row]))
            raise VectorFileError(
                f"{where}: expected finite numbers, found {matrix[row, column]} as number {column + 1} of the word "
                f"{shown(words[row])}; {remedy}"
            )
        raise VectorFileError(f"{where}: expected a word in UTF-8, found {shown(words[row])}; {remedy}")
    return Chunk.of(
        [words[row] for row in np.flatnonzero(good).tolist()],
        matrix[good],
        skipped=len(bad),
        skipped_places=tuple(place_of(row) for row in bad[:MOST_PLACES]),
    )


def numbered_from(start: int) -> Callable[[int], str]:
    """Returns what names the rows of a chunk whose first is row ``start`` of the source, counted from 0."""
    return lambda row: f"row {start + row + 1:,}"  # people count from 1


def rows_per_chunk(dim: int) -> int:
    """Returns how many rows of D float32 numbers to read at a time: some megabytes of them."""
    return max(1, min(_MOST_ROWS, _CHUNK_BYTES // (4 * dim)))


def as_rows(matrix: NDArray[np.generic]) -> NDArray[np.float32]:
    """Returns numbers of any floating type as float32 in C order; what is too large for it becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(matrix, dtype=np.float32)


def require_dim(source: Source, dim: int) -> None:
    """Checks D against what the caller asked for.

    Raises:
        VectorFileError: They differ.
    """
    if source.dim not in {None, dim}:
        raise VectorFileError(f"{source.place}: expected {source.dim} dimensions as asked for by dim, found {dim}.")


def shown(text: bytes) -> str:
    """Returns bytes of a file in quotes and cut to a readable length."""
    quoted = repr(text[:_LONGEST_SHOWN].decode("utf-8", "backslashreplace"))
    return quoted + "..." if len(text) > _LONGEST_SHOWN else quoted


def is_utf8(text: bytes) -> bool:
    """Tells whether bytes are valid UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
