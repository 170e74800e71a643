"""The formats of one file, or of one member of an archive: what each is, its content says."""

from meltpoint.vectors.formats.base import VectorFormat
from meltpoint.vectors.formats.fasttext_binary import FastTextBinary
from meltpoint.vectors.formats.foreign import ForeignFile
from meltpoint.vectors.formats.pickled import PickledVectors
from meltpoint.vectors.formats.text_files.text import TextVectors
from meltpoint.vectors.formats.word2vec_binary import Word2VecBinary

FORMATS: tuple[VectorFormat, ...] = (PickledVectors(), FastTextBinary(), ForeignFile(), Word2VecBinary(), TextVectors())
"""Asked in this order. Text comes last: it takes every file that nothing else has claimed, and names what is wrong."""
