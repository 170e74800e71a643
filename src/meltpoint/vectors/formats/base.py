"""What a format of word vectors is, and the pieces it hands over while it reads."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.sources.source import TOKENIZER_FILE, Source
from meltpoint.vectors.store.hashing import join_words

ATTACHMENTS = (TOKENIZER_FILE,)
"""The names that an :class:`Attachment` may have: a file name never comes out of the source."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Consecutive rows of a source.

    The words stand end to end, as the store keeps them: a list of millions of ``bytes`` would take more memory than
    their vectors.

    Attributes:
        text: The UTF-8 of the n words, end to end, already known to be valid.
        offsets: Shape (n + 1,), int64: word i is ``text[offsets[i]:offsets[i + 1]]``.
        matrix: Shape (n, D), float32, every value finite.
        skipped: Rows of the source that were left out within this chunk or just before it.
        skipped_places: Where the first of those rows stand (``line 17``), at most :data:`MOST_PLACES`.
    """

    text: bytes
    offsets: NDArray[np.int64]
    matrix: NDArray[np.float32]
    skipped: int = 0
    skipped_places: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        words: Sequence[bytes],
        matrix: NDArray[np.float32],
        *,
        skipped: int = 0,
        skipped_places: tuple[str, ...] = (),
    ) -> "Chunk":
        """Returns the chunk of n words that are at hand one by one."""
        text, offsets = join_words(words)
        return cls(text=text, offsets=offsets, matrix=matrix, skipped=skipped, skipped_places=skipped_places)

    @property
    def words(self) -> list[bytes]:
        """The n words, one by one."""
        text = self.text
        return [text[start:end] for start, end in pairwise(self.offsets.tolist())]

    def __len__(self) -> int:
        return len(self.offsets) - 1


MOST_PLACES = 5
"""How many places of skipped rows are kept; of the others only the number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SubwordChunk:
    """Consecutive rows of fastText's n-gram buckets, from which the vectors of unknown words are composed.

    Every subword chunk of a source carries the same three numbers; the rows of all of them, in order, are the
    ``num_buckets`` buckets.

    Attributes:
        matrix: Shape (n, D), float32, every value finite.
        min_n: The fewest characters of an n-gram.
        max_n: The most characters of an n-gram.
        num_buckets: Rows in all.
    """

    matrix: NDArray[np.float32]
    min_n: int
    max_n: int
    num_buckets: int


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that belongs to the vectors and is kept in the store as it is, such as their own tokenizer.

    Attributes:
        name: One of :data:`ATTACHMENTS`.
        content: Its bytes.
    """

    name: str
    content: bytes


Piece = Chunk | SubwordChunk | Attachment
"""What a format hands over, in any order; at least one piece is a :class:`Chunk` with rows."""


class VectorFormat(Protocol):
    """One way in which word vectors are written down.

    A new format is one class like this and one line in ``FORMATS`` of ``of_files`` or ``of_folders``.
    """

    @property
    def name(self) -> str:
        """What people call the format."""
        ...

    def matches(self, source: Source) -> bool:
        """Tells from first bytes, and from names where these do not say, whether the source is of this format."""
        ...

    def read(self, source: Source) -> Generator[Piece, None, None]:
        """Reads the source, a bounded number of rows at a time; closing the generator closes the source.

        Raises:
            VectorFileError: The source is not what it should be; the message names the place.
        """
        ...
