"""Writes a matrix as a ``.npy`` file, some rows at a time, so that the system caches it in larger pages."""

import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

DIGEST_BYTES = 16
_ROWS_BYTES = 1 << 24
# Linux caches what is written in pages as large as a write and its place allow, and maps such a page at one touch.
# After writes of this length, which start at multiples of it, 15,000 rows of 400,000 (300 dimensions) are gathered in
# 12 ms; after writes of any length they take 13. Huge pages (2 MiB) would take 7 (benchmarks/gather_rows.py). But where
# a virtual machine has handed its free memory back, getting them again takes long: set to 1 << 21, a first open was
# 7 times as fast as the loop of the textbooks, and 13 times as it is (benchmarks/vectors_text.py).
_PART_BYTES = 1 << 18


class MatrixFile:
    """A growing ``.npy`` file of float32 rows.

    Attributes:
        num_rows: Rows so far.
        dim: Columns; 0 as long as there are no rows.
    """

    def __init__(self, path: Path) -> None:
        """Creates the file, empty."""
        self._file = path.open("w+b")
        self._part = memoryview(bytearray(_PART_BYTES))
        self._part_filled = 0  # bytes, not yet in the file
        self._digest = blake3()
        self._header_bytes = 0
        self.num_rows = 0
        self.dim = 0

    def close(self) -> None:
        """Closes the file; what :meth:`finish` has not written is lost."""
        self._file.close()

    def append(self, matrix: NDArray[np.float32]) -> None:
        """Writes rows after those before."""
        if not self._header_bytes:
            self.dim = matrix.shape[1]
            header = _header(0, self.dim)
            self._header_bytes = len(header)
            self._write(memoryview(header))
        # The file says what it holds: little-endian, on any machine.
        rows = np.ascontiguousarray(matrix, dtype="<f4")
        self._digest.update(bytes_of(rows))
        self._write(bytes_of(rows))
        self.num_rows += len(rows)

    def keep_rows(self, keeps: NDArray[np.bool_]) -> None:
        """Moves the rows for which ``keeps``, shape (number of rows,), is True together, and drops the others."""
        self._write_part()
        self._digest = blake3()
        target = self._header_bytes
        for start, rows in self._read_rows():
            kept = rows[keeps[start : start + len(rows)]]
            self._digest.update(bytes_of(kept))
            self._file.seek(target)
            self._file.write(kept.data)
            target += kept.nbytes
        self._file.truncate(target)
        self.num_rows = int(keeps.sum())

    def finish(self) -> bytes:
        """Writes what is left and the final header, and returns the digest of all rows."""
        self._write_part()
        header = _header(self.num_rows, self.dim)
        if len(header) != self._header_bytes:
            raise OSError(errno.EIO, "the header of the matrix has grown over its rows")
        self._file.seek(0)
        self._file.write(header)
        return self._digest.digest(length=DIGEST_BYTES)

    def _write(self, content: memoryview) -> None:
        """Writes bytes after those before, whole parts only; what is left over waits for more."""
        while len(content):
            if not self._part_filled and len(content) >= _PART_BYTES:
                num_bytes = len(content) - len(content) % _PART_BYTES
                self._file.write(content[:num_bytes])
            else:
                start = self._part_filled
                num_bytes = min(len(content), _PART_BYTES - start)
                self._part[start : start + num_bytes] = content[:num_bytes]
                self._part_filled += num_bytes
                if self._part_filled == _PART_BYTES:
                    self._write_part()
            content = content[num_bytes:]

    def _write_part(self) -> None:
        self._file.write(self._part[: self._part_filled])
        self._part_filled = 0

    def _read_rows(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yields the rows, some megabytes at a time, each time with the number of the first."""
        row_bytes = 4 * self.dim
        step = max(1, _ROWS_BYTES // row_bytes)
        for start in range(0, self.num_rows, step):
            self._file.seek(self._header_bytes + start * row_bytes)
            content = self._file.read(min(step, self.num_rows - start) * row_bytes)
            yield start, np.frombuffer(content, dtype="<f4").reshape(-1, self.dim)


def bytes_of(array: NDArray[Any]) -> memoryview:
    """Returns the bytes of an array in C order, not copied."""
    return array.reshape(-1).view(np.uint8).data


def _header(num_rows: int, dim: int) -> bytes:
    """Returns the npy header; NumPy pads it so that the number of rows may grow."""
    file = io.BytesIO()
    header: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": (num_rows, dim)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()
