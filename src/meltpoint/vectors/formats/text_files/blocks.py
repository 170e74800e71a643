"""Reads a text file in blocks of complete lines."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources.containers import ByteStream

PADDING_BYTES = 64
"""How many bytes of memory follow a block at least, for readers that look at several bytes at once."""

_BLOCK_BYTES = 1 << 22
_FIRST_BLOCK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 1 << 24
_ROOM_BYTES = 1 << 14  # for the part of a line that lies in the block before or after
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

    def load(self) -> "Block":
        """Returns itself: it has been read."""
        return self

    @classmethod
    def of(cls, texts: Iterable[bytes | memoryview]) -> "Block":
        """Returns the block of texts of complete lines."""
        buffer = bytearray().join([*texts, bytes(PADDING_BYTES)])
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


@dataclass(frozen=True, kw_only=True, eq=False)
class UnreadBlock:
    """The lines that start in one part of a plain file, read by the thread that asks for them.

    Attributes:
        stream: The file.
        start: Where the part starts.
        end: Where it ends, at the file's end at the latest.
        place: How errors call the file.
        spare: Buffers that are needed no more.
    """

    stream: ByteStream
    start: int
    end: int
    place: str
    spare: deque[bytearray]

    def load(self) -> Block:
        """Reads the lines; there may be none.

        Raises:
            VectorFileError: The file cannot be read, or a line goes on for too long to be one of text.
        """
        # From one byte before, since a line starts after an LF, and to the end of the line that starts last.
        position = max(self.start - 1, 0)
        size = self.end - position
        room = _ROOM_BYTES
        while True:
            buffer = _take_buffer(self.spare, size + room + 1)
            with memoryview(buffer) as view, view[: size + room] as vacant:
                filled = self.stream.read_at(position, vacant)
            last_end = buffer.find(_LF, size - 1, filled)
            unended = 0 if last_end >= 0 else filled - (buffer.rfind(_LF, 0, filled) + 1)
            if unended > _LONGEST_LINE_BYTES:
                raise _no_text(self.place, unended)
            if last_end >= 0 or filled < size + room:
                break
            room *= 4
        if last_end < 0:  # the last line of the file, without its LF
            buffer[filled : filled + 1] = _LF
            last_end = filled
        first = 0 if self.start == 0 else buffer.find(_LF, 0, size - 1) + 1
        if first == 0 < self.start:
            return Block(buffer=buffer, start=0, end=0, spare=self.spare)  # all of the part is within one line
        return Block(buffer=buffer, start=first, end=last_end + 1, spare=self.spare)


def plan_blocks(
    stream: ByteStream, size_bytes: int, place: str, *, num_at_once: int = 1
) -> Iterator[Block | UnreadBlock]:
    """Yields the lines of a stream, some megabytes at a time: parts yet to be read of a plain file, else read in turn.

    Args:
        stream: What to read, from its beginning.
        size_bytes: The size of the file.
        place: How errors call it.
        num_at_once: How many blocks of a plain file are one.

    Raises:
        VectorFileError: As for :func:`read_blocks`.
    """
    if not stream.is_plain:
        return read_blocks(stream, place)
    spare: deque[bytearray] = deque()
    # Nothing else can be done before the first lines have been looked at: there are few of them in the first block.
    first_end = min(_FIRST_BLOCK_BYTES, _BLOCK_BYTES)
    starts = [0, *range(first_end, size_bytes, num_at_once * _BLOCK_BYTES)] if size_bytes else []
    return (
        UnreadBlock(stream=stream, start=start, end=end, place=place, spare=spare)
        for start, end in pairwise([*starts, size_bytes])
    )


def _take_buffer(spare: deque[bytearray], num_bytes: int) -> bytearray:
    """Returns a buffer of so many bytes and the padding, one that was in use if there is any."""
    try:
        buffer = spare.popleft()
    except IndexError:
        buffer = bytearray()
    return buffer if len(buffer) >= num_bytes + PADDING_BYTES else bytearray(num_bytes + PADDING_BYTES)


def _no_text(place: str, num_bytes: int) -> VectorFileError:
    return VectorFileError(
        f"{place}: expected lines of text, found {num_bytes:,} bytes without a line end; this is no text file of "
        "vectors."
    )


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
        buffer = _take_buffer(spare, _BLOCK_BYTES + 1 + max(len(rest), _ROOM_BYTES))
        buffer[: len(rest)] = rest
        with memoryview(buffer) as view, view[len(rest) : len(rest) + _BLOCK_BYTES] as vacant:
            num_read = stream.read_into(vacant)
        at_end = num_read < _BLOCK_BYTES
        filled = len(rest) + num_read
        end = buffer.rfind(_LF, 0, filled) + 1
        if filled - end > _LONGEST_LINE_BYTES:
            raise _no_text(place, filled - end)
        if at_end and end < filled:
            buffer[filled : filled + 1] = _LF
            filled = end = filled + 1
        rest = bytes(memoryview(buffer)[end:filled])
        if end:
            yield Block(buffer=buffer, start=0, end=end, spare=spare)
        else:
            spare.append(buffer)
