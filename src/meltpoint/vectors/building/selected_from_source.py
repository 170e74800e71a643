"""Reads the rows of a few words out of a source, into memory: for a file that will not be opened again.

Nothing is written. A text file is gone through at about the speed of the disk, since only lines of wanted words are
split; see ``formats.text``.
"""

from collections.abc import Collection, Generator
from contextlib import closing
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.building.store_writer import digest_rows, is_lowercase
from meltpoint.vectors.formats import Chunk, VectorFormat, format_of
from meltpoint.vectors.formats.base import MOST_PLACES
from meltpoint.vectors.sources.source import Source
from meltpoint.vectors.store.hashing import hash_words
from meltpoint.vectors.store.index import WordIndex, sort_hashes
from meltpoint.vectors.store.mapped import MappedStore
from meltpoint.vectors.store.meta import StoreMeta


@runtime_checkable
class _SelectiveFormat(Protocol):
    """A format that finds the rows of some words faster than by reading all of them."""

    def read_selected(self, source: Source, words: Collection[bytes]) -> Generator[tuple[Chunk, int], None, None]:
        """Yields rows, those of the words among them, and how many rows of the source were looked at for them."""
        ...


def read_selected(source: Source, wanted: Collection[bytes]) -> MappedStore:
    """Reads the rows of some words.

    Args:
        source: What to read.
        wanted: The words that are wanted, UTF-8; those that the source lacks are simply absent.

    Returns:
        Their rows in the source's order, in memory: as a store would hold them, but without subword vectors and
        attachments, and with a meta whose facts (case, digest) are of these rows. ``rows_read`` counts all rows of
        the source, ``duplicates`` the wanted ones among them that came again.

    Raises:
        VectorFileError: The source cannot be read.
    """
    vector_format = format_of(source)
    wanted = frozenset(wanted)
    kept: dict[bytes, None] = {}  # in the source's order
    matrices: list[NDArray[np.float32]] = []
    rows_read = duplicates = skipped = 0
    skipped_places: list[str] = []
    with closing(_read_chunks(vector_format, source, wanted)) as chunks:
        for chunk, num_passed in chunks:
            rows_read += num_passed
            skipped += chunk.skipped
            skipped_places += chunk.skipped_places[: MOST_PLACES - len(skipped_places)]
            positions = []
            for position, word in enumerate(chunk.words):
                if word in kept:
                    duplicates += 1
                elif word in wanted:
                    kept[word] = None
                    positions.append(position)
            # Some rows are copied: a view would keep the whole chunk.
            matrices.append(chunk.matrix if len(positions) == len(chunk) else chunk.matrix[positions])
    matrix = np.concatenate(matrices) if matrices else np.empty((0, 0), dtype=np.float32)
    matrix.flags.writeable = False
    words = list(kept)
    chunk = Chunk.of(words, matrix)
    hashes, order = sort_hashes(hash_words(chunk.text, chunk.offsets))
    return MappedStore(
        folder=None,
        meta_json=StoreMeta(
            file_format=vector_format.name,
            rows_read=rows_read,
            duplicates=duplicates,
            skipped=skipped,
            skipped_places=skipped_places,
            lowercase=is_lowercase(chunk.text, chunk.offsets),
            digest=digest_rows(chunk.text, chunk.offsets, matrix),
            subwords=None,
        ).to_json(),
        matrix=matrix,
        subwords=None,
        attachments={},
        word_index=WordIndex(data=memoryview(chunk.text), offsets=chunk.offsets, hashes=hashes, order=order),
    )


def _read_chunks(
    vector_format: VectorFormat, source: Source, wanted: Collection[bytes]
) -> Generator[tuple[Chunk, int], None, None]:
    if isinstance(vector_format, _SelectiveFormat):
        yield from vector_format.read_selected(source, wanted)
        return
    with closing(vector_format.read(source)) as pieces:
        for piece in pieces:
            if isinstance(piece, Chunk):
                yield piece, len(piece) + piece.skipped
