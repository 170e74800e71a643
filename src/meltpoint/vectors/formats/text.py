"""Vectors as text: a word and D numbers a line, with spaces between (GloVe; with a first line ``V D``, word2vec).

Words may themselves hold spaces (``. . .``), no-break spaces, quotes or anything else that Python's ``str.split`` and
CSV readers stumble over. So lines end at byte 0x0A only, fields at byte 0x20 only, and the numbers are taken from the
right; the word is what is left.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.containers import ByteStream, open_stream
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.text_faults import HEADER, NUMBER, count_numbers, raise_first_fault, raise_no_vectors
from meltpoint.vectors.sources import FileSource, Source

_BLOCK_BYTES = 1 << 22
_LONGEST_LINE_BYTES = 1 << 24
_LINES_SAMPLED = 100


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How the lines of one file are to be split: ``dim`` numbers each, and what a header announces, if there is one."""

    dim: int
    announced_rows: int | None


class TextVectors:
    """GloVe's text format, and word2vec's (also fastText's ``.vec``)."""

    name = "text"

    def matches(self, source: Source) -> bool:
        """Takes every file."""
        return isinstance(source, FileSource)

    def read(self, source: Source) -> Iterator[Chunk]:
        """Reads the lines; each number becomes ``float32(float(text))``, to the bit.

        Raises:
            VectorFileError: A line is ragged or holds something other than finite numbers, a word is not UTF-8, the
                rows are not as many as a header announces, there are none, or these are no such lines at all.
        """
        assert isinstance(source, FileSource)
        with open_stream(source) as stream:
            blocks = _read_lines(stream, source.place)
            first = next(blocks, None)
            if first is None:
                raise VectorFileError(f"{source.place}: expected lines of a word and its numbers, found an empty file.")
            layout = _detect_layout(first, source)
            skipped = 0 if layout.announced_rows is None else 1
            num_lines = skipped
            for lines in chain([first[skipped:]], blocks):
                if lines:
                    yield _parse_lines(lines, layout.dim, first_line=num_lines + 1, source=source)
                num_lines += len(lines)
        num_rows = num_lines - skipped
        if layout.announced_rows not in {None, num_rows}:
            raise VectorFileError(
                f"{source.place}:1: expected {layout.announced_rows:,} rows as this first line announces, found "
                f"{num_rows:,}; the file is cut short or was changed by hand: get it again or correct the line."
            )


def _read_lines(stream: ByteStream, place: str) -> Iterator[list[bytes]]:
    """Yields complete lines, some megabytes at a time, each without its end: LF or CRLF, and one space before it."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        complete, newline, tail = block.rpartition(b"\n")
        if newline:
            yield _strip_ends((rest + complete).split(b"\n"))
            rest = tail
        else:
            rest += tail
        if len(rest) > _LONGEST_LINE_BYTES:
            raise VectorFileError(
                f"{place}: expected lines of text, found {len(rest):,} bytes without a line end; this is no text file "
                "of vectors."
            )
    if rest:
        yield _strip_ends([rest])


def _strip_ends(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r").removesuffix(b" ") for line in lines]


def _detect_layout(lines: list[bytes], source: FileSource) -> _Layout:
    """Finds D, and whether there is a header, from the first lines.

    One line alone misleads: ``call 911 0.1 0.2`` ends in three numbers. So D is the commonest count of numbers at the
    end of the first lines, or the one asked for if any of them has just so many; every line is then held to it.
    """
    sample = lines[:_LINES_SAMPLED]
    header = HEADER.fullmatch(sample[0])
    body = sample[1:] if header else sample
    if header and not body:
        raise VectorFileError(f"{source.place}:1: expected {int(header[1]):,} rows after this header, found none.")
    counts = [count_numbers(line) for line in body]
    dim = Counter(counts).most_common(1)[0][0]
    if source.dim is not None and source.dim in counts:
        dim = source.dim
    if dim == 0 or any(b"\0" in line for line in body):
        raise_no_vectors(sample, source.place)
    if source.dim not in {None, dim}:
        raise VectorFileError(f"{source.place}: expected {source.dim} dimensions as asked for by dim, found {dim}.")
    # Two whole numbers may also be a row of D = 1; a header it is when it announces the D of the lines below.
    announces = header is not None and int(header[2]) == dim
    return _Layout(dim=dim, announced_rows=int(header[1]) if header and announces else None)


def _parse_lines(lines: list[bytes], dim: int, *, first_line: int, source: FileSource) -> Chunk:
    """Splits and converts lines quickly; if anything at all looks wrong, the slow search names it or finds no fault."""
    words: list[bytes] = []
    fields: list[bytes] = []
    for line in lines:
        parts = line.rsplit(b" ", dim)
        words.append(parts[0])
        fields += parts[1:]
    matrix = _convert(fields) if len(fields) == len(lines) * dim else None
    if matrix is None or not _are_words(words, spaced_numbers=source.dim is not None):
        raise_first_fault(lines, dim, first_line=first_line, place=source.place, spaced_numbers=source.dim is not None)
        matrix = np.array([float(field) for field in fields], dtype=np.float32)
    return Chunk(words=words, matrix=matrix.reshape(len(lines), dim))


def _convert(fields: list[bytes]) -> NDArray[np.float32] | None:
    """Converts decimal numbers, shape (n,), or returns None if any is not one, or not finite as float32.

    Polars rounds each to the nearest float64 as Python does, in a third of the time, and takes neither underscores
    nor spaces. The way to float32 goes through float64 here as it does in every other reader.
    """
    try:
        values = pl.Series(fields, dtype=pl.Binary).cast(pl.String).cast(pl.Float64).to_numpy()
    except pl.exceptions.PolarsError:
        return None
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.isfinite(single).all() else None


def _are_words(words: list[bytes], *, spaced_numbers: bool) -> bool:
    try:
        b"\n".join(words).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return spaced_numbers or not any(b" " in word and NUMBER.fullmatch(word.rpartition(b" ")[2]) for word in words)
