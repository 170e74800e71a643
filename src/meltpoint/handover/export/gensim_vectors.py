"""gensim: a file that ``KeyedVectors.load_word2vec_format`` reads, with the counts of the words.

gensim's own ``save`` pickles, and loading a pickle from somebody else runs what is in it. The binary format of word2vec
holds the same numbers to the bit, and gensim reads it without that.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from meltpoint.handover.export.base import Handed
from meltpoint.handover.export.word_vectors import FIRST_WORD
from meltpoint.vectors.writing import save_vectors

VECTORS, COUNTS = "vectors.bin", "vectors.vocab"


class GensimVectors:
    """A folder: ``vectors.bin``, and ``vectors.vocab`` with a word and its count a line."""

    name = "gensim"
    summary = "gensim KeyedVectors: word2vec binary, and the counts of the words"
    suffixes = ()
    requires: Mapping[str, str] = MappingProxyType({})

    def write(self, handed: Handed, place: Path) -> None:
        """Writes both files; gensim itself is not needed for that."""
        words = handed.words[FIRST_WORD:]
        save_vectors((words, handed.rows[FIRST_WORD:]), place / VECTORS, format="word2vec-binary")
        counts = handed.counts[FIRST_WORD:].tolist()
        lines = (f"{word} {count}\n" for word, count in zip(words, counts, strict=True))
        (place / COUNTS).write_bytes("".join(lines).encode("utf-8"))

    def loading(self, place: str) -> str:
        """Returns the lines that read the folder."""
        return (
            "from gensim.models import KeyedVectors\n\n"
            f'folder = "{place}"\n'
            "vectors = KeyedVectors.load_word2vec_format(\n"
            f'    f"{{folder}}/{VECTORS}", fvocab=f"{{folder}}/{COUNTS}", binary=True\n)'
        )
