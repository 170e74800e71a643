"""Reads a text file in blocks of complete lines."""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.containers import ByteStream

PADDING_BYTES = 64
"""How many bytes of memory follow a block at least, for readers that look at several bytes at once."""

_BLOCK_BYTES = 1 << 21
_LONGEST_LINE_BYTES = 1 << 24
_ROOM_BYTES = 1 << 16  # for the beginning of a line that the block before has left
_LF = b"\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Complete lines of a file, each with its line end.

    Attributes:
        buffer: The bytes, and at least :data:`PADDING_BYTES` more.
        start: Where in ``buffer`` the first line starts.
        end: Where the last line ends.
        spare: Where the buffer goes when it is needed no more.
    """

    buffer: bytearray
    start: int
    end: int
    spare: deque[bytearray]

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> "Block":
        """Returns the block of lines that are given without their LFs."""
        buffer = bytearray(_LF).join([*lines, bytes(PADDING_BYTES)])
        return cls(buffer=buffer, start=0, end=len(buffer) - PADDING_BYTES, spare=deque())

    def recycle(self) -> None:
        """Gives the buffer back for a later block: new memory costs more than reading into memory in use."""
        self.spare.append(self.buffer)

    def data(self) -> NDArray[np.uint8]:
        """Returns the bytes from the first line's start on, padding included, not copied."""
        return np.frombuffer(self.buffer, dtype=np.uint8)[self.start :]

    def lines(self) -> list[bytes]:
        """Returns the lines, each without its end: LF or CR LF, and one space before it."""
        lines = bytes(memoryview(self.buffer)[self.start : self.end]).split(_LF)
        return [strip_end(line) for line in lines[:-1]]

    def first_lines(self, most: int) -> list[bytes]:
        """Returns at most so many of the first lines, each without its end."""
        lines: list[bytes] = []
        position = self.start
        while position < self.end and len(lines) < most:
            end = self.buffer.index(_LF, position)
            lines.append(strip_end(bytes(self.buffer[position:end])))
            position = end + 1
        return lines

    def without_first_line(self) -> "Block":
        """Returns the block of the other lines."""
        start = self.buffer.index(_LF, self.start) + 1
        return Block(buffer=self.buffer, start=start, end=self.end, spare=self.spare)


def strip_end(line: bytes) -> bytes:
    """Removes what may stand between a line's last number and its LF: a space, a CR, or both."""
    return line.removesuffix(b"\r").removesuffix(b" ")


def read_blocks(stream: ByteStream, place: str) -> Generator[Block, None, None]:
    """Yields the lines of a stream, some megabytes at a time; the last one may lack its LF.

    Args:
        stream: What to read.
        place: How errors call it.

    Raises:
        VectorFileError: The stream is damaged, or a line goes on for too long to be one of text.
    """
    spare: deque[bytearray] = deque()
    rest = b""
    at_end = False
    while not at_end:
        num_bytes = len(rest) + _BLOCK_BYTES + PADDING_BYTES + 1
        buffer = spare.popleft() if spare else bytearray()
        if len(buffer) < num_bytes:
            buffer = bytearray(num_bytes + _ROOM_BYTES)
        buffer[: len(rest)] = rest
        with memoryview(buffer) as view, view[len(rest) : len(rest) + _BLOCK_BYTES] as vacant:
            num_read = stream.read_into(vacant)
        at_end = num_read < _BLOCK_BYTES
        filled = len(rest) + num_read
        end = buffer.rfind(_LF, 0, filled) + 1
        if filled - end > _LONGEST_LINE_BYTES:
            raise VectorFileError(
                f"{place}: expected lines of text, found {filled - end:,} bytes without a line end; this is no text "
                "file of vectors."
            )
        if at_end and end < filled:
            buffer[filled : filled + 1] = _LF
            filled = end = filled + 1
        rest = bytes(memoryview(buffer)[end:filled])
        if end:
            yield Block(buffer=buffer, start=0, end=end, spare=spare)
        else:
            spare.append(buffer)
