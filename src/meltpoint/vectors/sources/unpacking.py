"""Streams out of bzip2, xz and Zstandard files, of one or more streams end to end, in bounded memory.

The standard library's own file objects set no bound to an xz file's dictionary, and the reader of ``zstandard`` takes
a file that was cut short for a whole one.
"""

import bz2
import io
import lzma
from collections.abc import Callable
from typing import IO, Any, Protocol

from meltpoint.errors import VectorFileError

_PACKED_BYTES = 1 << 16
# Four bytes of Zstandard may stand for 128 KiB, and its decompressor gives out all that it is given: little at a time.
_PACKED_BYTES_OF_ZSTANDARD = 1 << 12
_MOST_XZ_MEMORY_BYTES = 1 << 28  # xz -9 takes a quarter of it
_PADDING = b"\0"


class _Decompressor(Protocol):
    """What the decompressors of bz2 and lzma have in common: one stream, taken in pieces."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, packed: bytes, max_length: int) -> bytes: ...


def unpack_bzip2(file: IO[bytes]) -> "UnpackingStream":
    """Returns the unpacked content of a bzip2 file."""
    return UnpackingStream(file, bz2.BZ2Decompressor)


def unpack_xz(file: IO[bytes]) -> "UnpackingStream":
    """Returns the unpacked content of an xz file."""
    return UnpackingStream(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_XZ_MEMORY_BYTES))


def unpack_zstandard(file: IO[bytes]) -> "UnpackingStream":
    """Returns the unpacked content of a Zstandard file.

    Raises:
        VectorFileError: The package ``zstandard`` is not installed.
    """
    try:
        import zstandard  # noqa: PLC0415 - needed for such files only
    except ModuleNotFoundError as error:
        raise VectorFileError(
            f"{file.name}: expected the package zstandard for a file packed by Zstandard, found it not installed; run: "
            "pip install zstandard, or unpack the file with zstd -d."
        ) from error

    class ZstandardDecompressor:
        """One frame; ``max_length`` is beyond it, so it is to be fed little at a time."""

        needs_input = True

        def __init__(self) -> None:
            self._frame: Any = zstandard.ZstdDecompressor().decompressobj()

        @property
        def eof(self) -> bool:
            return bool(self._frame.eof)

        @property
        def unused_data(self) -> bytes:
            return bytes(self._frame.unused_data)

        def decompress(self, packed: bytes, max_length: int) -> bytes:  # noqa: ARG002 - what the others have
            try:
                return bytes(self._frame.decompress(packed))
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error

    return UnpackingStream(file, ZstandardDecompressor, packed_bytes=_PACKED_BYTES_OF_ZSTANDARD)


class UnpackingStream(io.RawIOBase):
    """The content of packed streams that stand end to end in a file, zeros between them allowed as padding."""

    def __init__(
        self, file: IO[bytes], make_decompressor: Callable[[], _Decompressor], *, packed_bytes: int = _PACKED_BYTES
    ) -> None:
        """Reads ``file``, ``packed_bytes`` at a time, with a new decompressor for each stream."""
        super().__init__()
        self._file = file
        self._make_decompressor = make_decompressor
        self._packed_bytes = packed_bytes
        self._decompressor = make_decompressor()
        self._unpacked = memoryview(b"")

    def readable(self) -> bool:
        """Returns True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fills some of the buffer, and returns how much; 0 at the end.

        Raises:
            EOFError: The file ends within a stream.
            OSError: A stream is damaged.
            lzma.LZMAError: A stream of xz is damaged or asks for too much memory.
        """
        while not self._unpacked:
            packed = self._next_packed()
            if packed is None:
                return 0
            self._unpacked = memoryview(self._decompressor.decompress(packed, len(buffer)))
        count = min(len(self._unpacked), len(buffer))
        buffer[:count] = self._unpacked[:count]
        self._unpacked = self._unpacked[count:]
        return count

    def _next_packed(self) -> bytes | None:
        """Returns what the decompressor is to be given next, a new one if need be; None at the end."""
        if not self._decompressor.eof:
            if not self._decompressor.needs_input:
                return b""
            if packed := self._file.read(self._packed_bytes):
                return packed
            raise EOFError("the file ends before the packed stream does")
        following = self._decompressor.unused_data
        while not (following := following.lstrip(_PADDING)):
            if not (following := self._file.read(self._packed_bytes)):
                return None
        self._decompressor = self._make_decompressor()
        return following
