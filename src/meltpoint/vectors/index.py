"""Finds words by sorted 64-bit hashes: mapped from disk, no dictionary over the vocabulary, nothing read at open.

A hash only proposes rows; the word's own bytes decide. So two words with one hash cost a second comparison, never a
wrong answer.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ABSENT = -1


def hash_words(words: Iterable[bytes]) -> NDArray[np.uint64]:
    """Hashes words with BLAKE2b-64: the same on every machine and in every process, unlike Python's own hash.

    Args:
        words: n words as UTF-8.

    Returns:
        Shape (n,), uint64.
    """
    digests = b"".join([hashlib.blake2b(word, digest_size=8).digest() for word in words])
    return np.frombuffer(digests, dtype="<u8")


def sort_hashes(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Sorts the hashes of V words.

    Args:
        hashes: Shape (V,), one per row.

    Returns:
        The hashes in ascending order, shape (V,) uint64, and the row of each, shape (V,) int64; rows of one hash in
        ascending order too.
    """
    order = np.argsort(hashes).astype(np.int64)  # several times as fast as a stable sort
    ordered = hashes[order]
    for start, end in _find_runs(ordered):
        order[start:end].sort()
    return ordered, order


def find_repeated(
    hashes: NDArray[np.uint64], order: NDArray[np.int64], word_at: Callable[[int], bytes]
) -> NDArray[np.int64]:
    """Finds the rows whose word has come before.

    Args:
        hashes: Shape (V,), ascending.
        order: Shape (V,), the row of each, as :func:`sort_hashes` gives it.
        word_at: Returns the word of a row: two words may have one hash.

    Returns:
        Ascending rows, shape (number of repeats,), int64.
    """
    repeated: list[int] = []
    for start, end in _find_runs(hashes):
        seen: set[bytes] = set()
        for row in order[start:end].tolist():
            word = word_at(row)
            if word in seen:
                repeated.append(row)
            seen.add(word)
    return np.array(sorted(repeated), dtype=np.int64)


def _find_runs(ordered: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Returns where more than one equal value stands in ascending ones: the start and the end of each such run."""
    is_same = np.zeros(len(ordered) + 1, dtype=np.bool_)  # as the one before
    is_same[1:-1] = ordered[1:] == ordered[:-1]
    changes = np.flatnonzero(is_same[1:] != is_same[:-1])
    return list(zip(changes[::2].tolist(), (changes[1::2] + 1).tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class WordIndex:
    """Rows by word.

    Attributes:
        data: The UTF-8 bytes of all V words, end to end.
        offsets: Shape (V + 1,), int64: word r is ``data[offsets[r]:offsets[r + 1]]``.
        hashes: Shape (V,), uint64, ascending.
        order: Shape (V,), int64: the row of each sorted hash.
    """

    data: memoryview
    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    order: NDArray[np.int64]

    def find(self, words: Sequence[bytes]) -> NDArray[np.int64]:
        """Returns the row of each of n words, shape (n,) int64, :data:`ABSENT` where there is none."""
        if not len(self.hashes):
            return np.full(len(words), ABSENT, dtype=np.int64)
        wanted = hash_words(words)
        first = np.searchsorted(self.hashes, wanted, side="left")
        # Clipped only so that gathering is safe: past the end, the hash compared is a smaller one and never equal.
        inside = np.minimum(first, len(self.hashes) - 1)
        rows = np.where(self.hashes[inside] == wanted, self.order[inside], ABSENT)
        for n in np.flatnonzero((rows != ABSENT) & ~self._spells(rows, words)).tolist():
            rows[n] = self._find_colliding(words[n], wanted[n], int(first[n]) + 1)
        return rows

    def _spells(self, rows: NDArray[np.int64], words: Sequence[bytes]) -> NDArray[np.bool_]:
        """Tells for each n whether row ``rows[n]`` is the word ``words[n]``; rows may be :data:`ABSENT`."""
        starts, ends = self.offsets[rows].tolist(), self.offsets[rows + 1].tolist()
        data = self.data
        return np.fromiter(
            (data[start:end] == word for start, end, word in zip(starts, ends, words, strict=True)),
            dtype=np.bool_,
            count=len(words),
        )

    def _find_colliding(self, word: bytes, wanted: np.uint64, position: int) -> int:
        """Searches the further rows that share the hash ``wanted``, from ``position`` among the sorted ones on."""
        while position < len(self.hashes) and self.hashes[position] == wanted:
            row: Any = self.order[position]
            if self.data[self.offsets[row] : self.offsets[row + 1]] == word:
                return int(row)
            position += 1
        return ABSENT
