"""The store: one folder per opened source, mapped in place, noticed when damaged.

    matrix.npy    (V, D) float32, C order
    words.bin     the UTF-8 bytes of all words, end to end
    offsets.npy   (V + 1,) int64, where each word starts
    hashes.npy    (V,) uint64, ascending
    order.npy     (V,) int64, the row of each sorted hash
    meta.json     what the source came to, and the size of every file above

Opening reads ``meta.json`` and four array headers and maps the rest, however large the store is.
"""

import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.index import WordIndex

STORE_VERSION = 1
CACHE_VARIABLE = "MELTPOINT_CACHE"
META_FILE = "meta.json"
MATRIX_FILE = "matrix.npy"
WORDS_FILE = "words.bin"
OFFSETS_FILE = "offsets.npy"
HASHES_FILE = "hashes.npy"
ORDER_FILE = "order.npy"
DATA_FILES = (MATRIX_FILE, WORDS_FILE, OFFSETS_FILE, HASHES_FILE, ORDER_FILE)


@dataclass(frozen=True, kw_only=True)
class StoreMeta:
    """The content of ``meta.json``: all that is known of a store without reading it.

    Attributes:
        version: The version of the store's layout.
        file_format: What the source was read as.
        rows: Rows kept: V.
        rows_read: Rows in the source, repeated words among them.
        dim: Columns: D.
        lowercase: Whether lower-casing changes no word.
        digest: Hex BLAKE2b-128 over dimension, words and matrix.
        sizes_bytes: The size of each file in :data:`DATA_FILES`.
    """

    version: int
    file_format: str
    rows: int
    rows_read: int
    dim: int
    lowercase: bool
    digest: str
    sizes_bytes: Mapping[str, int]

    def to_json(self) -> str:
        """Returns the text of ``meta.json``."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> "StoreMeta":
        """Reads ``meta.json``.

        Raises:
            ValueError: This is not the meta file of a store of this version.
        """
        content = json.loads(text)
        expected = {name: dict if name == "sizes_bytes" else kind for name, kind in cls.__annotations__.items()}
        if not isinstance(content, dict) or {name: type(value) for name, value in content.items()} != expected:
            raise ValueError(f"expected an object with {', '.join(expected)}.")
        meta = cls(**content)
        if meta.version != STORE_VERSION or set(meta.sizes_bytes) != set(DATA_FILES) or meta.rows < 1:
            raise ValueError(f"expected version {STORE_VERSION}, at least one row and the sizes of {DATA_FILES}.")
        return meta


@dataclass(frozen=True, kw_only=True, eq=False)
class MappedStore:
    """A store that was found whole, mapped read-only.

    Attributes:
        folder: Where it lies.
        meta: Its ``meta.json``.
        matrix: Shape (V, D), float32.
        index: Its words.
    """

    folder: Path
    meta: StoreMeta
    matrix: NDArray[np.float32]
    index: WordIndex


def cache_folder() -> Path:
    """Returns the folder that holds all stores: below ``MELTPOINT_CACHE`` where set, else in the user's cache."""
    root = os.environ.get(CACHE_VARIABLE)
    if not root:
        from platformdirs import user_cache_path  # noqa: PLC0415 - a tenth of a later open, and needed only here

        return user_cache_path("meltpoint") / "vectors"
    return Path(root).expanduser().absolute() / "vectors"


def map_store(folder: Path) -> MappedStore | None:
    """Maps the store in ``folder``.

    Noticed are missing files, files of another size (a full disk, a copy cut short), another version and array
    headers that do not fit. The values themselves are not read: that would cost what the store is there to save.

    Returns:
        The store, or None when there is none or it is damaged; either way it is to be built.
    """
    try:
        meta = StoreMeta.from_json((folder / META_FILE).read_bytes())
        for name, size in meta.sizes_bytes.items():
            if (folder / name).stat().st_size != size:
                return None
        matrix = _map_array(folder / MATRIX_FILE, np.float32, (meta.rows, meta.dim))
        index = WordIndex(
            data=_map_bytes(folder / WORDS_FILE),
            offsets=_map_array(folder / OFFSETS_FILE, np.int64, (meta.rows + 1,)),
            hashes=_map_array(folder / HASHES_FILE, np.uint64, (meta.rows,)),
            order=_map_array(folder / ORDER_FILE, np.int64, (meta.rows,)),
        )
    except (OSError, ValueError):
        return None
    return MappedStore(folder=folder, meta=meta, matrix=matrix, index=index)


def _map_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    # open_memmap rather than np.load: it reads the npy format only, and so can never come to unpickle.
    mapped = np.lib.format.open_memmap(path, mode="r")
    if mapped.dtype != dtype or mapped.shape != shape or not mapped.flags.c_contiguous:
        raise ValueError(f"{path}: expected {dtype.__name__} {shape}, found {mapped.dtype} {mapped.shape}.")
    return np.asarray(mapped)


def _map_bytes(path: Path) -> memoryview:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")  # an empty file cannot be mapped
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
