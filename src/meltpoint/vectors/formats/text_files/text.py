"""Vectors as text: a word and D numbers a line, with spaces between (GloVe; with a first line ``V D``, word2vec).

Words may themselves hold spaces (``. . .``), no-break spaces, quotes or anything else that Python's ``str.split`` and
CSV readers stumble over. So lines end at byte 0x0A only, fields at byte 0x20 only, and the numbers are taken from the
right; the word is what is left.

The way of a line: ``blocks`` reads it, ``selecting`` (and for large files ``selecting_kernel``) passes it over where
only some words are wanted, ``kernel`` (large files) or ``arrays`` (small ones) split and convert it, ``rows`` looks at
what they were not sure of, and ``faults`` says what is wrong with it.
"""

import os
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.text_files.arrays import parse_lines as parse_few_lines
from meltpoint.vectors.formats.text_files.blocks import Block, UnreadBlock, plan_blocks, strip_end
from meltpoint.vectors.formats.text_files.layout import NUM_SAMPLED_LINES, detect_layout
from meltpoint.vectors.formats.text_files.pipelining import map_in_order
from meltpoint.vectors.formats.text_files.rows import ParsedLines, settle
from meltpoint.vectors.formats.text_files.selecting import FirstFields, SelectedLines, Selector, select_lines
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.source import FileSource, Source

_KERNEL_PAYS_BYTES = 1 << 26
_BLOCKS_AHEAD = 8
_NUM_THREADS = min(4, os.cpu_count() or 1)  # with more of them it is reading and writing that take the time
_NUM_PASSED_AT_ONCE = 4  # blocks: fewer and larger parts, since little is done with each


class TextVectors:
    """GloVe's text format, and word2vec's (also fastText's ``.vec``)."""

    name = "text"

    def matches(self, source: Source) -> bool:
        """Takes every file."""
        return isinstance(source, FileSource)

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Reads the lines; each number becomes ``float32(float(text))``, to the bit.

        Raises:
            VectorFileError: A line is ragged or holds something other than finite numbers, or a word is not UTF-8, and
                bad rows are an error; the rows are not as many as a header announces, there are none, or these are no
                such lines at all.
        """
        assert isinstance(source, FileSource)
        with _open_file(source) as file:
            parse = _choose_ways(source, file.dim).parse

            def parse_block(planned: Block | UnreadBlock) -> tuple[Block, ParsedLines]:
                block = planned.load()
                return block, parse(block)

            parsed = map_in_order(parse_block, file.blocks, num_threads=_NUM_THREADS, num_ahead=_NUM_THREADS + 1)
            with closing(parsed):
                for block, lines in parsed:
                    chunk = settle(lines, file.number_lines(len(lines.matrix)), source)
                    block.recycle()
                    yield chunk
            file.check_number_of_rows()

    def read_selected(self, source: Source, words: Collection[bytes]) -> Generator[tuple[Chunk, int], None, None]:
        """Reads only the lines of some words.

        Of a line that is passed over only its end and its first field are looked at: what else may be wrong with it
        goes unnoticed.

        Args:
            source: The file.
            words: The words that are wanted, UTF-8.

        Yields:
            Rows in the file's order, all that are wanted and perhaps others, repeated words among them; and how many
            rows of the file were looked at for them.

        Raises:
            VectorFileError: As for :meth:`read`, but for lines that are passed over.
        """
        assert isinstance(source, FileSource)
        with _open_file(source, num_at_once=_NUM_PASSED_AT_ONCE) as file:
            ways, fields = _choose_ways(source, file.dim), FirstFields(words)

            def select(block: Block | UnreadBlock) -> tuple[SelectedLines, ParsedLines]:
                selected = ways.select_lines(block, fields)
                return selected, ways.parse(selected.lines)

            selections = map_in_order(select, file.blocks, num_threads=_NUM_THREADS, num_ahead=_BLOCKS_AHEAD)
            with closing(selections):
                for selected, lines in selections:
                    numbers = file.number_lines(selected.num_passed)
                    chosen = [numbers[position] for position in selected.positions]
                    yield settle(lines, chosen, source, fields.include), selected.num_passed
            file.check_number_of_rows()


class _OpenFile:
    """The blocks of an open file, and what its first lines tell.

    Attributes:
        blocks: The lines of rows.
        dim: The numbers of each line: D.
        num_rows: How many rows were counted so far.
    """

    def __init__(self, blocks: Iterator[Block | UnreadBlock], source: FileSource) -> None:
        planned = next(blocks, None)
        if planned is None:
            raise VectorFileError(f"{source.place}: expected lines of a word and its numbers, found an empty file.")
        first = planned.load()
        layout = detect_layout(first.first_lines(NUM_SAMPLED_LINES), source)
        if layout.has_header:
            first = first.without_first_line()
        self.blocks: Iterator[Block | UnreadBlock] = chain([first], blocks)
        self.dim = layout.dim
        self.num_rows = 0
        self._announced_rows = layout.announced_rows
        self._first_line = 2 if layout.has_header else 1
        self._place = source.place

    def number_lines(self, num_lines: int) -> range:
        """Counts the lines of the next block, and returns their numbers in the file."""
        first = self._first_line + self.num_rows
        self.num_rows += num_lines
        return range(first, first + num_lines)

    def check_number_of_rows(self) -> None:
        """Holds the rows that were handed out against what the header announced."""
        if self._announced_rows not in {None, self.num_rows}:
            raise VectorFileError(
                f"{self._place}:1: expected {self._announced_rows:,} rows as this first line announces, found "
                f"{self.num_rows:,}; the file is cut short or was changed by hand: get it again or correct the line."
            )


@contextmanager
def _open_file(source: FileSource, *, num_at_once: int = 1) -> Iterator[_OpenFile]:
    with open_stream(source) as stream:
        yield _OpenFile(plan_blocks(stream, source.size_bytes, source.place, num_at_once=num_at_once), source)


@dataclass(frozen=True, kw_only=True)
class _Ways:
    """How to parse the lines of a block, and how to select those that may be wanted."""

    parse: Callable[[Block], ParsedLines]
    select_lines: Selector


def _choose_ways(source: FileSource, dim: int) -> _Ways:
    """Returns the ways that are sooner done with a file of this size: NumPy's or compiled ones, to the same bits."""

    def parse_by_arrays(block: Block) -> ParsedLines:
        lines = block.lines()
        words, matrix, doubtful = parse_few_lines(lines, dim)
        return ParsedLines(words=words, matrix=matrix, doubtful=doubtful, line_at=lines.__getitem__)

    by_arrays = _Ways(parse=parse_by_arrays, select_lines=select_lines)
    if source.size_bytes < _KERNEL_PAYS_BYTES:
        return by_arrays
    try:
        # Some hundredths of a second.
        from meltpoint.vectors.formats.text_files.kernel import parse_lines  # noqa: PLC0415
        from meltpoint.vectors.formats.text_files.selecting_kernel import CompiledSelector  # noqa: PLC0415
    except (ImportError, RuntimeError):
        return by_arrays  # Numba does not know a NumPy as new as this one.

    def parse_by_kernel(block: Block) -> ParsedLines:
        data = block.data()
        words, matrix, starts, doubtful = parse_lines(data, block.end - block.start, dim)

        def line_at(position: int) -> bytes:
            return strip_end(data[starts[position] : starts[position + 1] - 1].tobytes())

        return ParsedLines(words=words, matrix=matrix, doubtful=doubtful, line_at=line_at)

    return _Ways(parse=parse_by_kernel, select_lines=CompiledSelector())
