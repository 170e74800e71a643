"""n-grams and their hashes, equal to gensim's port of fastText for any word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.vectors.subwords import Subwords, hash_ngram, ngrams_of

gensim = pytest.importorskip("gensim.models.fasttext_inner", reason="gensim is not installed")
any_word = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(any_word, st.integers(0, 5), st.integers(0, 8))
def test_ngrams_are_fasttexts(word, min_n, max_n):
    ngrams = list(ngrams_of(word.encode(), min_n, max_n))
    assert ngrams == gensim.compute_ngrams_bytes(word, min_n, max_n)


@given(st.binary(max_size=12))
def test_hash_is_fasttexts(ngram):
    assert hash_ngram(ngram) == gensim.ft_hash_bytes(ngram)


def test_vector_is_the_mean_of_the_buckets():
    matrix = np.array([[1, 0], [0, 4]], dtype=np.float32)
    subwords = Subwords(matrix=matrix, min_n=3, max_n=3)
    buckets = [hash_ngram(ngram) % 2 for ngram in (b"<ca", b"cat", b"at>")]
    np.testing.assert_array_equal(subwords.compose(b"cat"), matrix[buckets].mean(axis=0), strict=True)
    assert subwords.covers(b"cat")


def test_words_without_ngrams():
    subwords = Subwords(matrix=np.ones((2, 2), dtype=np.float32), min_n=3, max_n=6)
    for word in (b"", b"</s>"):  # too short; and the line end, which fastText never takes apart
        assert not subwords.covers(word)
        assert subwords.compose(word) is None
