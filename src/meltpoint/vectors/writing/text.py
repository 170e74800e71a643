"""Writes vectors as text: a word and D numbers a line, single spaces between; word2vec's starts with a line ``V D``.

Each number is the shortest text from which a reader gets the same float32. Words may hold spaces: meltpoint takes the
numbers from the right, and so reads them back. Readers that split a line from the left do not: gensim and fastText
give up on a file that holds even one such word.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from meltpoint.vectors.writing.base import Table, WritePart

_ENDS_IN_A_NUMBER = re.compile(
    r".* [+-]?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|nan|inf|infinity)",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
_BEGINS_A_CONTAINER = re.compile(r"PK\x03\x04|PK\x05\x06|BZh[1-9]1AY&SY|[P-_]\*M\x18")
# The bits of 7.038531e-26, without its sign. Readers round to float64 first and to float32 then, and of all float32
# numbers this is the one whose shortest text (found by trying every one of them) comes back as its neighbour.
_ROUNDED_TWICE = 0x15AE43FD
_SIGN = 0x80000000


class GloveText:
    """GloVe's text format: no first line of its own."""

    name = "glove"
    suffixes = (".txt", ".vec")
    may_be_gzipped = True

    def fault_of(self, word: str) -> str | None:
        """Returns why a line cannot hold the word, or None."""
        if "\n" in word:
            return "it holds a line end"
        if "\0" in word:
            return "it holds a NUL, which marks a file as binary"
        if _BEGINS_A_CONTAINER.match(word):
            return "a file that began with it would be taken for a zip, bzip2 or Zstandard file"
        if " " in word and _ENDS_IN_A_NUMBER.fullmatch(word):
            return "it ends in a space and a number, which would be read as one of its numbers"
        return None

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the one file."""
        return {path: _write_rows}


class Word2vecText(GloveText):
    """word2vec's text format, which is also fastText's ``.vec``."""

    name = "word2vec"
    suffixes = (".vec", ".txt")

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the one file."""
        return {path: _write_header_and_rows}


def _write_header_and_rows(table: Table, file: IO[bytes]) -> None:
    file.write(f"{table.num_rows} {table.dim}\n".encode("ascii"))
    _write_rows(table, file)


def _write_rows(table: Table, file: IO[bytes]) -> None:
    # Polars finds the shortest digits some hundred times faster than Python's formatting of one number at a time.
    import polars as pl  # noqa: PLC0415

    for block in table.blocks():
        numbers = block.matrix
        if (numbers.view("<u4") & ~np.uint32(_SIGN) == _ROUNDED_TWICE).any():
            numbers = numbers.astype(np.float64)  # more digits than needed, but each number is read as it was
        frame = pl.from_numpy(numbers, orient="row")
        frame.insert_column(0, pl.Series("word", block.words, dtype=pl.String))
        lines = io.BytesIO()
        frame.write_csv(lines, include_header=False, separator=" ", quote_style="never")
        file.write(lines.getbuffer())
