"""The store: one folder per opened source, mapped in place, noticed when damaged.

    matrix.npy    (V, D) float32, C order
    words.bin     the UTF-8 bytes of all words, end to end
    offsets.npy   (V + 1,) int64, where each word starts
    hashes.npy    (V,) uint64, ascending
    order.npy     (V,) int64, the row of each sorted hash
    subwords.npy  (number of n-gram buckets, D) float32, C order; only where the source has them
    meta.json     what the source came to, and the size and the edges of every file above

Beside them lie the source's attachments, such as ``tokenizer.json``. Opening reads ``meta.json`` and the first and last
bytes of each file and maps the rest, however large the store is.

Every later open comes this way, and importing what it uses takes longer than what it does: paths are strings here
(``pathlib`` takes 4 ms, where all of NumPy takes 57), and values are named tuples (``dataclasses`` and the classes made
with it take 3).
"""

import json
import os
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.store.index import WordIndex
from meltpoint.vectors.store.maps import map_array, map_bytes

if TYPE_CHECKING:
    from _typeshed import StrPath

STORE_VERSION = 4
META_FILE = "meta.json"
MATRIX_FILE = "matrix.npy"
WORDS_FILE = "words.bin"
OFFSETS_FILE = "offsets.npy"
HASHES_FILE = "hashes.npy"
ORDER_FILE = "order.npy"
SUBWORDS_FILE = "subwords.npy"
DATA_FILES = (MATRIX_FILE, WORDS_FILE, OFFSETS_FILE, HASHES_FILE, ORDER_FILE)
"""The files that every store has."""

_EDGE_BYTES = 4096


class SubwordMeta(NamedTuple):
    """What is known of the n-gram vectors of a store.

    Attributes:
        min_n: The fewest characters of an n-gram.
        max_n: The most characters of an n-gram.
        num_buckets: Rows of ``subwords.npy``.
    """

    min_n: int
    max_n: int
    num_buckets: int


class StoreMeta(NamedTuple):
    """The content of ``meta.json``: all that is known of a store without reading it.

    Attributes:
        version: The version of the store's layout.
        file_format: What the source was read as.
        rows: Rows kept: V.
        rows_read: Rows in the source, repeated words and skipped rows among them.
        duplicates: Rows left out because their word had come before.
        skipped: Rows left out because they could not be used.
        skipped_places: Where the first of these stand.
        dim: Columns: D.
        lowercase: Whether lower-casing changes no word.
        digest: Hex BLAKE3-128 over dimension, words and matrix, and over subwords and attachments where there are any.
        subwords: What is known of the n-gram vectors, if there are any.
        attachments: The names of the attachments.
        sizes_bytes: The size of each file of :data:`DATA_FILES`, of the subwords and of each attachment.
        edges: The CRC-32 over the first and the last 4 KiB of each of these files.
    """

    version: int
    file_format: str
    rows: int
    rows_read: int
    duplicates: int
    skipped: int
    skipped_places: list[str]
    dim: int
    lowercase: bool
    digest: str
    subwords: SubwordMeta | None
    attachments: list[str]
    sizes_bytes: Mapping[str, int]
    edges: Mapping[str, int]

    def to_json(self) -> str:
        """Returns the text of ``meta.json``."""
        subwords = None if self.subwords is None else self.subwords._asdict()
        return json.dumps(self._asdict() | {"subwords": subwords}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> "StoreMeta":
        """Reads ``meta.json``.

        Raises:
            ValueError: This is not the meta file of a store of this version.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("version") != STORE_VERSION:
            raise ValueError(f"expected an object of version {STORE_VERSION}.")
        if set(content) != set(cls._fields) or not all(isinstance(content[name], _KINDS[name]) for name in _KINDS):
            raise ValueError(f"expected an object with {', '.join(cls._fields)}.")
        if content["subwords"] is not None:
            content["subwords"] = SubwordMeta(**content["subwords"])
        meta = cls(**content)
        optional = [SUBWORDS_FILE] if meta.subwords else []
        files = {*DATA_FILES, *optional, *meta.attachments}
        if not (set(meta.sizes_bytes) == set(meta.edges) == files) or meta.rows < 1:
            raise ValueError(f"expected at least one row, and the sizes and edges of {', '.join(sorted(files))}.")
        return meta


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "version": int,
    "file_format": str,
    "rows": int,
    "rows_read": int,
    "duplicates": int,
    "skipped": int,
    "skipped_places": list,
    "dim": int,
    "lowercase": bool,
    "digest": str,
    "subwords": (dict, type(None)),
    "attachments": list,
    "sizes_bytes": dict,
    "edges": dict,
}


class MappedStore(NamedTuple):
    """A store that was found whole, mapped read-only; or the same held in memory.

    Attributes:
        folder: Where it lies; None where it is in memory alone.
        meta: Its ``meta.json``.
        matrix: Shape (V, D), float32, read-only.
        word_index: Its words.
        subwords: Shape (number of buckets, D), float32, read-only; None where there are none.
        attachments: The path of each attachment, by its name.
    """

    folder: str | None
    meta: StoreMeta
    matrix: NDArray[np.float32]
    word_index: WordIndex
    subwords: NDArray[np.float32] | None
    attachments: Mapping[str, str]


def map_store(folder: "StrPath") -> MappedStore | None:
    """Maps the store in ``folder``.

    Noticed are missing files, files of another size (a full disk, a copy cut short) or with other bytes at their edges
    (pages that a crash left empty), another version, and array headers that do not fit. What lies between the edges is
    not read: that would cost what the store is there to save.

    Returns:
        The store, or None when there is none or it is damaged; either way it is to be built.
    """
    folder = os.fspath(folder)
    try:
        with open(os.path.join(folder, META_FILE), "rb") as file:
            meta = StoreMeta.from_json(file.read())
        places = {name: os.path.join(folder, name) for name in meta.sizes_bytes}
        for name, size in meta.sizes_bytes.items():
            if measure_file(places[name]) != (size, meta.edges[name]):
                return None
        subwords = None
        if meta.subwords is not None:
            subwords = map_array(places[SUBWORDS_FILE], np.float32, (meta.subwords.num_buckets, meta.dim))
        return MappedStore(
            folder=folder,
            meta=meta,
            matrix=map_array(places[MATRIX_FILE], np.float32, (meta.rows, meta.dim)),
            word_index=WordIndex(
                data=map_bytes(places[WORDS_FILE]),
                offsets=map_array(places[OFFSETS_FILE], np.int64, (meta.rows + 1,)),
                hashes=map_array(places[HASHES_FILE], np.uint64, (meta.rows,)),
                order=map_array(places[ORDER_FILE], np.int64, (meta.rows,)),
            ),
            subwords=subwords,
            attachments={name: places[name] for name in meta.attachments},
        )
    except (OSError, ValueError, TypeError):  # a TypeError: meta.json names other things than it should
        return None


def measure_file(path: "StrPath") -> tuple[int, int]:
    """Returns a file's size in bytes and the CRC-32 of its edges."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_EDGE_BYTES)
        file.seek(max(size - _EDGE_BYTES, 0))
        return size, zlib.crc32(file.read(_EDGE_BYTES), zlib.crc32(head))
