"""The formats of word vectors that can be read."""

from meltpoint.vectors.formats.base import Attachment, Chunk, Piece, SubwordChunk, VectorFormat
from meltpoint.vectors.formats.fasttext_binary import FastTextBinary
from meltpoint.vectors.formats.foreign import ForeignFile
from meltpoint.vectors.formats.npy import NpyVectors
from meltpoint.vectors.formats.pickled import PickledVectors
from meltpoint.vectors.formats.safetensors import SafetensorsVectors
from meltpoint.vectors.formats.spacy import SpacyVectors
from meltpoint.vectors.formats.static_model import StaticModelVectors
from meltpoint.vectors.formats.text import TextVectors
from meltpoint.vectors.formats.word2vec_binary import Word2VecBinary
from meltpoint.vectors.sources import Source

__all__ = ["FORMATS", "Attachment", "Chunk", "Piece", "SubwordChunk", "VectorFormat", "format_of"]

FORMATS: tuple[VectorFormat, ...] = (
    NpyVectors(),
    SafetensorsVectors(),
    StaticModelVectors(),
    SpacyVectors(),
    PickledVectors(),
    FastTextBinary(),
    ForeignFile(),
    Word2VecBinary(),
    TextVectors(),
)
"""Asked in this order. Text comes last: it takes every file that nothing else has claimed, and names what is wrong."""


def format_of(source: Source) -> VectorFormat:
    """Returns the first format that claims the source."""
    return next(known for known in FORMATS if known.matches(source))
