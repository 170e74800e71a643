"""The store: one folder per opened source, mapped in place, noticed when damaged.

    matrix.npy    (V, D) float32, C order
    words.bin     the UTF-8 bytes of all words, end to end
    offsets.npy   (V + 1,) int64, where each word starts
    hashes.npy    (V,) uint64, ascending
    order.npy     (V,) int64, the row of each sorted hash
    subwords.npy  (number of n-gram buckets, D) float32, C order; only where the source has them
    meta.json     what reading the source came to
    files.txt     the size and the edges of every file above

Beside them lie the source's attachments, such as ``tokenizer.json``. Opening reads ``files.txt``, ``meta.json`` and the
first and last bytes of each file and maps the rest, however large the store is.

Every later open comes this way, and importing what it uses takes longer than what it does: paths are strings here
(``pathlib`` takes 4 ms, where all of NumPy takes 57), values are named tuples (``dataclasses`` and the classes made
with it take 3), types that only annotate are not imported (``numpy.typing``, half a millisecond), and ``meta.json`` is
parsed by those who ask for what is in it (``json``, one).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from meltpoint.vectors.store.index import WordIndex
from meltpoint.vectors.store.manifest import check_files
from meltpoint.vectors.store.maps import map_array, map_bytes

if TYPE_CHECKING:
    from _typeshed import StrPath
    from numpy.typing import NDArray

    from meltpoint.vectors.store.meta import StoreMeta

META_FILE = "meta.json"
MATRIX_FILE = "matrix.npy"
WORDS_FILE = "words.bin"
OFFSETS_FILE = "offsets.npy"
HASHES_FILE = "hashes.npy"
ORDER_FILE = "order.npy"
SUBWORDS_FILE = "subwords.npy"
DATA_FILES = (MATRIX_FILE, WORDS_FILE, OFFSETS_FILE, HASHES_FILE, ORDER_FILE, META_FILE)
"""The files that every store has."""


class MappedStore(NamedTuple):
    """A store that was found whole, mapped read-only; or the same held in memory.

    Attributes:
        folder: Where it lies; None where it is in memory alone.
        meta_json: The content of its ``meta.json``.
        matrix: Shape (V, D), float32, read-only.
        word_index: Its words.
        subwords: Shape (number of n-gram buckets, D), float32, read-only; None where there are none.
        attachments: The path of each attachment, by its name.
    """

    folder: str | None
    meta_json: bytes
    matrix: NDArray[np.float32]
    word_index: WordIndex
    subwords: NDArray[np.float32] | None
    attachments: Mapping[str, str]

    @property
    def meta(self) -> StoreMeta:
        """What reading the source came to."""
        from meltpoint.vectors.store.meta import StoreMeta  # noqa: PLC0415 - see above

        return StoreMeta.from_json(self.meta_json)


def map_store(folder: StrPath) -> MappedStore | None:
    """Maps the store in ``folder``.

    Noticed is what ``files.txt`` tells (see ``manifest``), and arrays that do not fit one another.

    Returns:
        The store, or None when there is none or it is damaged; either way it is to be built.
    """
    folder = os.fspath(folder)
    try:
        places = {name: os.path.join(folder, name) for name in check_files(folder)}
        matrix = map_array(places.pop(MATRIX_FILE), np.float32, (None, None))
        num_rows, dim = matrix.shape
        subwords = map_array(places.pop(SUBWORDS_FILE), np.float32, (None, dim)) if SUBWORDS_FILE in places else None
        word_index = WordIndex(
            data=map_bytes(places.pop(WORDS_FILE)),
            offsets=map_array(places.pop(OFFSETS_FILE), np.int64, (num_rows + 1,)),
            hashes=map_array(places.pop(HASHES_FILE), np.uint64, (num_rows,)),
            order=map_array(places.pop(ORDER_FILE), np.int64, (num_rows,)),
        )
        with open(places.pop(META_FILE), "rb") as file:
            meta_json = file.read()
    except (OSError, ValueError, KeyError):  # a KeyError: a file is not listed
        return None
    return MappedStore(
        folder=folder, meta_json=meta_json, matrix=matrix, word_index=word_index, subwords=subwords, attachments=places
    )
