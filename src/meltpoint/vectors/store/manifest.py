"""The list of a store's files, with what tells whether each of them is still the one that was written.

    meltpoint store 5: 6 files
    480000128 1a2b3c4d matrix.npy
    ...

It is written last: a store that has none was never finished. Each line holds the size in bytes and the CRC-32 over the
first and the last 4 KiB. So missing files are noticed, files of another size (a full disk, a copy cut short) and files
with other bytes at their edges (pages that a crash left empty). What lies between is not read: that would cost what the
store is there to save. Plain lines rather than JSON, since importing ``json`` takes longer than opening the store.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import StrPath

STORE_VERSION = 5
MANIFEST_FILE = "files.txt"

_EDGE_BYTES = 4096


def write_manifest(folder: StrPath, names: Iterable[str]) -> None:
    """Lists the files of these names as they are now."""
    lines = []
    for name in names:
        size, edges = _measure(os.path.join(folder, name))
        lines.append(f"{size} {edges:08x} {name}\n")
    with open(os.path.join(folder, MANIFEST_FILE), "w", encoding="utf-8", newline="") as file:
        file.writelines([f"{_title(len(lines))}\n", *lines])


def check_files(folder: StrPath) -> list[str]:
    """Returns the names of a store's files, all of which are what they were.

    Raises:
        OSError: A file is missing or cannot be read.
        ValueError: The list is not one of this version or is not whole, or a file is another one.
    """
    with open(os.path.join(folder, MANIFEST_FILE), "rb") as file:
        title, *lines, end = file.read().decode("utf-8").split("\n")
    if title != _title(len(lines)) or end:
        raise ValueError(f"expected {_title(len(lines))!r} and as many lines, found {title!r}.")
    names = []
    for line in lines:
        size, edges, name = line.split(" ", 2)
        if os.path.basename(name) != name or _measure(os.path.join(folder, name)) != (int(size), int(edges, 16)):
            raise ValueError(f"{name}: expected {size} bytes with the edges {edges}.")
        names.append(name)
    return names


def _title(num_files: int) -> str:
    return f"meltpoint store {STORE_VERSION}: {num_files} files"


def _measure(path: StrPath) -> tuple[int, int]:
    """Returns a file's size in bytes and the CRC-32 of its edges."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_EDGE_BYTES)
        file.seek(max(size - _EDGE_BYTES, 0))
        return size, zlib.crc32(file.read(_EDGE_BYTES), zlib.crc32(head))
