"""The words of a matrix that has none of its own: a text file, one word a line, or a column of a Parquet file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.text_files.faults import count_numbers
from meltpoint.vectors.sources.source import FolderSource

_NEWLINE, _RETURN = b"\n\r"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordList:
    """The words of V rows within the bytes of a file; taken apart some rows at a time.

    Attributes:
        data: The bytes.
        starts: Shape (V,), int64, where each word starts.
        ends: Shape (V,), int64, where it ends.
    """

    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def slice(self, start: int, stop: int) -> list[bytes]:
        """Returns the words of rows ``start`` to ``stop``."""
        bounds = zip(self.starts[start:stop].tolist(), self.ends[start:stop].tolist(), strict=True)
        return [self.data[begin:end] for begin, end in bounds]


def read_words(source: FolderSource, num_rows: int, dim: int) -> WordList:
    """Reads the words of a source's matrix, its part ``words``.

    Lines end at byte 0x0A only: a word may hold whatever else splits lines in other programs.

    Args:
        source: The files.
        num_rows: How many words there must be: V.
        dim: D; a list whose first line ends in as many numbers is a file of vectors itself.

    Raises:
        VectorFileError: The words cannot be read, or are not as many as the rows.
    """
    place = source.place_of("words")
    path = source.files["words"]
    entry = source.entry
    try:
        words = (
            _read_column(path, entry.words_column, place)
            if entry is not None and entry.words_column is not None
            else _read_lines(path)
        )
    except OSError as error:
        raise VectorFileError(f"{place}: the words cannot be read: {error}") from error
    # A list that is called so is one, even where its first word is "call 911".
    is_named = path.name.endswith(".words.txt")
    if len(words) and not is_named and count_numbers(words.slice(0, 1)[0]) >= dim:
        raise VectorFileError(
            f"{place}: expected one word a line, found lines of a word and its numbers: this is a file of vectors "
            "itself; open it, or put the words in a file of another name."
        )
    if len(words) != num_rows:
        raise VectorFileError(
            f"{place}: expected {num_rows:,} words, one for each row of the matrix, found {len(words):,}; these two "
            "files do not belong together, or one of them was cut short."
        )
    return words


def _read_lines(path: Path) -> WordList:
    """Reads lines that end in LF or CRLF; the last may do without."""
    data = path.read_bytes()
    codes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE)
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    returns = (ends > starts) & (codes[ends - 1] == _RETURN)
    return WordList(data=data, starts=starts, ends=ends - returns)


def _read_column(path: Path, column: str, place: str) -> WordList:
    import polars as pl  # noqa: PLC0415 - the other lists need none

    try:
        words = pl.read_parquet(path, columns=[column])[column].cast(pl.String)
        data = "".join(words).encode("utf-8")
        ends = np.cumsum(words.str.len_bytes().to_numpy().astype(np.int64))
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:  # TypeError: a null among the words
        raise VectorFileError(f"{place}: its column of words cannot be read: {error}") from error
    return WordList(data=data, starts=np.append(0, ends[:-1]), ends=ends)
