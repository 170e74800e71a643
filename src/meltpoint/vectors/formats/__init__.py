"""The formats of word vectors that can be read."""

from meltpoint.vectors.formats.base import Chunk, VectorFormat
from meltpoint.vectors.formats.packaged import PackagedVectors
from meltpoint.vectors.formats.pickled import PickledVectors
from meltpoint.vectors.formats.text import TextVectors
from meltpoint.vectors.sources import Source

__all__ = ["FORMATS", "Chunk", "VectorFormat", "format_of"]

FORMATS: tuple[VectorFormat, ...] = (PackagedVectors(), PickledVectors(), TextVectors())
"""Asked in this order. Text comes last: it takes every file that nothing else has claimed, and names what is wrong."""


def format_of(source: Source) -> VectorFormat:
    """Returns the first format that claims the source."""
    return next(known for known in FORMATS if known.matches(source))
