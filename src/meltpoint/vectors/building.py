"""Builds a store: reads a source once and writes what later opens map."""

import contextlib
import errno
import hashlib
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import DiskError
from meltpoint.vectors.formats import Chunk, format_of
from meltpoint.vectors.index import hash_words, sort_hashes
from meltpoint.vectors.sources import Source
from meltpoint.vectors.store import (
    CACHE_VARIABLE,
    DATA_FILES,
    HASHES_FILE,
    MATRIX_FILE,
    META_FILE,
    OFFSETS_FILE,
    ORDER_FILE,
    STORE_VERSION,
    WORDS_FILE,
    StoreMeta,
    map_store,
)

_DIGEST_BYTES = 16
_ABANDONED_AFTER_SECONDS = 24 * 3600.0
_BUILDING_PREFIX = ".building-"


def build_store(source: Source, folder: Path) -> None:
    """Reads the source and puts its store at ``folder``, whole or not at all.

    The store is written beside its place and then renamed. When another process has put a whole store there in the
    meantime, that one stays; a damaged one is replaced.

    Args:
        source: What to read.
        folder: The store's place.

    Raises:
        VectorFileError: The source cannot be read.
        DiskError: The store cannot be written; nothing of it is left behind.
    """
    vector_format = format_of(source)
    parent = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        with tempfile.TemporaryDirectory(prefix=_BUILDING_PREFIX, dir=parent, ignore_cleanup_errors=True) as scratch:
            # A folder within the scratch folder, which only its owner may enter: the store is for whoever shares it.
            unfinished = Path(scratch) / "unfinished"
            unfinished.mkdir()
            with _StoreWriter(unfinished) as writer:
                for chunk in vector_format.read(source):
                    writer.add(chunk)
                writer.finish(file_format=vector_format.name)
            _put_in_place(unfinished, folder)
    except OSError as error:
        # Reading raises VectorFileError, so what arrives here has failed in writing.
        raise DiskError(_disk_text(parent, error)) from error


class _StoreWriter:
    """Writes a store's files, one chunk of rows after the other; only words, hashes and offsets grow in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = contextlib.ExitStack()
        self._matrix = self._files.enter_context((folder / MATRIX_FILE).open("w+b"))
        self._words = self._files.enter_context((folder / WORDS_FILE).open("wb"))
        self._header_bytes = 0
        self._seen: set[bytes] = set()
        self._lengths: list[NDArray[np.int64]] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._digest = {name: hashlib.blake2b(digest_size=_DIGEST_BYTES) for name in (MATRIX_FILE, WORDS_FILE)}
        self._rows_read = 0
        self._dim = 0
        self._lowercase = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, chunk: Chunk) -> None:
        """Appends rows; those whose word has come before are left out."""
        if not self._header_bytes:
            self._dim = chunk.matrix.shape[1]
            self._header_bytes = _write_header(self._matrix, 0, self._dim)
        self._rows_read += len(chunk.words)
        chunk = self._without_repeated(chunk)
        text = b"".join(chunk.words)
        # The file says what it holds: little-endian, on any machine.
        rows = np.ascontiguousarray(chunk.matrix, dtype="<f4").data
        self._words.write(text)
        self._matrix.write(rows)
        self._digest[WORDS_FILE].update(text)
        self._digest[MATRIX_FILE].update(rows)
        self._lengths.append(np.fromiter(map(len, chunk.words), dtype=np.int64, count=len(chunk.words)))
        self._hashes.append(hash_words(chunk.words))
        # Words are judged with a line end between them: lower-casing a final sigma looks at what follows.
        decoded = b"\n".join(chunk.words).decode("utf-8")
        self._lowercase = self._lowercase and decoded == decoded.lower()

    def finish(self, *, file_format: str) -> None:
        """Writes the index, the final header and, last of all, ``meta.json``."""
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(self._lengths))])
        hashes, order = sort_hashes(np.concatenate(self._hashes))
        num_rows = len(order)
        self._matrix.seek(0)
        if _write_header(self._matrix, num_rows, self._dim) != self._header_bytes:
            raise OSError(errno.EIO, "the header of the matrix has grown over its rows")
        self._files.close()
        for name, array in ((OFFSETS_FILE, offsets), (HASHES_FILE, hashes), (ORDER_FILE, order)):
            np.save(self._folder / name, array, allow_pickle=False)
        identity = hashlib.blake2b(f"{num_rows} x {self._dim}".encode(), digest_size=_DIGEST_BYTES)
        for part in (self._digest[WORDS_FILE].digest(), offsets.astype("<i8").data, self._digest[MATRIX_FILE].digest()):
            identity.update(part)
        meta = StoreMeta(
            version=STORE_VERSION,
            file_format=file_format,
            rows=num_rows,
            rows_read=self._rows_read,
            dim=self._dim,
            lowercase=self._lowercase,
            digest=identity.hexdigest(),
            sizes_bytes={name: (self._folder / name).stat().st_size for name in DATA_FILES},
        )
        (self._folder / META_FILE).write_text(meta.to_json(), encoding="utf-8")

    def _without_repeated(self, chunk: Chunk) -> Chunk:
        seen = self._seen
        words = set(chunk.words)
        if len(words) == len(chunk.words) and seen.isdisjoint(words):  # nearly every chunk of nearly every file
            seen |= words
            return chunk
        kept = []
        for position, word in enumerate(chunk.words):
            if word not in seen:
                seen.add(word)
                kept.append(position)
        return Chunk(words=[chunk.words[position] for position in kept], matrix=chunk.matrix[kept])


def _write_header(file: IO[bytes], num_rows: int, dim: int) -> int:
    """Writes the npy header and returns its size; NumPy pads it so that the number of rows may grow."""
    header: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": (num_rows, dim)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _put_in_place(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        if map_store(folder) is not None:
            return  # another process was first
        # The damaged one goes the same way, by renaming, so that no process ever finds half of either.
        with contextlib.suppress(FileNotFoundError):
            folder.rename(unfinished.with_name("damaged"))
        unfinished.rename(folder)


def _remove_abandoned(parent: Path) -> None:
    """Removes what a killed process has left, once it is too old to be in work."""
    oldest = time.time() - _ABANDONED_AFTER_SECONDS
    for path in parent.glob(f"{_BUILDING_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _disk_text(parent: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    remedy = "Free some space there" if error.errno == errno.ENOSPC else "Make it a folder that you may write to"
    return (
        f"the store of vectors cannot be written in {parent}: {reason}. {remedy}, or set {CACHE_VARIABLE} to another "
        "folder; nothing half-written was left behind."
    )
