"""Pickled vectors: recognised in order to be refused, since reading one runs whatever code it brings."""

import re
from collections.abc import Generator
from typing import NoReturn

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.source import FileSource, Source

# Protocol 2 and later open with PROTO; later ones follow it with FRAME. No UTF-8 text begins with 0x80.
_PICKLE_START = re.compile(rb"\x80[\x02-\x05]")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".model", ".kv", ".pt", ".pth", ".joblib", "data.pkl")
_START_BYTES = 4096

# What made it, told by the names in its first bytes or by its own, and how to get the vectors out.
_MAKERS = (
    (
        rb"gensim|\.(?:model|kv)$",
        "with gensim: KeyedVectors.load(PATH).save_word2vec_format('vectors.txt'), or for a whole model "
        "Word2Vec.load(PATH).wv.save_word2vec_format('vectors.txt')",
    ),
    (
        rb"torch|data\.pkl$|\.(?:pt|pth)$",
        "with PyTorch: weights = torch.load(PATH, weights_only=True), then meltpoint.vectors.writing.save_vectors("
        "(words, matrix), 'vectors.safetensors') of the table and its words",
    ),
    (
        rb"",
        "with the program that made it, for example as text with gensim's save_word2vec_format, or with "
        "meltpoint.vectors.writing.save_vectors((words, matrix), 'vectors.safetensors')",
    ),
)


class PickledVectors:
    """A pickle: gensim's ``.model`` and ``.kv``, ``.pkl``, joblib's, PyTorch's ``.pt`` (a zip around one, too)."""

    name = "pickle"

    def matches(self, source: Source) -> bool:
        """Tells whether the name or the first bytes are a pickle's."""
        if not isinstance(source, FileSource):
            return False
        return source.name.lower().endswith(_PICKLE_SUFFIXES) or _PICKLE_START.match(_read_start(source)) is not None

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Refuses the source.

        Raises:
            VectorFileError: Always.
        """
        assert isinstance(source, FileSource)
        _refuse(source)


def _refuse(source: FileSource) -> NoReturn:
    signs = _read_start(source) + b"\n" + source.name.lower().encode("utf-8", "replace")
    way_out = next(way_out for pattern, way_out in _MAKERS if re.search(pattern, signs))
    raise VectorFileError(
        f"{source.place}: expected a file of vectors, found a pickle, which is never read here: unpickling runs "
        f"whatever code the file brings. Where you trust it, export it {way_out}."
    )


def _read_start(source: FileSource) -> bytes:
    with open_stream(source) as stream:
        return stream.read(_START_BYTES)
