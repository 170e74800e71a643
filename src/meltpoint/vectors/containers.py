"""Streams of bytes out of plain, gzip and zip files, never unpacked to disk or taken whole into memory.

Whatever the container does wrong becomes a :class:`VectorFileError` here, so that an ``OSError`` seen further on can
only come from writing.
"""

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from meltpoint.errors import VectorFileError
from meltpoint.vectors.members import DAMAGE, damaged
from meltpoint.vectors.sources import ZIP_MAGICS, FileSource

GZIP_MAGIC = b"\x1f\x8b"
_ENCRYPTED_FLAG = 0x1


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
        except DAMAGE as error:
            raise damaged(self._source.place, error) from error


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
        except DAMAGE as error:
            raise damaged(source.place, error) from error
        yield ByteStream(file, source)
    if _has_changed(source):
        raise VectorFileError(f"{source.place}: the file changed while it was being read; open it again.")


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
