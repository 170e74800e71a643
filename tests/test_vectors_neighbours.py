"""Neighbours and analogies: equal to gensim on real GloVe, in bounded memory, and clear about what cannot be asked."""

import gc
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.vectors import AbsentWordError, Vectors, neighbours, open_vectors
from meltpoint.vectors.neighbours import analogy, nearest, row_blocks, row_norms


@pytest.fixture(scope="module")
def peer(glove: Vectors) -> Any:
    """The same vectors in gensim."""
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")
    vectors = gensim.KeyedVectors(glove.dim)
    vectors.add_vectors(list(glove.words), np.array(glove.matrix))
    return vectors


@pytest.fixture
def small(tmp_path) -> Vectors:
    """Directions that can be followed by hand: east and north, their sum, their opposites, and nothing at all."""
    path = tmp_path / "small.txt"
    path.write_text(
        "east 2 0\nnorth 0 3\nnortheast 1 1\nwest -1 0\nsouth 0 -5\nnowhere 0 0\nEast 4 0\n", encoding="utf-8"
    )
    return open_vectors(path)


def words_of(answers):
    return [word for word, _ in answers]


def assert_same(ours, theirs):
    assert words_of(ours) == words_of(theirs)
    assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("word", ["frozen", "melting", "the", "paris", "2008", "n't", "o'brien", "xylophone"])
def test_nearest_is_gensims_most_similar(word, glove, peer):
    assert_same(nearest(glove, word, 20), peer.most_similar(word, topn=20))


def test_nearest_to_a_vector_is_gensims(glove, peer):
    direction = glove["ice"] * 3 - glove["steam"]
    assert_same(nearest(glove, direction, 12), peer.similar_by_vector(direction, topn=12))


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (["king", "woman"], ["man"]),
        (["paris", "germany"], ["france"]),
        (["better", "small"], ["good"]),
        (["ice", "water", "cold"], []),
        ("snow", ["cold", "winter"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")  # gensim's own call
@pytest.mark.parametrize(("objective", "method"), [("add", "most_similar"), ("mul", "most_similar_cosmul")])
def test_analogies_are_gensims(positive, negative, objective, method, glove, peer):
    theirs = getattr(peer, method)(positive=positive, negative=negative, topn=10)
    assert_same(analogy(glove, positive, negative, 10, objective=objective), theirs)


def test_by_hand(small):
    assert nearest(small, "east", 3) == [
        ("East", pytest.approx(1.0)),
        ("northeast", pytest.approx(0.5**0.5)),
        ("north", pytest.approx(0.0)),
    ]
    assert analogy(small, ["east", "north"], k=1) == [("northeast", pytest.approx(1.0))]
    ((word, score), *_) = analogy(small, ["north"], ["east"], objective="mul")
    assert (word, score) == ("west", pytest.approx(0.5 / 1e-6, rel=1e-4))


def test_of_equal_cosines_the_first_row_comes_first(small):
    assert words_of(nearest(small, np.array([1.0, 0.0]), 2)) == ["east", "East"]
    assert words_of(nearest(small, np.array([0.0, 1.0]), 5)) == ["north", "northeast", "east", "west", "nowhere"]


def test_no_cosine_is_beyond_one(glove):
    for word in ("ice", "steam", "the"):
        assert nearest(glove, glove[word], 1)[0][1] <= 1


def test_more_than_there_are_are_all(small):
    assert len(nearest(small, "east", 100)) == len(small) - 1


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_the_size_of_blocks_changes_nothing(rows, small, monkeypatch):
    expected = nearest(small, "northeast", 6)
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", 4 * small.dim * rows)
    monkeypatch.setattr(neighbours, "_SPARE", 0)
    assert nearest(small, "northeast", 6) == expected
    assert list(row_blocks(small))[-1][1] == len(small)


@settings(deadline=None, max_examples=20)
@given(k=st.integers(1, 12), seed=st.integers(0, 1000))
def test_the_best_are_those_of_a_full_comparison(k, seed, glove):
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal(glove.dim)
    head = np.asarray(glove.matrix, dtype=np.float64)[: 1 << 12]
    cosines = head @ direction / np.linalg.norm(head, axis=1) / np.linalg.norm(direction)
    best = nearest(glove, direction, k)
    assert best[0][1] >= cosines.max() - 1e-9
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)


def test_norms_are_kept_while_the_vectors_are(small):
    norms = row_norms(small)
    assert norms.tolist() == [2, 3, pytest.approx(2**0.5), 1, 5, 1, 4]
    assert row_norms(small) is norms
    kept = len(neighbours._norms)
    del small, norms
    gc.collect()
    assert len(neighbours._norms) <= kept


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda v: nearest(v, "easst"), "expected a word of small.txt, found 'easst'.*Near it are: 'east'"),
        (lambda v: analogy(v, ["east"], ["nrth"]), "found 'nrth'"),
        (lambda v: nearest(v, "east", 0), "expected a positive number of words for k, found 0"),
        (lambda v: nearest(v, "east", True), "found True"),
        (lambda v: nearest(v, "nowhere"), "expected a direction to look in: 2 finite numbers.*2 numbers, all of them"),
        (lambda v: analogy(v, ["east", "west"]), "words that cancel each other out"),
        (lambda v: nearest(v, np.ones(3)), "2 finite numbers, not all zero; found 3 numbers"),
        (lambda v: nearest(v, np.ones((2, 1))), r"found an array of the shape \(2, 1\)"),
        (lambda v: nearest(v, np.array([np.nan, 1])), "2 finite numbers"),
        (lambda v: analogy(v, []), "at least one positive word"),
        (lambda v: analogy(v, ["east"], objective="sub"), r"expected 'add' \(3CosAdd\) or 'mul' .* found 'sub'"),
    ],
)
def test_what_cannot_be_asked(ask, message, small):
    with pytest.raises(InputError) as caught:
        ask(small)
    assert re.search(message, str(caught.value))


def test_an_absent_word_is_a_key_error(small):
    with pytest.raises(AbsentWordError):
        nearest(small, "up")
