"""Writes the files of a store, one piece of the source after the other, in bounded memory."""

import contextlib
from itertools import compress, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.building.matrix_file import DIGEST_BYTES, MatrixFile, bytes_of
from meltpoint.vectors.formats.base import MOST_PLACES, Attachment, Chunk, Piece, SubwordChunk
from meltpoint.vectors.store.hashing import hash_words
from meltpoint.vectors.store.index import find_repeated, sort_hashes
from meltpoint.vectors.store.manifest import write_manifest
from meltpoint.vectors.store.mapped import (
    DATA_FILES,
    HASHES_FILE,
    MATRIX_FILE,
    META_FILE,
    OFFSETS_FILE,
    ORDER_FILE,
    SUBWORDS_FILE,
    WORDS_FILE,
)
from meltpoint.vectors.store.meta import StoreMeta, SubwordMeta

_WORDS_BYTES = 1 << 24


class StoreWriter:
    """Writes a store's files; only hashes and offsets, some tens of bytes a row, grow in memory.

    Repeated words are found at the end, among the sorted hashes that the index needs anyway. Few files have any; where
    there are some, the rows are written once more without them.
    """

    def __init__(self, folder: Path) -> None:
        """Begins to write into ``folder``, which exists and is empty."""
        self._folder = folder
        self._files = contextlib.ExitStack()
        self._words = self._files.enter_context((folder / WORDS_FILE).open("w+b"))
        self._matrix = self._files.enter_context(contextlib.closing(MatrixFile(folder / MATRIX_FILE)))
        self._subword_matrix: MatrixFile | None = None
        self._subwords: SubwordMeta | None = None
        self._attachments: dict[str, bytes] = {}
        self._lengths: list[NDArray[np.int64]] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._skipped = 0
        self._skipped_places: list[str] = []
        self._lowercase = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, piece: Piece) -> None:
        """Takes the next piece of the source."""
        match piece:
            case Chunk():
                self._add_rows(piece)
            case SubwordChunk():
                self._add_subwords(piece)
            case Attachment():
                (self._folder / piece.name).write_bytes(piece.content)
                self._attachments[piece.name] = piece.content

    def finish(self, *, file_format: str, place: str) -> None:
        """Writes the index, the final headers and, last of all, the list of files.

        Args:
            file_format: What the source was read as.
            place: How errors call the source.

        Raises:
            VectorFileError: No row is left.
        """
        num_rows = self._matrix.num_rows
        rows_read = num_rows + self._skipped
        if not num_rows:
            hint = f": all {rows_read:,} were skipped; bad_rows='error' says what is wrong with the first" * (
                rows_read > 0
            )
            raise VectorFileError(f"{place}: expected at least one row that can be used, found none{hint}.")
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(self._lengths))])
        hashes, order = sort_hashes(np.concatenate(self._hashes))
        repeated = find_repeated(hashes, order, self._word_reader(offsets))
        if len(repeated):
            offsets = self._remove_rows(repeated, offsets)
            hashes, order = sort_hashes(np.delete(np.concatenate(self._hashes), repeated))
        digest = self._digest(offsets)
        self._files.close()
        for name, array in ((OFFSETS_FILE, offsets), (HASHES_FILE, hashes), (ORDER_FILE, order)):
            np.save(self._folder / name, array, allow_pickle=False)
        meta = StoreMeta(
            file_format=file_format,
            rows_read=rows_read,
            duplicates=len(repeated),
            skipped=self._skipped,
            skipped_places=self._skipped_places,
            lowercase=self._lowercase,
            digest=digest,
            subwords=self._subwords,
        )
        (self._folder / META_FILE).write_bytes(meta.to_json())
        optional = [SUBWORDS_FILE] if self._subwords else []
        write_manifest(self._folder, (*DATA_FILES, *optional, *self._attachments))

    def _add_rows(self, chunk: Chunk) -> None:
        self._matrix.append(chunk.matrix)
        self._words.write(chunk.text)
        self._lengths.append(np.diff(chunk.offsets))
        self._hashes.append(hash_words(chunk.text, chunk.offsets))
        self._lowercase = self._lowercase and is_lowercase(chunk.text, chunk.offsets)
        self._skipped += chunk.skipped
        self._skipped_places += chunk.skipped_places[: MOST_PLACES - len(self._skipped_places)]

    def _add_subwords(self, chunk: SubwordChunk) -> None:
        if self._subword_matrix is None:
            self._subword_matrix = self._files.enter_context(
                contextlib.closing(MatrixFile(self._folder / SUBWORDS_FILE))
            )
            self._subwords = SubwordMeta(min_n=chunk.min_n, max_n=chunk.max_n)
        self._subword_matrix.append(chunk.matrix)

    def _word_reader(self, offsets: NDArray[np.int64]) -> Any:
        """Returns a function from a row to its word."""
        self._words.flush()

        def read(row: int) -> bytes:
            start, end = offsets[row : row + 2].tolist()
            self._words.seek(start)
            return self._words.read(end - start)

        return read

    def _remove_rows(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Writes words and matrix without some rows, and returns the new offsets."""
        self._words.seek(0)
        text = self._words.read()
        keeps = np.ones(len(offsets) - 1, dtype=np.bool_)
        keeps[rows] = False
        self._words.seek(0)
        self._words.write(b"".join([text[start:end] for start, end in compress(pairwise(offsets.tolist()), keeps)]))
        self._words.truncate()
        self._matrix.keep_rows(keeps)
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.diff(offsets)[keeps])])

    def _digest(self, offsets: NDArray[np.int64]) -> str:
        """Returns the identity of the content; ``offsets`` are those of the words as they stand in the file now."""
        self._words.seek(0)
        words = blake3()
        while block := self._words.read(_WORDS_BYTES):
            words.update(block)
        words_digest = words.digest(length=DIGEST_BYTES)
        identity = _identify(words_digest, offsets, self._matrix.finish(), dim=self._matrix.dim)
        if self._subwords is not None and self._subword_matrix is not None:
            identity.update(f"{self._subwords.min_n} {self._subwords.max_n}".encode())
            identity.update(self._subword_matrix.finish())
        for name, content in sorted(self._attachments.items()):
            identity.update(name.encode())
            identity.update(_digest(content))
        return identity.hexdigest(length=DIGEST_BYTES)


def digest_rows(text: bytes, offsets: NDArray[np.int64], matrix: NDArray[np.float32]) -> str:
    """Returns the identity of V rows in memory: the digest of a store that holds just these.

    Args:
        text: The words, end to end.
        offsets: Shape (V + 1,), where each starts.
        matrix: Shape (V, D), in C order.
    """
    rows = np.ascontiguousarray(matrix, dtype="<f4")
    identity = _identify(_digest(text), offsets, _digest(bytes_of(rows)), dim=matrix.shape[1])
    return identity.hexdigest(length=DIGEST_BYTES)


def _identify(words: bytes, offsets: NDArray[np.int64], matrix: bytes, *, dim: int) -> blake3:
    """Returns the digest over the digests of words and matrix, to which more may be added."""
    identity = blake3(f"{len(offsets) - 1} x {dim}".encode())
    for part in (words, bytes_of(offsets.astype("<i8")), matrix):
        identity.update(part)
    return identity


def _digest(content: bytes | memoryview) -> bytes:
    return blake3(content).digest(length=DIGEST_BYTES)


def is_lowercase(text: bytes, offsets: NDArray[np.int64]) -> bool:
    """Tells whether lower-casing changes none of the words, which stand end to end as in a chunk."""
    if text.isascii():
        return text == text.lower()
    # Words are judged with a line end between them: lower-casing a final sigma looks at what follows.
    lines = b"\n".join([text[start:end] for start, end in pairwise(offsets.tolist())]).decode("utf-8")
    return lines == lines.lower()
