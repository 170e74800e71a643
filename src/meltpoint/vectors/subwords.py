"""Vectors of unknown words, composed of the vectors of their character n-grams, as fastText does.

A word is written between ``<`` and ``>``; each of its n-grams of ``min_n`` to ``max_n`` characters is hashed into one
of a fixed number of buckets, and the word's vector is the mean of their rows (Bojanowski et al. 2017, "Enriching Word
Vectors with Subword Information", TACL 5; ``Dictionary::computeSubwords`` of facebookresearch/fastText).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.store.gathering import take_rows

SENTENCE_END = b"</s>"
"""The word that fastText writes for a line end; it has no n-grams."""

_FNV_OFFSET_BASIS = 2166136261
_FNV_PRIME = 16777619
_WORD_START, _WORD_END = b"<", b">"


@dataclass(frozen=True, kw_only=True, eq=False)
class Subwords:
    """The n-gram vectors of one fastText model.

    Attributes:
        matrix: Shape (number of buckets, D), float32, read-only.
        min_n: The fewest characters of an n-gram.
        max_n: The most characters of an n-gram.
    """

    matrix: NDArray[np.float32]
    min_n: int
    max_n: int

    def covers(self, word: bytes) -> bool:
        """Tells whether the word, UTF-8, has an n-gram, and so a vector."""
        return next(self._ngrams(word), None) is not None

    def compose(self, word: bytes) -> NDArray[np.float32] | None:
        """Returns the mean of the word's n-gram rows, shape (D,), float32; None for a word without n-grams."""
        buckets = [hash_ngram(ngram) % len(self.matrix) for ngram in self._ngrams(word)]
        if not buckets:
            return None
        rows = take_rows(self.matrix, np.array(buckets, dtype=np.int64))
        total = np.zeros(self.matrix.shape[1], dtype=np.float32)
        for row in rows:  # added up one after the other, as fastText does: the bits depend on the order
            total += row
        return total / np.float32(len(buckets))

    def _ngrams(self, word: bytes) -> Iterator[bytes]:
        return iter(()) if word == SENTENCE_END else ngrams_of(word, self.min_n, self.max_n)


def ngrams_of(word: bytes, min_n: int, max_n: int) -> Iterator[bytes]:
    """Yields the n-grams of a word in fastText's order: by where they begin, the short ones first.

    The marks ``<`` and ``>`` alone are none.

    >>> list(ngrams_of(b"cat", 3, 4))
    [b'<ca', b'<cat', b'cat', b'cat>', b'at>']
    """
    marked = _WORD_START + word + _WORD_END
    # Characters begin at the bytes that continue none: 0b10xxxxxx does.
    starts = [position for position, byte in enumerate(marked) if byte & 0xC0 != 0x80]
    last = len(starts) - 1
    starts.append(len(marked))
    for first in range(last + 1):
        for length in range(max(min_n, 1), min(max_n, last + 1 - first) + 1):
            if length == 1 and first in {0, last}:
                continue
            yield marked[starts[first] : starts[first + length]]


def hash_ngram(ngram: bytes) -> int:
    """Returns fastText's 32-bit hash: FNV-1a, in which each byte is a signed char and spreads its sign bit.

    >>> hash_ngram(b"<ca"), hash_ngram("ä".encode())
    (1066916747, 939155682)
    """
    value = _FNV_OFFSET_BASIS
    for byte in ngram:
        value = (value ^ (byte if byte < 0x80 else byte | 0xFFFFFF00)) * _FNV_PRIME & 0xFFFFFFFF
    return value
