"""From lines that were split quickly to rows of which each is right: what is in doubt is looked at again, slowly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import MOST_PLACES, Chunk
from meltpoint.vectors.formats.rows import is_utf8
from meltpoint.vectors.formats.text_files.faults import read_numbers
from meltpoint.vectors.sources.source import FileSource


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedLines:
    """What a quick reader made of n lines.

    Attributes:
        words: The word of each line, an LF after each: what stands before the D-th space from the right.
        matrix: The numbers, shape (n, D), float32, writable.
        doubtful: The positions of lines that the reader was not sure of, ascending: their numbers mean nothing, and
            their words neither where they have too few fields.
        line_at: Returns the line at a position, without its end.
    """

    words: bytes
    matrix: NDArray[np.float32]
    doubtful: NDArray[np.int64]
    line_at: Callable[[int], bytes]


def settle(
    parsed: ParsedLines, numbers: Sequence[int], source: FileSource, concerns: Callable[[bytes], bool] | None = None
) -> Chunk:
    """Reads the doubtful lines again, and checks that all words are UTF-8.

    Args:
        parsed: The lines; their matrix is completed in place.
        numbers: The number of each line in the file, counted from 1.
        source: Where they come from; its ``bad_rows`` says what is to become of a line that is faulty indeed.
        concerns: Tells of a line whether it matters; a doubtful one that does not is left out as if it were not there.

    Raises:
        VectorFileError: A line is faulty, and bad rows are an error; the message names the first one.
    """
    faulty, left_out = [], []
    for position in _find_doubtful(parsed):
        line = parsed.line_at(position)
        if concerns is not None and not concerns(line):
            left_out.append(position)
            continue
        try:
            parsed.matrix[position] = read_numbers(
                line,
                parsed.matrix.shape[1],
                place=f"{source.place}:{numbers[position]}",
                spaced_numbers=source.dim is not None,
            )
        except VectorFileError:
            if source.bad_rows == "error":
                raise
            faulty.append(position)
    if faulty or left_out:
        places = tuple(f"line {numbers[position]}" for position in faulty[:MOST_PLACES])
        return _leave_out(parsed, faulty + left_out, num_skipped=len(faulty), skipped_places=places)
    line_ends = np.flatnonzero(np.frombuffer(parsed.words, dtype=np.uint8) == ord("\n"))
    offsets = np.zeros(len(line_ends) + 1, dtype=np.int64)
    offsets[1:] = line_ends - np.arange(len(line_ends))
    return Chunk(text=parsed.words.replace(b"\n", b""), offsets=offsets, matrix=parsed.matrix)


def _find_doubtful(parsed: ParsedLines) -> list[int]:
    """Returns the positions of all lines to be looked at again, ascending: those with broken UTF-8 too."""
    if is_utf8(parsed.words):  # with LFs between, the words are valid together just when each of them is
        return list(parsed.doubtful.tolist())
    broken = [position for position, word in enumerate(parsed.words.split(b"\n")) if not is_utf8(word)]
    return sorted({*broken, *parsed.doubtful.tolist()})


def _leave_out(
    parsed: ParsedLines, positions: list[int], *, num_skipped: int, skipped_places: tuple[str, ...]
) -> Chunk:
    is_good = np.ones(len(parsed.matrix), dtype=np.bool_)
    is_good[positions] = False
    words = parsed.words.split(b"\n")
    return Chunk.of(
        [words[position] for position in np.flatnonzero(is_good).tolist()],
        parsed.matrix[is_good],
        skipped=num_skipped,
        skipped_places=skipped_places,
    )
