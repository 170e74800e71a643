"""The vectors of fastText's words, composed at the speed of memory: the loop of ``vectors.subwords``, compiled."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

_FNV_OFFSET_BASIS = np.uint32(2166136261)
_FNV_PRIME = np.uint32(16777619)
_SIGN_BITS = np.uint32(0xFFFFFF00)
_LESS, _GREATER = ord("<"), ord(">")


@compiled
def compose_words(
    text: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    buckets: NDArray[np.float32],
    min_n: int,
    max_n: int,
    rows: NDArray[np.float32],
) -> None:
    """Turns the words' own rows into the words' vectors: the mean of the own row and the rows of the n-grams.

    Args:
        text: The UTF-8 of n words, end to end.
        offsets: Shape (n + 1,), int64: word i is ``text[offsets[i]:offsets[i + 1]]``.
        buckets: Shape (number of buckets, D), float32, aligned or not.
        min_n: The fewest characters of an n-gram.
        max_n: The most characters of an n-gram.
        rows: Shape (n, D), float32: the words' own rows; changed in place.
    """
    num_buckets, dim = buckets.shape
    longest = 0
    for word in range(len(rows)):
        longest = max(longest, offsets[word + 1] - offsets[word])
    marked = np.empty(longest + 2, dtype=np.uint8)
    starts = np.empty(longest + 3, dtype=np.int64)
    for word in range(len(rows)):
        size = offsets[word + 1] - offsets[word] + 2
        marked[0] = _LESS
        marked[1 : size - 1] = text[offsets[word] : offsets[word + 1]]
        marked[size - 1] = _GREATER
        num_characters = 0
        for position in range(size):
            if marked[position] & 0xC0 != 0x80:
                starts[num_characters] = position
                num_characters += 1
        starts[num_characters] = size
        last = num_characters - 1
        summands = 1
        for first in range(num_characters):
            value = _FNV_OFFSET_BASIS
            position = starts[first]
            for length in range(1, min(max_n, num_characters - first) + 1):
                while position < starts[first + length]:
                    byte = np.uint32(marked[position])
                    if byte >= 0x80:
                        byte |= _SIGN_BITS
                    value = np.uint32((value ^ byte) * _FNV_PRIME)
                    position += 1
                if length < min_n or (length == 1 and (first == 0 or first == last)):  # noqa: PLR1714 - compiled
                    continue
                bucket = value % num_buckets
                for column in range(dim):
                    rows[word, column] += buckets[bucket, column]
                summands += 1
        for column in range(dim):
            rows[word, column] /= np.float32(summands)
