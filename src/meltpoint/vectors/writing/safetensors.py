"""Writes safetensors: the matrix as the tensor ``embedding``, the words as bytes and offsets beside it.

    embedding  (V, D) float32
    words      (number of bytes,) uint8: the UTF-8 of all words, end to end
    offsets    (V + 1,) int64: word r is ``words[offsets[r]:offsets[r + 1]]``

The metadata says ``{"format": "meltpoint/vectors/1"}``. This format holds every word there is.

The safetensors library serialises tensors that are in memory, twice over. Its layout is a length, a JSON header and
the plain bytes, so that it is written here as the rows come along.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from meltpoint.vectors.writing.base import Table, WritePart

SAFETENSORS_FORMAT = "meltpoint/vectors/1"
_ALIGNMENT_BYTES = 8


class SafetensorsFile:
    """One file, mapped by any program that knows safetensors."""

    name = "safetensors"
    suffixes = (".safetensors",)
    may_be_gzipped = False

    def fault_of(self, word: str) -> str | None:  # noqa: ARG002 - as the protocol has it
        """Returns None: every word can be held."""
        return None

    def parts(self, path: Path) -> Mapping[Path, WritePart]:
        """Returns the one file."""
        return {path: _write}


def _write(table: Table, file: IO[bytes]) -> None:
    offsets = np.zeros(table.num_rows + 1, dtype="<i8")
    lengths = (len(word.encode("utf-8")) for word in table.words)
    np.cumsum(np.fromiter(lengths, dtype=np.int64, count=table.num_rows), out=offsets[1:])
    file.write(_header(table, num_text_bytes=int(offsets[-1])))
    # In the order of the header: the widest type first, so that each tensor is aligned for its own.
    file.write(offsets.data)
    for block in table.blocks():
        file.write(block.matrix.data)
    for word in table.words:
        file.write(word.encode("utf-8"))


def _header(table: Table, *, num_text_bytes: int) -> bytes:
    """Returns the length of the header as 8 bytes, and the header: JSON, padded with spaces."""
    header: dict[str, object] = {"__metadata__": {"format": SAFETENSORS_FORMAT}}
    position = 0
    for name, dtype, item_bytes, shape in (
        ("offsets", "I64", 8, [table.num_rows + 1]),
        ("embedding", "F32", 4, [table.num_rows, table.dim]),
        ("words", "U8", 1, [num_text_bytes]),
    ):
        end = position + item_bytes * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % _ALIGNMENT_BYTES)
    return len(text).to_bytes(8, "little") + text
