"""The vocabulary: order, unknown words, saving."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.text import Vocabulary, tokenizer_named

BLANKS = tokenizer_named("whitespace")


def test_orders_by_count_and_then_by_spelling():
    vocabulary = Vocabulary.from_texts(["b a c a", "b d"], tokenizer=BLANKS)
    assert vocabulary.words == ("<pad>", "<unk>", "a", "b", "c", "d")
    assert vocabulary.counts.tolist() == [0, 0, 2, 2, 1, 1]
    assert (vocabulary.pad_index, vocabulary.unknown_index, len(vocabulary)) == (0, 1, 6)


def test_rare_words_are_unknown_and_counted_as_such():
    vocabulary = Vocabulary.from_texts(["a a b c"], tokenizer=BLANKS, min_count=2)
    assert vocabulary.to_list() == [["<pad>", 0], ["<unk>", 2], ["a", 2]]
    assert "b" not in vocabulary
    assert "a" in vocabulary


def test_encodes_one_text_or_many():
    vocabulary = Vocabulary.from_texts(["it's a film"], tokenizer=tokenizer_named("treebank-lower"))
    one = vocabulary.encode("It's new")
    assert one.dtype == np.int64
    assert [vocabulary.words[index] for index in one] == ["it", "'s", "<unk>"]
    many = vocabulary.encode(["a film", ""])
    assert [array.tolist() for array in many] == [[vocabulary.index("a"), vocabulary.index("film")], []]
    assert many[1].dtype == np.int64


@pytest.mark.parametrize("literal", ["<pad>", "<unk>"])
def test_special_words_in_the_text_are_unknown(literal):
    vocabulary = Vocabulary.from_texts([f"a {literal} {literal}"], tokenizer=BLANKS)
    assert vocabulary.words == ("<pad>", "<unk>", "a")
    assert vocabulary.counts.tolist() == [0, 2, 1]
    assert vocabulary.index(literal) == vocabulary.unknown_index
    assert literal not in vocabulary


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.integers(1, 50), max_size=20))
def test_survives_json(counts):
    vocabulary = Vocabulary.from_counts(counts)
    again = Vocabulary.from_list(json.loads(json.dumps(vocabulary.to_list())), tokenizer=BLANKS)
    assert again.words == vocabulary.words
    assert again.counts.tolist() == vocabulary.counts.tolist()
    assert vocabulary.counts.sum() == sum(counts.values())
    assert vocabulary.counts[2:].tolist() == sorted(vocabulary.counts[2:].tolist(), reverse=True)


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (["<pad>", "<unk>"], r"Entry 0 .* pair \(word, count\); found '<pad>'"),
        ([["a", 1]], "'<pad>' and '<unk>' first"),
        ([["<pad>", 0], ["<unk>", 0], ["a", 1], ["a", 1]], "distinct words"),
        ([["<pad>", 0], ["<unk>", 0], ["<pad>", 1]], "distinct words"),
    ],
)
def test_refuses_a_damaged_list(entries, text):
    with pytest.raises(InputError, match=text):
        Vocabulary.from_list(entries, tokenizer=BLANKS)
