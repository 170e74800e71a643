"""Pickled vectors: recognised in order to be refused, since reading one runs whatever code it brings."""

import re
from collections.abc import Iterator

from meltpoint.errors import VectorFileError
from meltpoint.vectors.containers import open_stream
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.sources import FileSource, Source

# Protocol 2 and later open with PROTO; later ones follow it with FRAME. No UTF-8 text begins with 0x80.
_PICKLE_START = re.compile(rb"\x80[\x02-\x05]")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".model", ".pt", ".pth")


class PickledVectors:
    """A pickle: gensim's ``.model``, ``.pkl``, PyTorch's ``.pt``."""

    name = "pickle"

    def matches(self, source: Source) -> bool:
        """Tells whether the name or the first bytes are a pickle's."""
        if not isinstance(source, FileSource):
            return False
        if source.name.lower().endswith(_PICKLE_SUFFIXES):
            return True
        with open_stream(source) as stream:
            return _PICKLE_START.match(stream.read(2)) is not None

    def read(self, source: Source) -> Iterator[Chunk]:
        """Refuses the source.

        Raises:
            VectorFileError: Always.
        """
        raise VectorFileError(
            f"{source.place}: expected a file of vectors as text, found a pickle, which is never read here: unpickling "
            "runs whatever code the file brings. Where you trust it, export it as text, for example with gensim: "
            "KeyedVectors.load(PATH).save_word2vec_format('vectors.txt')."
        )
