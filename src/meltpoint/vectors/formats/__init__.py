"""The formats of word vectors that can be read: those ``of_files`` and those ``of_folders``."""

from meltpoint.vectors.formats.base import Attachment, Chunk, Piece, SubwordChunk, VectorFormat
from meltpoint.vectors.sources.source import FileSource, Source

__all__ = ["Attachment", "Chunk", "Piece", "SubwordChunk", "VectorFormat", "format_of"]


def format_of(source: Source) -> VectorFormat:
    """Returns the first format that claims the source."""
    # Only one side's formats are imported: some words are out of a gigabyte of text in a fifth of a second.
    if isinstance(source, FileSource):
        from meltpoint.vectors.formats.of_files import FORMATS  # noqa: PLC0415
    else:
        from meltpoint.vectors.formats.of_folders import FORMATS  # noqa: PLC0415
    return next(known for known in FORMATS if known.matches(source))
