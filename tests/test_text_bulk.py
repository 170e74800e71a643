"""Texts by the thousand are cut as each by itself."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.text import BulkTexts, Tokenizer, tokenizer_named, tokenizer_names
from meltpoint.text import bulk as bulk_module
from meltpoint.text.chunk_loops import fill_slots, find_chunks
from meltpoint.text.growing import GrowingArray

# What stands beside a chunk, the end of a text, other spellings and other blanks are where cutting may go wrong.
HARD = [
    "",
    " ",
    "  two  blanks ",
    "no. 5",
    "No. five",
    "x-no. 7",
    ".5no. 5",
    "anti- war",
    "anti-",
    "pro- and con",
    "j. smith",
    "(j. 5",
    "the u.s. 5",
    "anti-u.s. forces",
    "ab.c. d",
    "a<br />b",
    "x<br",
    "<br>x",
    "do n't stop, don't",
    "'s it",
    "x -lrb- y -RRB-",
    "a\tb\nno.\t5 no.\u00a05 \u00e9no.\u00ad 5",
    "\u0301a \u0301 e\u0301 b",
    "caf\u00e9 \u2019s it do n\u2019t",
    "&nbsp; a&nbsp;b &amp; &#39;s",
    "\x85 a\x1cb",
    "\u03a3\u0391\u03a3 \u0130x J. \u00c9",
    " -- - . .. wait...",
]
texts_of_marks = st.lists(st.text(alphabet=string.printable + "\u00e9\u2019\u00ad\u00a0", max_size=40), max_size=6)
texts_of_pieces = st.lists(
    st.lists(st.sampled_from([*"aj.-'<(\"&/5 ", "no", "anti", "n't", "'s", "u.s.", "br", "  "]), max_size=9).map(
        "".join
    )
)


class Numbers:
    """Numbers words in the order in which they come."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def __call__(self, words):
        return [self.words.setdefault(word, len(self.words)) for word in words]

    def read(self, found):
        spelled = list(self.words)
        ends = zip(found.starts.tolist(), found.lengths.tolist(), strict=True)
        return [[spelled[number] for number in found.numbers[start : start + length]] for start, length in ends]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(bulk_module, "_FEW_TEXTS", 0)


def check(tokenizer: Tokenizer, *batches) -> BulkTexts:
    numbers = Numbers()
    bulk = BulkTexts(tokenizer, numbers)
    for texts in batches:
        assert numbers.read(bulk.number(texts)) == [tokenizer(text) for text in texts]
    return bulk


@pytest.mark.parametrize("name", tokenizer_names())
def test_hard_texts_are_cut_as_each_by_itself(name):
    check(tokenizer_named(name), HARD, [], HARD[::-1] + [first + " " + last for first in HARD for last in HARD])


@pytest.mark.parametrize("name", ["treebank-lower", "treebank", "whole", "whitespace-lower"])
@given(texts=texts_of_marks | texts_of_pieces)
def test_any_texts_are_cut_as_each_by_itself(name, texts):
    check(tokenizer_named(name), texts, texts)


def test_a_chunk_is_cut_once():
    cut = []

    def cut_chunks(chunks):
        cut.extend(chunks)
        return [chunk.split() for chunk in chunks]

    bulk = check(Tokenizer("counted", str.split, words="", cut_chunks=cut_chunks), ["a b a", "b"], ["c a", ""])
    assert sorted(cut) == ["", "a", "b", "c"]
    assert bulk.num_remembered == 4
    bulk.forget()
    assert bulk.num_remembered == 0


def test_few_texts_are_cut_one_by_one(monkeypatch):
    monkeypatch.setattr(bulk_module, "_FEW_TEXTS", 3)
    assert check(tokenizer_named("whitespace"), ["a b", "c"]).num_remembered == 0


def test_texts_are_cut_gathered_and_padded():
    found = BulkTexts(tokenizer_named("whitespace"), lambda words: [len(word) for word in words]).number(
        ["aa bbb cccc", "", "ddddd"]
    )
    read = found.cut(2)
    assert read.lengths.tolist() == [2, 1, 1]
    assert read.take(np.array([2, 1, 0])).padded().tolist() == [[5, 0], [1, 0], [2, 3]]
    assert found.take(np.empty(0, dtype=np.int64)).cut(2).padded().shape == (0, 1)


def test_chunks_are_found_again_when_there_are_many():
    texts = [f"{number} {number * 7919} x{number % 977}" for number in range(20_000)]
    check(tokenizer_named("whitespace"), *(texts[first : first + 1500] for first in range(0, 20_000, 1500)), texts)


def test_chunks_of_one_hash_are_told_apart_by_their_bytes():
    text, ends = np.frombuffer(b"ab", dtype=np.uint8), np.array([1, 2])
    found, slots = np.empty(2, dtype=np.int32), np.zeros(8, dtype=np.uint64)
    hashes, offsets = np.zeros(4, dtype=np.uint64), np.zeros(5, dtype=np.int64)
    state = (hashes, np.zeros(4, dtype=np.uint8), offsets)
    assert find_chunks(text, ends, np.array([1, 2]), 0, 0, slots, *state, found) == (2, 2)
    # As if the second chunk had the hash of the first: looked for again, it is met there and passed over.
    ours, hashes[0] = hashes[0], hashes[1]
    slots[:] = 0
    fill_slots(hashes[:2], slots)
    assert find_chunks(text[1:], np.array([1]), np.array([1]), 0, 2, slots, *state, found) == (2, 1)
    assert found[0] == 1
    assert ours != hashes[0]


def test_an_array_grows():
    array = GrowingArray(np.int32)
    for number in range(100):
        array.extend([number] * (number % 3))
    assert array.values.tolist() == [number for number in range(100) for _ in range(number % 3)]
    assert len(array) == 99
