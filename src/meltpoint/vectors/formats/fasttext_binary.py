"""fastText's ``.bin``: words, and the n-gram vectors from which those of unknown words are composed.

Everything is little-endian (``FastText::saveModel``, ``Args::save``, ``Dictionary::save`` and ``DenseMatrix::save`` of
https://github.com/facebookresearch/fastText)::

    int32 x 2     magic 793712314, version 11 or 12
    int32 x 12    D, window, epochs, least occurrences, negatives, word n-grams, loss, model, buckets, min_n, max_n, -
    float64       sampling threshold
    int32 x 3     entries, words, labels: words come first
    int64 x 2     tokens, pruned n-grams (-1 for none)
    entries       word NUL, int64 occurrences, int8 kind (0 word, 1 label)
    uint8         whether the matrix is quantised
    int64 x 2     rows, D
    float32       rows x D: one row for each word, then one for each bucket

What follows, the output layer, is not read. A word's own row is not yet its vector: that is the mean of this row and
the rows of its n-grams (``FastText::getWordVector``). Every word needs rows from all over the buckets, which come last,
so the matrix is mapped: from the file where it is plain, else from a copy unpacked to the cache while it is read.
"""

import re
from array import array
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.cache import cache_folder
from meltpoint.vectors.formats.base import Chunk, SubwordChunk
from meltpoint.vectors.formats.forward import ForwardReader
from meltpoint.vectors.formats.rows import make_chunk, numbered_from, require_dim, rows_per_chunk
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.source import FileSource, Source
from meltpoint.vectors.subwords import SENTENCE_END

_MAGIC = (793712314).to_bytes(4, "little")
_VERSIONS = (11, 12)
_SUPERVISED = 3
_NOT_PRUNED = -1
_LONGEST_WORD_BYTES = 1 << 16
_ENTRY = re.compile(rb"([^\0]{0,%d})\0.{8}([\0\1])" % _LONGEST_WORD_BYTES, re.DOTALL)
_ENTRY_BYTES = _LONGEST_WORD_BYTES + 10
_MOST_DIMENSIONS = 1 << 20
_LONGEST_NGRAM = 1 << 10
_COPY_BYTES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class _Model:
    """What stands before the matrix: D, the n-grams, and the words end to end."""

    dim: int
    num_buckets: int
    min_n: int
    max_n: int
    text: bytes
    offsets: NDArray[np.int64]

    @property
    def num_words(self) -> int:
        return len(self.offsets) - 1

    @property
    def has_subwords(self) -> bool:
        return self.num_buckets > 0 and self.max_n > 0


class FastTextBinary:
    """fastText's own model file, unsupervised or supervised, not quantised."""

    name = "fastText binary"

    def matches(self, source: Source) -> bool:
        """Tells whether the file begins with fastText's magic number."""
        if not isinstance(source, FileSource):
            return False
        with open_stream(source) as stream:
            return stream.read(len(_MAGIC)) == _MAGIC

    def read(self, source: Source) -> Generator[Chunk | SubwordChunk, None, None]:
        """Reads the words with their composed vectors, then the buckets.

        Raises:
            VectorFileError: The model is quantised, of another version, damaged or cut short.
        """
        assert isinstance(source, FileSource)
        with open_stream(source) as stream:
            reader = ForwardReader(stream, source.place)
            model = _read_model(reader, source)
            require_dim(source, model.dim)
            _check_matrix(reader, model, source.place)
            with _mapped_matrix(reader, model, source) as matrix:
                yield from _compose(model, matrix, source)
                if model.has_subwords:
                    yield from _read_buckets(model, matrix[model.num_words :], source.place)


def _read_model(reader: ForwardReader, source: FileSource) -> _Model:
    place = source.place
    _, version = reader.unpack("<4si", "the magic number and the version")
    if version not in _VERSIONS:
        raise VectorFileError(f"{place}: byte 4: expected fastText's version 11 or 12, found {version}.")
    arguments = reader.unpack("<12id", "the arguments of the training")
    dim, kind, num_buckets, min_n, max_n = (arguments[position] for position in (0, 7, 8, 9, 10))
    if version == 11 and kind == _SUPERVISED:
        max_n = 0  # such models knew no n-grams, whatever they say
    if not (1 <= dim <= _MOST_DIMENSIONS and num_buckets >= 0 and min_n >= 0 and 0 <= max_n <= _LONGEST_NGRAM):
        raise VectorFileError(
            f"{place}: byte 8: expected D, a number of buckets and lengths of n-grams, found D {dim}, {num_buckets} "
            f"buckets and n-grams of {min_n} to {max_n} characters; the file is damaged: get it again."
        )
    num_entries, num_words, num_labels, _, num_pruned = reader.unpack("<3i2q", "the sizes of the dictionary")
    if not (num_words > 0 and num_labels >= 0 and num_entries == num_words + num_labels):
        raise VectorFileError(
            f"{place}: byte {reader.position - 28:,}: expected words, found {num_entries} entries, of which "
            f"{num_words} words and {num_labels} labels; the file is damaged: get it again."
        )
    if num_pruned != _NOT_PRUNED:
        raise _quantised(place)
    text, offsets = _read_words(reader, num_words, num_labels, place)
    return _Model(dim=dim, num_buckets=num_buckets, min_n=min_n, max_n=max_n, text=text, offsets=offsets)


def _read_words(reader: ForwardReader, num_words: int, num_labels: int, place: str) -> tuple[bytes, NDArray[np.int64]]:
    """Reads the dictionary; its labels are no words and are passed over."""
    text, ends = bytearray(), array("q", [0])
    taken, found = 0, 0
    while found < num_words + num_labels:
        entry = _ENTRY.match(reader.buffer, taken)
        if entry is None:
            reader.drop(taken)
            taken = 0
            if len(reader.buffer) >= _ENTRY_BYTES:
                raise VectorFileError(
                    f"{place}: byte {reader.position:,}: expected entry {found + 1:,} of the dictionary, a word that "
                    "ends in NUL, its occurrences and its kind, found no such; the file is damaged: get it again."
                )
            if not reader.extend():
                raise reader.cut_short(f"entry {found + 1:,} of {num_words + num_labels:,} in the dictionary")
            continue
        if (entry[2] == b"\0") != (found < num_words):
            raise VectorFileError(
                f"{place}: byte {reader.position + taken:,}: expected {num_words:,} words and then {num_labels:,} "
                f"labels, found another order at entry {found + 1:,}; the file is damaged: get it again."
            )
        if found < num_words:
            text += entry[1]
            ends.append(len(text))
        found += 1
        taken = entry.end()
    reader.drop(taken)
    return bytes(text), np.array(ends, dtype=np.int64)


def _check_matrix(reader: ForwardReader, model: _Model, place: str) -> None:
    quantised, num_rows, dim = reader.unpack("<?2q", "the shape of the matrix")
    if quantised:
        raise _quantised(place)
    if (num_rows, dim) != (model.num_words + model.num_buckets, model.dim):
        raise VectorFileError(
            f"{place}: byte {reader.position - 16:,}: expected a matrix of {model.num_words:,} words and "
            f"{model.num_buckets:,} buckets x {model.dim} numbers, found {num_rows:,} x {dim:,}; the file is damaged: "
            "get it again."
        )


@contextmanager
def _mapped_matrix(reader: ForwardReader, model: _Model, source: FileSource) -> Iterator[NDArray[np.float32]]:
    shape = (model.num_words + model.num_buckets, model.dim)
    expected_bytes = 4 * shape[0] * shape[1]
    if _is_plain(source):
        found_bytes = source.size_bytes - reader.position
        if found_bytes < expected_bytes:
            raise VectorFileError(
                f"{source.place}: byte {reader.position:,}: expected {expected_bytes:,} bytes of numbers, found "
                f"{found_bytes:,}; the file is cut short: get it again."
            )
        yield np.asarray(np.memmap(source.path, dtype="<f4", mode="r", offset=reader.position, shape=shape))
        return
    import tempfile  # noqa: PLC0415 - 3 ms of every open that reads, for the few files that come here

    folder = Path(cache_folder())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as copy:
        for start in range(0, expected_bytes, _COPY_BYTES):
            copy.write(reader.take(min(_COPY_BYTES, expected_bytes - start), "numbers"))
        copy.flush()
        yield np.asarray(np.memmap(copy, dtype="<f4", mode="r", shape=shape))


def _is_plain(source: FileSource) -> bool:
    with source.path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _compose(model: _Model, matrix: NDArray[np.float32], source: FileSource) -> Iterator[Chunk]:
    from meltpoint.vectors.formats.fasttext_kernel import compose_words  # noqa: PLC0415 - numba, where it is needed

    step = rows_per_chunk(model.dim)
    for start in range(0, model.num_words, step):
        bounds = model.offsets[start : start + step + 1]
        text = model.text[bounds[0] : bounds[-1]]
        offsets = bounds - bounds[0]
        words = [text[begin:end] for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
        own = matrix[start : start + len(words)]
        rows = np.array(own, dtype=np.float32)
        if model.has_subwords:
            compose_words(
                np.frombuffer(text, np.uint8), offsets, matrix[model.num_words :], model.min_n, model.max_n, rows
            )
            if SENTENCE_END in words:
                row = words.index(SENTENCE_END)
                rows[row] = own[row]
        yield make_chunk(words, rows, source, numbered_from(start))


def _read_buckets(model: _Model, buckets: NDArray[np.float32], place: str) -> Iterator[SubwordChunk]:
    step = rows_per_chunk(model.dim)
    for start in range(0, model.num_buckets, step):
        rows = np.array(buckets[start : start + step], dtype=np.float32)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise VectorFileError(
                f"{place}: expected finite numbers, found nan or infinity in the row of bucket "
                f"{start + int(np.argmin(finite)):,}; the model is damaged, or its training diverged."
            )
        yield SubwordChunk(matrix=rows, min_n=model.min_n, max_n=model.max_n, num_buckets=model.num_buckets)


def _quantised(place: str) -> VectorFileError:
    return VectorFileError(
        f"{place}: expected a fastText model with its float32 vectors, found a quantised one (.ftz), which keeps only "
        "approximations of them. Open the .bin it was made of, or write the vectors of the words you need as text: "
        "fasttext print-word-vectors MODEL < WORDS > vectors.vec"
    )
