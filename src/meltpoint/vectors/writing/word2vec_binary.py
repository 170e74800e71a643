r"""Writes word2vec's binary format: the line ``V D``, then for each row the word, a space and D float32, little-endian.

The original program puts a line end after each row and gensim does not; readers of either skip it where it is. It is
left out here, since some readers would count it to the next word.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import IO

from meltpoint.vectors.writing.base import Table, WritePart


class Word2vecBinary:
    """The format of ``GoogleNews-vectors-negative300.bin``."""

    name = "word2vec-binary"
    suffixes = (".bin",)
    may_be_gzipped = True

    def fault_of(self, word: str) -> str | None:
        """Returns why every reader would break off or change the word, or None."""
        if " " in word:
            return "it holds a space, which ends a word in this format"
        if "\n" in word:
            return "it holds a line end, which readers of this format drop"
        if "\0" in word:
            return "it holds a NUL, which ends a word in programs written in C"
        return None

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the one file."""
        return {path: _write}


def _write(table: Table, file: IO[bytes]) -> None:
    file.write(f"{table.num_rows} {table.dim}\n".encode("ascii"))
    for block in table.blocks():
        pieces: list[bytes | memoryview] = []
        for word, row in zip(block.words, block.matrix, strict=True):
            pieces += (word.encode("utf-8"), b" ", row.data)
        file.write(b"".join(pieces))
