"""Streams of bytes out of plain and packed files and out of zips, never unpacked to disk or taken whole into memory.

Whatever the container does wrong becomes a :class:`VectorFileError` here, so that an ``OSError`` seen further on can
only come from writing.
"""

import gzip
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources.magics import ZIP_MAGICS
from meltpoint.vectors.sources.members import DAMAGE, damaged
from meltpoint.vectors.sources.source import FileSource
from meltpoint.vectors.sources.unpacking import unpack_bzip2, unpack_xz, unpack_zstandard

_ENCRYPTED_FLAG = 0x1
_MAGIC_BYTES = 16
_UNPACKERS = (
    (re.compile(rb"\x1f\x8b"), lambda file: gzip.GzipFile(fileobj=file)),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), unpack_bzip2),
    (re.compile(rb"\xfd7zXZ\x00"), unpack_xz),
    # Frames may also be marked as to be skipped; a file may begin with one.
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), unpack_zstandard),
)
_PACKED_SUFFIXES = {".gz", ".bz2", ".xz", ".zst", ".zip"}

# Text of numbers packs to a third. What swells two hundredfold beyond 128 MiB is no vectors but an attack on the disk
# and on patience (short lines are many), or numbers so alike that whoever has them can well unpack them first.
_LARGEST_RATIO = 200
_HARMLESS_BYTES = 1 << 27


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def fileno(self) -> int: ...


class ByteStream:
    """Reads the (unpacked) bytes of a source from beginning to end."""

    def __init__(self, file: _Readable, source: FileSource, *, packed_bytes: int | None = None) -> None:
        """Reads ``file``, which unpacks ``packed_bytes`` bytes of the source, or is the plain file if None."""
        self._file = file
        self._source = source
        self._packed_bytes = packed_bytes
        self._num_bytes = 0

    @property
    def is_plain(self) -> bool:
        """Whether it is a plain file of which :meth:`read_at` reads any part, by several threads at once."""
        return self._packed_bytes is None and hasattr(os, "preadv")

    def fileno(self) -> int:
        """Returns the descriptor of a plain file."""
        return self._file.fileno()

    def read_at(self, position: int, buffer: memoryview) -> int:
        """Fills a buffer from a position of a plain file on; returns how many bytes these are, fewer only at its end.

        Raises:
            VectorFileError: The file cannot be read.
        """
        filled = 0
        descriptor = self._file.fileno()
        try:
            while filled < len(buffer) and (count := os.preadv(descriptor, [buffer[filled:]], position + filled)):
                filled += count
        except OSError as error:
            raise damaged(self._source.place, error) from error
        return filled

    def read(self, size_bytes: int) -> bytes:
        """Returns the next ``size_bytes`` bytes; fewer only at the end, none after it.

        Raises:
            VectorFileError: The container is truncated or damaged, or unpacks to far more than it holds.
        """
        content = bytearray(size_bytes)
        return bytes(content[: self.read_into(memoryview(content))])

    def read_into(self, buffer: memoryview) -> int:
        """Fills a buffer with the next bytes and returns how many they are; fewer than fit only at the end.

        Raises:
            VectorFileError: As for :meth:`read`.
        """
        filled = 0
        try:
            while filled < len(buffer) and (count := self._file.readinto(buffer[filled:])):
                filled += count
        except DAMAGE as error:
            raise damaged(self._source.place, error) from error
        self._num_bytes += filled
        self._refuse_bomb()
        return filled

    def _refuse_bomb(self) -> None:
        if self._packed_bytes is None or self._num_bytes <= _HARMLESS_BYTES:
            return
        if self._num_bytes > _LARGEST_RATIO * self._packed_bytes:
            raise VectorFileError(
                f"{self._source.place}: expected to unpack to less than {_LARGEST_RATIO} times its "
                f"{self._packed_bytes:,} bytes, as vectors do, found more than {self._num_bytes:,} bytes; if you trust "
                "the file, unpack it by hand and open what comes out."
            )


@contextmanager
def open_stream(source: FileSource) -> Iterator[ByteStream]:
    """Opens a source for reading; the container is known by its first bytes, since names lie.

    Raises:
        VectorFileError: The container is damaged, encrypted or not what its name says, or the file has changed since
            it was found.
    """
    with ExitStack() as stack:
        try:
            stream = _open_container(source, stack)
        except VectorFileError:
            raise
        except DAMAGE as error:
            raise damaged(source.place, error) from error
        yield stream
    if _has_changed(source):
        raise VectorFileError(f"{source.place}: the file changed while it was being read; open it again.")


def _open_container(source: FileSource, stack: ExitStack) -> ByteStream:
    if source.member is not None:
        return _open_member(source, source.member, stack)
    # Unbuffered: every reader takes large blocks.
    file = stack.enter_context(source.path.open("rb", buffering=0))
    start = file.read(_MAGIC_BYTES)
    file.seek(0)
    for magic, unpack in _UNPACKERS:
        if magic.match(start):
            unpacked: Any = stack.enter_context(unpack(stack.enter_context(source.path.open("rb"))))
            return ByteStream(unpacked, source, packed_bytes=source.size_bytes)
    suffix = source.path.suffix.lower()
    if suffix in _PACKED_SUFFIXES and not start.startswith(ZIP_MAGICS):
        raise VectorFileError(
            f"{source.place}: expected a {suffix} file as its name says, found other bytes at its start "
            f"({start[:4]!r}); download it again, or rename it if it is plain text."
        )
    return ByteStream(file, source)


def _open_member(source: FileSource, member: str, stack: ExitStack) -> ByteStream:
    archive = stack.enter_context(zipfile.ZipFile(source.path))
    info = archive.getinfo(member)
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise VectorFileError(f"{source.place}: the zip is encrypted; unpack it with its password first.")
    # The archive's directory may promise anything, but no more is ever taken from the file than it holds.
    packed_bytes = min(info.compress_size, source.size_bytes)
    file: Any = stack.enter_context(archive.open(info))
    return ByteStream(file, source, packed_bytes=packed_bytes)


def _has_changed(source: FileSource) -> bool:
    try:
        status = source.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (source.size_bytes, source.modified_ns)
