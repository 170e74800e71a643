"""Reads binary fields one after the other out of a stream, and says where it ended too early."""

import struct
from typing import Any

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources.containers import ByteStream

_BLOCK_BYTES = 1 << 22


class ForwardReader:
    """A stream read from beginning to end, with what was read ahead kept in ``buffer``.

    No more is kept than was asked for and one block: what a file promises is believed when it has arrived.

    Attributes:
        buffer: What was read and not yet taken.
        position: How many bytes were taken so far.
    """

    def __init__(self, stream: ByteStream, place: str) -> None:
        self._stream = stream
        self._place = place
        self._ended = False
        self.buffer = b""
        self.position = 0

    def fill(self, size_bytes: int) -> bool:
        """Reads on until the buffer holds so many bytes, and tells whether it does."""
        if len(self.buffer) >= size_bytes:
            return True
        pieces, missing = [self.buffer], size_bytes - len(self.buffer)
        while missing > 0 and not self._ended:
            block = self._stream.read(_BLOCK_BYTES)
            self._ended = not block
            pieces.append(block)
            missing -= len(block)
        self.buffer = b"".join(pieces)
        return missing <= 0

    def extend(self) -> bool:
        """Reads one block more, and tells whether there was any."""
        return self.fill(len(self.buffer) + 1)

    def take(self, size_bytes: int, what: str) -> bytes:
        """Returns the next so many bytes.

        Raises:
            VectorFileError: The file ends before.
        """
        if not self.fill(size_bytes):
            raise self.cut_short(f"{what} of {size_bytes:,} bytes")
        taken, self.buffer = self.buffer[:size_bytes], self.buffer[size_bytes:]
        self.position += size_bytes
        return taken

    def unpack(self, layout: str, what: str) -> tuple[Any, ...]:
        """Returns the next fields, by a format of :mod:`struct`.

        Raises:
            VectorFileError: The file ends before.
        """
        return struct.unpack(layout, self.take(struct.calcsize(layout), what))

    def drop(self, size_bytes: int) -> None:
        """Forgets bytes of the buffer that were looked at in place."""
        self.buffer = self.buffer[size_bytes:]
        self.position += size_bytes

    def cut_short(self, what: str) -> VectorFileError:
        """Returns the error for a file that ends where something should still come."""
        return VectorFileError(
            f"{self._place}: byte {self.position:,}: expected {what}, found the end of the file after "
            f"{len(self.buffer):,} bytes; the file is cut short or damaged: get it again."
        )
