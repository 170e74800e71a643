r"""word2vec's binary format, as in ``GoogleNews-vectors-negative300.bin``.

    V SP D LF                     ASCII
    word SP D x float32           V times; little-endian; with or without a LF behind

The original program (https://code.google.com/archive/p/word2vec, ``word2vec.c``) ends each row with a line end, gensim
does not. What reads one reads the other by dropping line ends before a word.
"""

import codecs
import re
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.forward import ForwardReader
from meltpoint.vectors.formats.rows import as_rows, make_chunk, require_dim, rows_per_chunk, shown
from meltpoint.vectors.formats.text_files.faults import count_numbers
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.source import FileSource, Source

_HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,9})[ \t]*\r?\n")
_LONGEST_HEADER_BYTES = 40
_SAMPLE_BYTES = 1 << 14
_LONGEST_WORD_BYTES = 1 << 16
MOST_DIMENSIONS = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UTF8 = codecs.getincrementaldecoder("utf-8")
_FLOAT_BYTES = 4


class Word2VecBinary:
    """Words and float32 numbers after a line that announces them."""

    name = "word2vec binary"

    def matches(self, source: Source) -> bool:
        """Tells word2vec's binary from its text, which begins with the same line."""
        if not isinstance(source, FileSource):
            return False
        with open_stream(source) as stream:
            sample = stream.read(_SAMPLE_BYTES)
        header = _HEADER.match(sample)
        if header is None:
            return False
        body = sample[header.end() :]
        first = body.lstrip(b"\n").partition(b"\n")[0]
        if not body.strip() or count_numbers(first.rstrip(b" \r")) >= max(int(header[2]), 1):
            return False
        return not _is_text(body) or source.name.lower().endswith(".bin")

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Reads the rows in order.

        Raises:
            VectorFileError: The file ends before its last row or goes on after it, or a row is bad.
        """
        assert isinstance(source, FileSource)
        with open_stream(source) as stream:
            reader = ForwardReader(stream, source.place)
            num_rows, dim = _read_header(reader, source)
            require_dim(source, dim)
            step = rows_per_chunk(dim)
            for start in range(0, num_rows, step):
                yield _read_rows(reader, source, start, min(num_rows, start + step), dim)
            while reader.fill(1):
                rest = reader.take(len(reader.buffer), "rest")
                if rest.strip(b"\n"):
                    raise VectorFileError(
                        f"{source.place}: byte {reader.position - len(rest):,}: expected the end of the file after "
                        f"{num_rows:,} rows of {dim} numbers, as the first line announces, found {len(rest):,} bytes "
                        "or more; the file is damaged or the line was changed: get it again."
                    )


def _is_text(body: bytes) -> bool:
    """Tells whether the first bytes after the header are text; numbers in binary hardly ever are."""
    try:
        _UTF8().decode(body)  # incremental: the last character may be cut
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(body)


def _read_header(reader: ForwardReader, source: FileSource) -> tuple[int, int]:
    reader.fill(_LONGEST_HEADER_BYTES)
    header = _HEADER.match(reader.buffer)
    if header is None:
        raise VectorFileError(f"{source.place}: expected a first line with rows and dimensions; the file has changed.")
    reader.drop(header.end())
    num_rows, dim = int(header[1]), int(header[2])
    if not num_rows or not 1 <= dim <= MOST_DIMENSIONS:
        raise VectorFileError(
            f"{source.place}: expected at least one row and 1 to {MOST_DIMENSIONS:,} dimensions, found the first line "
            f"{shown(header[0].strip())}; the file is damaged: get it again."
        )
    return num_rows, dim


def _read_rows(reader: ForwardReader, source: FileSource, start: int, stop: int, dim: int) -> Chunk:
    """Reads rows ``start`` to ``stop``, counted from 0."""
    words: list[bytes] = []
    numbers: list[bytes] = []
    places: list[int] = []
    row_bytes = _FLOAT_BYTES * dim
    taken = 0  # of the buffer; it is cut once a chunk, since cutting it copies what is left
    while len(words) < stop - start:
        while reader.buffer[taken : taken + 1] == b"\n":
            taken += 1
        end = reader.buffer.find(b" ", taken, taken + _LONGEST_WORD_BYTES)
        if end < 0 or end + 1 + row_bytes > len(reader.buffer):
            if end < 0 and len(reader.buffer) - taken >= _LONGEST_WORD_BYTES:
                raise VectorFileError(
                    f"{source.place}: row {start + len(words) + 1:,} (byte {reader.position + taken:,}): expected a "
                    f"word that ends in a space, found none within {_LONGEST_WORD_BYTES:,} bytes; the file is damaged, "
                    f"or its numbers are not {dim} float32 a row."
                )
            reader.drop(taken)
            taken = 0
            if not reader.extend():
                row = f"row {start + len(words) + 1:,} of word2vec's binary format"
                raise reader.cut_short(f"{row}, a word and {dim:,} float32 numbers")
            continue
        places.append(reader.position + taken)
        words.append(reader.buffer[taken:end])
        numbers.append(reader.buffer[end + 1 : end + 1 + row_bytes])
        taken = end + 1 + row_bytes
    reader.drop(taken)
    matrix: NDArray[np.float32] = np.frombuffer(b"".join(numbers), dtype="<f4").reshape(len(words), dim)
    return make_chunk(words, as_rows(matrix), source, lambda row: f"row {start + row + 1:,} (byte {places[row]:,})")
