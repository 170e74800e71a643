"""Files that are no word vectors, or none that can be read as they are: named for what they are, with the way out."""

import re
from collections.abc import Generator

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.text_files.faults import count_numbers
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.magics import NPY_MAGIC
from meltpoint.vectors.sources.source import FileSource, Source

_START_BYTES = 512
_UNPACK = "Unpack it first, and open what is in it."
_EXPORT = "Export the vectors as text, a word and its numbers a line, or as .npy with a list of words beside it."

_KINDS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), what, remedy)
    for pattern, what, remedy in (
        (re.escape(NPY_MAGIC), "a NumPy array within an archive", "Unpack it beside a list of its words, one a line."),
        (rb".{7}\0\{\"", "safetensors within an archive", "Unpack it: safetensors is mapped, and so cannot be packed."),
        (rb"\x89HDF\r\n", "an HDF5 file", f"{_EXPORT} With h5py: np.save('vectors.npy', file[NAME][:])."),
        (rb"PAR1", "a Parquet file", f"{_EXPORT} With polars: pl.read_parquet(PATH)."),
        (rb"ARROW1|FEA1", "an Arrow file", _EXPORT),
        (rb"SQLite format 3\0", "an SQLite database, as pymagnitude's .magnitude", _EXPORT),
        (rb"GGUF", "a GGUF model", "Its vectors belong to a language model; open a static model instead."),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
        (rb"Rar!\x1a\x07", "a rar archive", _UNPACK),
        (rb".{257}ustar", "a tar archive", _UNPACK),
        (rb"PK\x03\x04", "a zip within a zip or another archive", _UNPACK),
        (rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "a file that is packed twice", "Unpack it once."),
        (rb"%PDF-", "a PDF document", "Is this the right file?"),
        (
            rb"version https://git-lfs\.github\.com/spec/",
            "a pointer of Git LFS in place of the file",
            "Fetch the file itself: git lfs pull.",
        ),
        (
            rb"\s*(?:<!DOCTYPE html|<html|<\?xml)",
            "a web page or XML",
            "The download has probably answered with an error page: look at it, and get the file again.",
        ),
    )
)


class ForeignFile:
    """A file of a known kind that holds no vectors as they are read here."""

    name = "foreign"

    def matches(self, source: Source) -> bool:
        """Tells whether the first bytes are of a kind that is known and cannot be read."""
        return isinstance(source, FileSource) and _recognise(source) is not None

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Refuses the source.

        Raises:
            VectorFileError: Always; the message says what the file is and what to do.
        """
        assert isinstance(source, FileSource)
        what, remedy = _recognise(source) or ("a file that has changed meanwhile", "Open it again.")
        raise VectorFileError(f"{source.place}: expected a file of vectors, found {what}. {remedy}")


def _recognise(source: FileSource) -> tuple[str, str] | None:
    with open_stream(source) as stream:
        start = stream.read(_START_BYTES)
    first, line_end, _ = start.partition(b"\n")
    if count_numbers(first if line_end else first.rpartition(b" ")[0]):
        return None  # a row of text: its word only looks like the beginning of something else
    return next(((what, remedy) for pattern, what, remedy in _KINDS if pattern.match(start)), None)
