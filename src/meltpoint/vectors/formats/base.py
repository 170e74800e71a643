"""What a format of word vectors is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.sources import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Consecutive rows of a source.

    Attributes:
        words: n words as UTF-8, already known to be valid.
        matrix: Shape (n, D), float32, every value finite.
    """

    words: list[bytes]
    matrix: NDArray[np.float32]


class VectorFormat(Protocol):
    """One way in which word vectors are written down.

    A new format is one class like this and one line in ``meltpoint.vectors.formats.FORMATS``.
    """

    @property
    def name(self) -> str:
        """What people call the format."""
        ...

    def matches(self, source: Source) -> bool:
        """Tells from names and first bytes whether the source is of this format."""
        ...

    def read(self, source: Source) -> Iterator[Chunk]:
        """Reads the source, a bounded number of rows at a time.

        Raises:
            VectorFileError: The source is not what it should be; the message names the place.
        """
        ...
