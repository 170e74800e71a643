"""Saves vectors to a file: chooses the format, checks the words, writes beside the place and renames."""

import errno
import gzip
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from meltpoint.errors import DiskError, InputError
from meltpoint.vectors.writing.base import Table, VectorWriter, WritePart
from meltpoint.vectors.writing.npy import NpyAndWords
from meltpoint.vectors.writing.safetensors import SafetensorsFile
from meltpoint.vectors.writing.text import GloveText, Word2vecText
from meltpoint.vectors.writing.word2vec_binary import Word2vecBinary

WRITERS: tuple[VectorWriter, ...] = (
    GloveText(),
    Word2vecText(),
    Word2vecBinary(),
    SafetensorsFile(),
    NpyAndWords(),
)
"""The formats that can be written, in the order in which they are listed."""

_GZIP_SUFFIX = ".gz"
_GZIP_LEVEL = 6


class HasWordsAndMatrix(Protocol):
    """Anything that holds words and their vectors, such as :class:`meltpoint.vectors.Vectors`."""

    @property
    def words(self) -> Iterable[str]:
        """V words in row order."""
        ...

    @property
    def matrix(self) -> ArrayLike:
        """Shape (V, D)."""
        ...


def save_vectors(
    source: HasWordsAndMatrix | tuple[Iterable[str], ArrayLike],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the word that people use for it
) -> tuple[Path, ...]:
    """Writes words and their vectors to a file that :func:`meltpoint.open_vectors` reads back to the same bits.

    A file that is there is replaced once the new one is whole. Whatever the number of rows, some megabytes of them
    are in memory at a time.

    | format            | suffix                      | words it cannot hold                                |
    |-------------------|-----------------------------|-----------------------------------------------------|
    | `glove`           | `.txt`, `.txt.gz`           | with a line end or NUL; ending in a space, a number |
    | `word2vec`        | `.vec`, `.vec.gz`           | the same (and gensim reads none with a space)       |
    | `word2vec-binary` | `.bin`, `.bin.gz`           | with a space, a line end or NUL                     |
    | `safetensors`     | `.safetensors`              | none                                                |
    | `npy`             | `.npy` (and `.words.txt`)   | with a line end; ending in a carriage return        |

    Args:
        source: Vectors, anything else with ``.words`` and ``.matrix``, or a pair of V words and a matrix of shape
            (V, D). Numbers are rounded to float32 where they are not.
        path: Where to write.
        format: One of the names above; by default the one that has the suffix of ``path``.

    Returns:
        The files written.

    Raises:
        InputError: There is no such format, the suffix belongs to another one, words and matrix do not fit together,
            a word occurs twice or cannot be held, a number is not finite.
        DiskError: The file cannot be written; what stood there before still stands.
    """
    given = os.fspath(path)
    writer = _writer_for(given, format)
    table = _table_of(source)
    _check_words(table.words, writer)
    _check_no_word_twice(table.words)
    target = _resolve(given)
    parts = writer.parts(target)
    try:
        _write_parts(parts, table, target.parent)
    except OSError as error:
        raise DiskError(_disk_text(given, target.parent, error)) from error
    return tuple(parts)


def _writer_for(given: str, name: str | None) -> VectorWriter:
    lower = given.lower()
    is_gzipped = lower.endswith(_GZIP_SUFFIX)
    suffix = Path(lower.removesuffix(_GZIP_SUFFIX)).suffix
    known = {writer.name: writer for writer in WRITERS}
    if name is not None and name not in known:
        raise InputError(f"expected a format that can be written ({', '.join(known)}), found {name!r}.")
    candidates = [known[name]] if name is not None else list(known.values())
    fitting = [
        writer for writer in candidates if suffix in writer.suffixes and (writer.may_be_gzipped or not is_gzipped)
    ]
    if fitting:
        # ".vec" is word2vec's before it is GloVe's: the writer that names the suffix first is meant.
        return min(fitting, key=lambda writer: writer.suffixes.index(suffix))
    endings = " or ".join(
        f"{', '.join(writer.suffixes)}{' (or these with .gz)' if writer.may_be_gzipped else ''} for {writer.name}"
        for writer in candidates
    )
    raise InputError(f"{given}: expected a name that ends in {endings}; readers go by that ending. Rename it.")


def _resolve(given: str) -> Path:
    """Returns the file that is meant: a link to a file goes on being one."""
    try:
        target = Path(os.path.realpath(Path(given).expanduser()))
    except (ValueError, RuntimeError) as error:  # a NUL in the name; no home for ~
        raise InputError(f"{given!r}: expected the name of a file to write: {error}.") from error
    if target.is_dir():
        raise InputError(f"{given}: expected the name of a file to write, found a folder of that name.")
    return target


def _table_of(source: HasWordsAndMatrix | tuple[Iterable[str], ArrayLike]) -> Table:
    """Returns words and matrix, which fit together; a mapped matrix stays mapped."""
    try:
        given_words, given_matrix = source if isinstance(source, tuple) else (source.words, source.matrix)
    except (AttributeError, ValueError):
        raise InputError(
            "expected vectors with .words and .matrix, or a pair (words, matrix), found "
            f"{type(source).__name__}; with gensim's: save_vectors((kv.index_to_key, kv.vectors), path)."
        ) from None
    if isinstance(given_words, str | bytes):
        raise InputError(f"expected several words, found the single string {given_words!r}.")
    words = given_words if isinstance(given_words, Sequence) else list(given_words)
    try:
        matrix: NDArray[Any] = np.asarray(given_matrix)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; a tensor on a device or with a gradient
        raise InputError(f"expected a matrix of numbers, found {type(given_matrix).__name__}: {error}") from error
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not matrix.size:
        raise InputError(
            f"expected a matrix of real numbers with a row for each word, found shape {matrix.shape} of {matrix.dtype}."
        )
    if len(words) != len(matrix):
        raise InputError(f"expected a row for each word, found {len(words):,} words and {len(matrix):,} rows.")
    return Table(words=words, matrix=matrix)


def _check_words(words: Sequence[str], writer: VectorWriter) -> None:
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise InputError(f"expected words as strings, found {word!r} in row {row:,} (counted from 0).")
        fault = writer.fault_of(word) or (None if word.isascii() else _encoding_fault(word))
        if fault:
            raise InputError(
                f"the format {writer.name} cannot hold the word {word!r} in row {row:,} (counted from 0): {fault}. "
                "Write .safetensors, which holds every word, or leave this one out."
            )


def _encoding_fault(word: str) -> str | None:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return "it holds half a surrogate pair, which has no UTF-8"
    return None


def _check_no_word_twice(words: Sequence[str]) -> None:
    """Raises for a repeated word, which readers would drop; eight bytes a word, where a set takes a hundred."""
    hashes = np.fromiter(map(hash, words), dtype=np.int64, count=len(words))
    order = np.argsort(hashes, kind="stable")
    is_repeat = hashes[order[1:]] == hashes[order[:-1]]
    if not is_repeat.any():
        return
    first_rows: dict[str, int] = {}
    suspects = np.union1d(order[1:][is_repeat], order[:-1][is_repeat])
    for row in suspects.tolist():
        first = first_rows.setdefault(words[row], row)
        if first != row:
            raise InputError(
                f"expected every word once, found {words[row]!r} in row {first:,} and in row {row:,} (counted from "
                "0); of two such rows readers keep the first: leave one out."
            )


def _write_parts(parts: Mapping[Path, WritePart], table: Table, folder: Path) -> None:
    """Writes all parts into a folder beside their places, then puts each in its place.

    Of several parts, the last one is taken away first and comes back last, so that no reader and no crash ever finds
    an old part with a new one.
    """
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder, ignore_cleanup_errors=True) as scratch:
        unfinished = {path: Path(scratch) / path.name for path in parts}
        for path, write in parts.items():
            with ExitStack() as stack:
                write(table, _open_part(unfinished[path], stack))
        *others, last = parts
        if others:
            last.unlink(missing_ok=True)
        for path in parts:
            unfinished[path].replace(path)


def _open_part(path: Path, stack: ExitStack) -> IO[bytes]:
    file = stack.enter_context(path.open("xb"))
    if path.suffix.lower() != _GZIP_SUFFIX:
        return file
    # Neither name nor time goes into the file: the same vectors give the same bytes.
    packed = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0)
    return cast("IO[bytes]", stack.enter_context(packed))


def _disk_text(given: str, folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT and not folder.is_dir():
        remedy = f"There is no folder {folder}: make it first"
    elif error.errno == errno.ENOSPC:
        remedy = f"Free some space in {folder}"
    else:
        remedy = f"Make {folder} a folder that you may write to"
    return (
        f"{given}: the vectors cannot be written: {error.strerror or error}. {remedy}, or give another place; nothing "
        "half-written was left behind, and a file that stood there still stands."
    )
