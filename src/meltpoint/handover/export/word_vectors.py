"""Files of word vectors: GloVe text, word2vec text and binary, NumPy. The pad and the unknown word are no words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from meltpoint.handover.export.base import Handed
from meltpoint.text import Vocabulary
from meltpoint.vectors.writing import save_vectors

FIRST_WORD = Vocabulary.unknown_index + 1


@dataclass(frozen=True, kw_only=True)
class WordVectors:
    """A format that :func:`meltpoint.vectors.writing.save_vectors` writes.

    Attributes:
        name: The same there and here.
        summary: One line.
        suffixes: Endings of the file.
        reading: Python lines that read it, with ``{place}`` for the file.
        requires: Nothing.
    """

    name: str
    summary: str
    suffixes: tuple[str, ...]
    reading: str
    requires: Mapping[str, str] = field(default_factory=dict)

    def write(self, handed: Handed, place: Path) -> None:
        """Writes the words that training saw, from frequent to rare, then any further ones."""
        save_vectors((handed.words[FIRST_WORD:], handed.rows[FIRST_WORD:]), place, format=self.name)

    def loading(self, place: str) -> str:
        """Returns the lines that read the file."""
        return self.reading.format(place=place)


_GENSIM = "from gensim.models import KeyedVectors\n\nvectors = KeyedVectors.load_word2vec_format({arguments})"

GLOVE = WordVectors(
    name="glove",
    summary="GloVe text: a word and its numbers a line",
    suffixes=(".txt", ".txt.gz"),
    reading='import meltpoint as mp\n\nvectors = mp.open_vectors("{place}")',
)
WORD2VEC = WordVectors(
    name="word2vec",
    summary="word2vec text: as GloVe, with a first line that counts",
    suffixes=(".vec", ".vec.gz", ".txt", ".txt.gz"),
    reading=_GENSIM.format(arguments='"{place}"'),
)
WORD2VEC_BINARY = WordVectors(
    name="word2vec-binary",
    summary="word2vec binary: a quarter of the size",
    suffixes=(".bin", ".bin.gz"),
    reading=_GENSIM.format(arguments='"{place}", binary=True'),
)
NPY = WordVectors(
    name="npy",
    summary="a NumPy matrix, and its words beside it in .words.txt",
    suffixes=(".npy",),
    reading='import numpy as np\n\nmatrix = np.load("{place}", mmap_mode="r")',
)
