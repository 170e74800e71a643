"""Finds words by sorted 64-bit hashes: mapped from disk, no dictionary over the vocabulary, nothing read at open.

A hash only proposes rows; the word's own bytes decide. So two words with one hash cost a second comparison, never a
wrong answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from meltpoint.vectors.store.hashing import MOST_EIGHTS, eights_at, first_bytes, hash_words, join_words
from meltpoint.vectors.store.maps import require_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSENT = -1


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


class WordIndex(NamedTuple):
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
        return self.find_joined(*join_words(words))

    def find_joined(self, text: bytes, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns what :meth:`find` does, of words that stand end to end, as from :func:`join_words`.

        Raises:
            VectorFileError: A file of the store was cut short since it was mapped.
        """
        require_whole(self.data, self.offsets, self.hashes, self.order)
        if not len(self.hashes):
            return np.full(len(offsets) - 1, ABSENT, dtype=np.int64)
        wanted = hash_words(text, offsets)
        # In ascending order, each search ends in the cache near the one before: a third of the time.
        ascending = np.argsort(wanted)
        sought = wanted[ascending]
        # Clipped only so that gathering is safe: past the end, the hash compared is a smaller one and never equal.
        inside = np.minimum(np.searchsorted(self.hashes, sought, side="left"), len(self.hashes) - 1)
        rows = np.empty(len(wanted), dtype=np.int64)
        rows[ascending] = np.where(self.hashes[inside] == sought, self.order[inside], ABSENT)
        proposed = np.flatnonzero(rows != ABSENT)
        for n in proposed[~self._spells(rows[proposed], text, offsets[:-1][proposed], offsets[1:][proposed])].tolist():
            rows[n] = self._find_colliding(text[offsets[n] : offsets[n + 1]], wanted[n])
        return rows

    def _spells(
        self, rows: NDArray[np.int64], text: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tells for each n whether row ``rows[n]`` is the word ``text[starts[n]:ends[n]]``."""
        own_starts, lengths = self.offsets[rows], ends - starts
        is_same: NDArray[np.bool_] = self.offsets[rows + 1] - own_starts == lengths
        # Eight bytes of all words that are the same so far at once; the bytes of few words are left after that.
        for start in range(0, 8 * MOST_EIGHTS, 8):
            left = np.flatnonzero(is_same & (lengths > start))
            if not len(left):
                return is_same
            differing = eights_at(self.data, own_starts[left] + start) ^ eights_at(text, starts[left] + start)
            is_same[left] = first_bytes(differing, lengths[left] - start) == 0
        for n in np.flatnonzero(is_same & (lengths > 8 * MOST_EIGHTS)).tolist():
            own_start = own_starts[n]
            is_same[n] = self.data[own_start : own_start + lengths[n]] == text[starts[n] : ends[n]]
        return is_same

    def _find_colliding(self, word: bytes, wanted: np.uint64) -> int:
        """Searches all rows that share the hash ``wanted``."""
        position = int(np.searchsorted(self.hashes, wanted, side="left"))
        while position < len(self.hashes) and self.hashes[position] == wanted:
            row: Any = self.order[position]
            if self.data[self.offsets[row] : self.offsets[row + 1]] == word:
                return int(row)
            position += 1
        return ABSENT
