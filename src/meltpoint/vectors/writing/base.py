"""What a format of written vectors is, and the rows it is given: checked, and never all at once in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError

_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Consecutive rows, as they are to be written.

    Attributes:
        words: n words.
        matrix: Shape (n, D), float32, little-endian, C order, every value finite.
    """

    words: Sequence[str]
    matrix: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The words and the matrix that are to be written.

    Attributes:
        words: V words.
        matrix: Shape (V, D), any type of real numbers.
    """

    words: Sequence[str]
    matrix: NDArray[np.generic]

    @property
    def num_rows(self) -> int:
        """Rows: V."""
        return int(self.matrix.shape[0])

    @property
    def dim(self) -> int:
        """Columns: D."""
        return int(self.matrix.shape[1])

    def blocks(self) -> Iterator[Block]:
        """Yields the rows, some megabytes at a time.

        Raises:
            InputError: A number is not finite, or too large for float32; the message names its word, row and column.
        """
        num_rows = max(1, _BLOCK_BYTES // (4 * self.dim))
        for start in range(0, self.num_rows, num_rows):
            words = self.words[start : start + num_rows]
            given = self.matrix[start : start + num_rows]
            with np.errstate(over="ignore"):
                # The file says what it holds: little-endian, on any machine.
                rows = np.ascontiguousarray(given, dtype="<f4")
            finite = np.isfinite(rows)
            if not finite.all():
                row, column = np.argwhere(~finite)[0].tolist()
                raise InputError(
                    f"expected finite numbers in the range of float32, found {given[row, column]} in row "
                    f"{start + row:,}, column {column} (both counted from 0), of the word {words[row]!r}; repair or "
                    "leave out that row."
                )
            yield Block(words=words, matrix=rows)


WritePart = Callable[[Table, IO[bytes]], None]
"""Writes one file, from its beginning to its end."""


class VectorWriter(Protocol):
    """One way in which word vectors are written down.

    A new format is one class like this and one line in ``meltpoint.vectors.writing.WRITERS``.
    """

    @property
    def name(self) -> str:
        """What people call the format."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes a file of this format may have; of two formats with one suffix, the earlier is meant by it."""
        ...

    @property
    def may_be_gzipped(self) -> bool:
        """Whether ``.gz`` may follow the suffix."""
        ...

    def fault_of(self, word: str) -> str | None:
        """Returns why the format cannot hold the word (``it holds a line end``), or None where it can."""
        ...

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the files that make up vectors at ``path``, in the order in which they are to be put there."""
        ...
