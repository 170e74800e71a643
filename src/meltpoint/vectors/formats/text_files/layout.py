"""How the lines of one text file of vectors are to be split, found out by looking at the first ones."""

from collections import Counter
from dataclasses import dataclass

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.text_files.faults import HEADER, count_numbers, raise_no_vectors
from meltpoint.vectors.sources.source import FileSource

NUM_SAMPLED_LINES = 100
"""How many lines :func:`detect_layout` looks at."""


@dataclass(frozen=True, kw_only=True)
class TextLayout:
    """How the lines of one file are to be split.

    Attributes:
        dim: The numbers of each: D.
        announced_rows: How many rows the first line announces, if it is a header.
    """

    dim: int
    announced_rows: int | None

    @property
    def has_header(self) -> bool:
        """Whether the first line is a header and no row."""
        return self.announced_rows is not None


def detect_layout(sample: list[bytes], source: FileSource) -> TextLayout:
    """Finds D, and whether there is a header, from the first lines.

    One line alone misleads: ``call 911 0.1 0.2`` ends in three numbers. So D is the commonest count of numbers at the
    end of the first lines, or the one asked for if any of them has just so many; every line is then held to it.

    Args:
        sample: At least one line, each without its end.
        source: The file; its ``dim`` is what was asked for.

    Raises:
        VectorFileError: These are no lines of vectors, or not of as many dimensions as asked for.
    """
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
    return TextLayout(dim=dim, announced_rows=int(header[1]) if header and announces else None)
