"""Packed texts against the same thing done row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.text import pack_texts, tokenizer_named

BLANKS = tokenizer_named("whitespace")
TEXTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=6).map(" ".join), min_size=1, max_size=8)


def test_interns_in_order_of_first_occurrence():
    packed = pack_texts(["b a b", "", "c a"], BLANKS)
    assert packed.lexicon == ("b", "a", "c")
    assert packed.ids.tolist() == [0, 1, 0, 2, 1]
    assert packed.offsets.tolist() == [0, 3, 3, 5]
    assert packed.lengths.tolist() == [3, 0, 2]
    assert (packed.ids.dtype, packed.offsets.dtype, len(packed)) == (np.int32, np.int64, 3)
    assert packed.row(0).tolist() == [0, 1, 0]
    assert packed.row(-1).tolist() == [2, 1]
    with pytest.raises(IndexError):
        packed.row(3)


@given(TEXTS, st.data())
def test_equals_row_by_row(texts, data):
    packed = pack_texts(texts, BLANKS)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6))
    max_length = data.draw(st.integers(1, 8))
    remap = np.array([1 + 7 * number for number in range(len(packed.lexicon))], dtype=np.int64)

    expected = [remap[packed.row(row)][:max_length].tolist() or [1] for row in rows]
    width = max(map(len, expected), default=1)
    padded = packed.padded(rows, max_length, remap)
    assert padded.dtype == np.int64
    assert padded.shape == (len(rows), width)
    assert padded.tolist() == [ids + [0] * (width - len(ids)) for ids in expected]

    tokens = [token for row in rows for token in texts[row].split()]
    assert packed.counts(rows).tolist() == [tokens.count(token) for token in packed.lexicon]
    assert packed.counts(rows).dtype == np.int64


def test_nothing_but_empty_texts():
    packed = pack_texts(["", ""], BLANKS)
    assert packed.padded([0, 1], 5, np.empty(0, dtype=np.int64)).tolist() == [[1], [1]]
    assert packed.counts([0]).tolist() == []
