"""Writes a NumPy matrix, ``NAME.npy``, and its words beside it, ``NAME.words.txt``, one a line."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from meltpoint.vectors.writing.base import Table, WritePart


class NpyAndWords:
    """Two files: ``numpy.load(path, mmap_mode="r")`` maps the matrix, and any editor shows the words."""

    name = "npy"
    suffixes = (".npy",)
    may_be_gzipped = False

    def fault_of(self, word: str) -> str | None:
        """Returns why a line cannot hold the word, or None."""
        if "\n" in word:
            return "it holds a line end"
        if word.endswith("\r"):
            return "it ends in a carriage return, which would be read as part of the line end"
        return None

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the words, then the matrix: by the matrix the vectors are opened, and it comes when all is there."""
        return {path.with_suffix(".words.txt"): _write_words, path: _write_matrix}


def _write_words(table: Table, file: IO[bytes]) -> None:
    for word in table.words:
        file.write(word.encode("utf-8") + b"\n")


def _write_matrix(table: Table, file: IO[bytes]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (table.num_rows, table.dim)}
    np.lib.format.write_array_header_1_0(file, header)
    for block in table.blocks():
        file.write(block.matrix.data)
