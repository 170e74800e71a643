"""What stands between blanks, numbered: the distinct chunks of many texts, and the words that each is cut into."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meltpoint.text.growing import GrowingArray

IntArray = NDArray[np.int64]

DEPENDS = -1
"""In the place of a length: what a text is cut into depends on what stands beside its chunks."""


class Chunks:
    """The distinct chunks met so far, and the numbers of the words of each.

    Chunks are found by compiled loops over the bytes of the texts: 1.2 microseconds a text of 24 words, where polars'
    columns of strings (split, number, gather) took 2.8 and Python's own dictionary 5.
    """

    def __init__(
        self,
        cut_chunks: Callable[[Sequence[str]], Sequence[Sequence[str] | None]],
        number_words: Callable[[Sequence[str]], Sequence[int]],
    ) -> None:
        """Takes what cuts chunks, and what numbers their words."""
        self._cut_chunks = cut_chunks
        self._number_words = number_words
        self._slots = np.zeros(0, dtype=np.uint64)
        self._hashes = GrowingArray(np.uint64)
        self._spelled = GrowingArray(np.uint8)
        self._offsets = GrowingArray(np.int64)
        self._offsets.extend([0])
        self._words = GrowingArray(np.int32)
        self._starts = GrowingArray(np.int64)
        self._num_words = GrowingArray(np.int32)

    def __len__(self) -> int:
        return len(self._hashes)

    def number(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], IntArray]:
        """Returns the numbers of the words of N texts, one text after another, and how many each has: ``(N,)`` int64.

        A text that must be cut as a whole has a length of -1, and nothing among the numbers.
        """
        from meltpoint.text.chunk_loops import count_words, gather_words  # noqa: PLC0415 - numba, where it is needed

        chunks, chunk_ends = self._find(texts)
        num_words, lengths = self._num_words.values, np.empty(len(texts), dtype=np.int64)
        numbers = np.empty(count_words(chunks, chunk_ends, num_words, lengths), dtype=np.int32)
        gather_words(chunks, chunk_ends, self._starts.values, num_words, self._words.values, lengths, numbers)
        return numbers, lengths

    def _find(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], IntArray]:
        """Returns the chunks of all texts, and where those of each end; those never met before are cut."""
        from meltpoint.text.chunk_loops import count_chunks, find_chunks  # noqa: PLC0415

        text = np.frombuffer("".join(texts).encode(), dtype=np.uint8)
        ends, chunk_ends = _ends(text, texts), np.empty(len(texts), dtype=np.int64)
        count_chunks(text, ends, chunk_ends)
        chunks = np.empty(chunk_ends[-1] if len(texts) else 0, dtype=np.int32)
        num_before, number = len(self), 0
        # There is room for the chunks of a text before it is read, not for those of all: most have been met before.
        while number < len(texts):
            num_known = len(self)
            hashes = self._hashes.reserve(int(chunk_ends[number] - (chunk_ends[number - 1] if number else 0)))
            self._make_slots(len(hashes))
            spelled, offsets = self._spelled.reserve(len(text)), self._offsets.reserve(len(hashes))
            num_known, number = find_chunks(
                text, ends, chunk_ends, number, num_known, self._slots, hashes, spelled, offsets, chunks
            )
            self._hashes.keep(num_known)
            self._offsets.keep(num_known + 1)
            self._spelled.keep(int(offsets[num_known]))
        if len(self) > num_before:
            self._learn(num_before)
        return chunks, chunk_ends

    def _make_slots(self, num_chunks: int) -> None:
        """Makes slots for so many chunks, where there are not enough: at most every second one is taken."""
        from meltpoint.text.chunk_loops import fill_slots  # noqa: PLC0415

        if len(self._slots) < 2 * num_chunks:
            self._slots = np.zeros(1 << (2 * num_chunks - 1).bit_length(), dtype=np.uint64)
            fill_slots(self._hashes.values, self._slots)

    def _learn(self, first: int) -> None:
        """Cuts the chunks from a number on."""
        offsets = self._offsets.values[first:]
        spelled = self._spelled.values[offsets[0] :].tobytes()
        places = (offsets - offsets[0]).tolist()
        words = self._cut_chunks([spelled[start:end].decode() for start, end in pairwise(places)])
        num_words = np.array([DEPENDS if found is None else len(found) for found in words], dtype=np.int32)
        ends = len(self._words) + np.cumsum(num_words.clip(min=0), dtype=np.int64)
        self._words.extend(self._number_words([word for found in words for word in found or ()]))
        self._starts.extend(ends - num_words.clip(min=0))
        self._num_words.extend(num_words)


def _ends(text: NDArray[np.uint8], texts: Sequence[str]) -> IntArray:
    """Returns where each text ends in the bytes of all."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(lengths)
    if len(texts) and ends[-1] < len(text):
        from meltpoint.text.chunk_loops import find_ends  # noqa: PLC0415

        find_ends(text, lengths, ends)
    return ends
