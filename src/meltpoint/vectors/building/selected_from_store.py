"""Takes the rows of a few words out of a store: the same vectors as are read where no store has been built yet."""

from collections.abc import Sequence

import numpy as np

from meltpoint.vectors.building.store_writer import digest_rows, is_lowercase
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.store.hashing import hash_words
from meltpoint.vectors.store.index import ABSENT, WordIndex, sort_hashes
from meltpoint.vectors.store.mapped import MappedStore


def select_rows(store: MappedStore, words: Sequence[bytes]) -> MappedStore:
    """Copies the rows of some words into memory.

    Args:
        store: What is there.
        words: The words that are wanted, UTF-8; those that the store lacks are simply absent.

    Returns:
        Their rows in the store's order, with the words, case and digest of these rows alone and without subword
        vectors: what :func:`meltpoint.vectors.building.selected_from_source.read_selected` finds in the source.
    """
    rows = np.unique(store.word_index.find(words))
    rows = rows[rows != ABSENT]
    starts, ends = store.word_index.offsets[rows].tolist(), store.word_index.offsets[rows + 1].tolist()
    found = [bytes(store.word_index.data[start:end]) for start, end in zip(starts, ends, strict=True)]
    chunk = Chunk.of(found, store.matrix[rows])
    chunk.matrix.flags.writeable = False
    hashes, order = sort_hashes(hash_words(chunk.text, chunk.offsets))
    meta = store.meta._replace(
        lowercase=is_lowercase(chunk.text, chunk.offsets),
        digest=digest_rows(chunk.text, chunk.offsets, chunk.matrix),
        subwords=None,
    )
    return MappedStore(
        folder=None,
        meta_json=meta.to_json(),
        matrix=chunk.matrix,
        word_index=WordIndex(data=memoryview(chunk.text), offsets=chunk.offsets, hashes=hashes, order=order),
        subwords=None,
        attachments=store.attachments,
    )
