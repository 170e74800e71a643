"""Streams of bytes out of plain, gzip and zip files, never unpacked to disk or taken whole into memory.

Whatever the container does wrong becomes a :class:`VectorFileError` here, so that an ``OSError`` seen further on can
only come from writing.
"""

import fnmatch
import gzip
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources import ZIP_MAGICS, FileSource

GZIP_MAGIC = b"\x1f\x8b"
_TEXT_SUFFIXES = (".txt", ".vec")
_ENCRYPTED_FLAG = 0x1
_MOST_LISTED = 12
# What the decompressors of the standard library raise on damaged or hostile bytes.
_DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ByteStream:
    """Reads the (unpacked) bytes of a source from beginning to end."""

    def __init__(self, file: _Readable, source: FileSource) -> None:
        self._file = file
        self._source = source

    def read(self, size_bytes: int) -> bytes:
        """Returns the next ``size_bytes`` bytes; fewer only at the end, none after it.

        Raises:
            VectorFileError: The container is truncated or damaged.
        """
        try:
            return self._file.read(size_bytes)
        except _DAMAGE as error:
            raise _damaged(self._source.place, error) from error


@contextmanager
def open_stream(source: FileSource) -> Iterator[ByteStream]:
    """Opens a source for reading; the container is known by its first bytes, since names lie.

    Raises:
        VectorFileError: The container is damaged, encrypted or not what its name says, or the file has changed since
            it was found.
    """
    with ExitStack() as stack:
        try:
            file = _open_container(source, stack)
        except VectorFileError:
            raise
        except _DAMAGE as error:
            raise _damaged(source.place, error) from error
        yield ByteStream(file, source)
    if _has_changed(source):
        raise VectorFileError(f"{source.place}: the file changed while it was being read; open it again.")


def choose_member(path: Path, given: str, member: str | None, dim: int | None) -> str:
    """Chooses the member of a zip that holds the vectors.

    Args:
        path: The zip.
        given: How the caller called it.
        member: An exact name, or a pattern such as ``*300d*``.
        dim: The number of dimensions, matched with names such as ``glove.6B.300d.txt``; used where ``member`` is None.

    Returns:
        The member's name.

    Raises:
        VectorFileError: None or several fit, or the zip is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # A damaged zip may hold a member without a name; a folder's name ends in a slash.
            names = [name for name in archive.namelist() if name and not name.endswith("/")]
    except _DAMAGE as error:
        raise _damaged(given, error) from error
    if member is not None:
        fitting = [name for name in names if name == member] or [
            name for name in names if fnmatch.fnmatchcase(name, member) or fnmatch.fnmatchcase(_base(name), member)
        ]
    else:
        fitting = [name for name in names if _is_text_member(name)]
        if dim is not None and len(fitting) > 1:
            fitting = [name for name in fitting if re.search(rf"(?<!\d){dim}d(?![0-9A-Za-z])", name)]
    if len(set(fitting)) == 1:
        return fitting[0]
    wanted = f"matches member={member!r}" if member is not None else "is a .txt or .vec file"
    if member is None and dim is not None:
        wanted += f" with {dim}d in its name"
    raise VectorFileError(
        f"{given}: expected exactly one member that {wanted}, found {len(set(fitting)) or 'none'}. The zip holds "
        f"{_listed(names)}. Choose one with member=NAME, with a pattern such as member='*300d*', or with dim=300."
    )


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _is_text_member(name: str) -> bool:
    # Zips made on macOS carry a shadow of every file, of the same suffix.
    return name.lower().endswith(_TEXT_SUFFIXES) and not name.startswith("__MACOSX/")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_LISTED]) or "no files"
    return f"{shown} and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else shown


def _open_container(source: FileSource, stack: ExitStack) -> _Readable:
    if source.member is not None:
        archive = stack.enter_context(zipfile.ZipFile(source.path))
        if archive.getinfo(source.member).flag_bits & _ENCRYPTED_FLAG:
            raise VectorFileError(f"{source.place}: the zip is encrypted; unpack it with its password first.")
        return stack.enter_context(archive.open(source.member))
    file = stack.enter_context(source.path.open("rb"))
    magic = file.read(len(ZIP_MAGICS[0]))
    file.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return stack.enter_context(gzip.open(file, "rb"))
    suffix = source.path.suffix.lower()
    if suffix in {".gz", ".zip"}:
        raise VectorFileError(
            f"{source.place}: expected a {suffix} file as its name says, found other bytes at its start ({magic!r}); "
            "download it again, or rename it if it is plain text."
        )
    return file


def _has_changed(source: FileSource) -> bool:
    try:
        status = source.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (source.size_bytes, source.modified_ns)


def _damaged(place: str, error: Exception) -> VectorFileError:
    reason = str(error) or type(error).__name__
    return VectorFileError(f"{place}: the file is damaged or cut short ({reason}); download or pack it again.")
