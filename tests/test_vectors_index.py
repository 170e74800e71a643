"""The index against a dictionary, with honest hashes and with hashes that collide."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.vectors.store import index as index_module
from meltpoint.vectors.store.hashing import hash_words, join_words
from meltpoint.vectors.store.index import ABSENT, WordIndex, sort_hashes


def build_index(words: list[bytes]) -> WordIndex:
    text, offsets = join_words(words)
    hashes, order = sort_hashes(index_module.hash_words(text, offsets))
    return WordIndex(data=memoryview(text), offsets=offsets, hashes=hashes, order=order)


def colliding_hashes(_text, offsets):
    """Few values, the largest among them: searches end at and beyond the end of the table."""
    return (2**64 - 1 - np.diff(offsets).astype(np.uint64) % 3).astype(np.uint64)


few_words = st.lists(st.binary(max_size=3), unique=True, min_size=1, max_size=40)


@pytest.mark.parametrize("hashing", [hash_words, colliding_hashes])
@settings(max_examples=150, deadline=None)
@given(few_words, st.lists(st.binary(max_size=3), max_size=60))
def test_find_equals_a_dictionary(hashing, words, wanted):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "hash_words", hashing)
        found = build_index(words).find([*wanted, *words])
    rows = {word: row for row, word in enumerate(words)}
    assert found.tolist() == [rows.get(word, ABSENT) for word in [*wanted, *words]]
    assert found.dtype == np.int64


def test_finding_nothing():
    found = build_index([b"a"]).find([])
    assert (found.shape, found.dtype) == ((0,), np.int64)
