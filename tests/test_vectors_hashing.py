"""Hashes of words: the same everywhere, of every part that counts, and of nothing around the word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.vectors.store.hashing import hash_words, join_words

MASK = 2**64 - 1


def hashed(words):
    return hash_words(*join_words(words)).tolist()


def mix(number):
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & MASK
    return number ^ (number >> 31)


def hash_slowly(word):
    result = mix(len(word))
    for start in range(0, min(len(word), 64), 8):
        eight = word[start : start + 8]
        result = mix(result ^ int.from_bytes(eight, "little") << 8 * (8 - len(eight)))
    return mix(result ^ int.from_bytes(word[-8:], "little")) if len(word) > 64 else result


@given(st.lists(st.binary(max_size=20) | st.binary(min_size=60, max_size=90), max_size=12))
def test_same_as_word_by_word(words):
    assert hashed(words) == [hash_slowly(word) for word in words]


def test_hashes_are_the_same_everywhere():
    # Stores written on one machine are read on another.
    assert hashed([b"", b"the", b"x" * 100]) == [0, 0x30ED98FCEABD724C, 0xBA14451E40D35809]


def test_words_that_differ_in_their_first_64_or_last_8_bytes_or_in_length_have_other_hashes():
    words = [b"a" * length for length in range(200)]
    words += [b"a" * place + b"b" + b"a" * (99 - place) for place in (*range(64), *range(92, 100))]
    words += [b"\0" * length for length in range(1, 20)]
    assert len(set(hashed(words))) == len(words)


def test_no_words():
    hashes = hash_words(*join_words([]))
    assert (hashes.shape, hashes.dtype) == ((0,), np.uint64)
