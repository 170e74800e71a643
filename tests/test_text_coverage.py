"""Coverage, and the reasons that unknown words are given."""

import numpy as np
import pytest

from meltpoint.text import Vocabulary, measure_coverage, tokenizer_named, warn_text


class FewVectors:
    def __init__(self, *words):
        self.words = words

    def knows(self, words):
        return np.array([word in self.words for word in words], dtype=np.bool_)


VECTORS = FewVectors("film", "Paris", "well", "made", "email", "do", "n't", "would", "'ve", "o'brien", "dont")


def test_counts_types_and_tokens():
    coverage = measure_coverage(VECTORS, ["<pad>", "film", "well", "xyz"], [0, 6, 1, 3])
    assert (coverage.types, coverage.types_found, coverage.tokens, coverage.tokens_found) == (3, 2, 10, 7)
    assert coverage.by_type == pytest.approx(2 / 3)
    assert coverage.by_token == pytest.approx(0.7)


def test_no_words_are_all_covered():
    coverage = measure_coverage(VECTORS, [], [])
    assert (coverage.by_type, coverage.by_token, coverage.unknown) == (1.0, 1.0, ())
    assert warn_text(coverage) is None


@pytest.mark.parametrize(
    ("word", "reason", "suggestion"),
    [
        ("FILM", "case", "film"),
        ("paris", "case", "Paris"),
        ("well-made", "hyphen", "well made"),
        ("e-mail", "hyphen", "email"),
        ("don't", "contraction", "do n't"),
        ("would've", "contraction", "would 've"),
        ("would\u2019ve", "contraction", "would 've"),
        ("2024", "digits", None),
        ("well-made2", "digits", None),
        ("<user>", "markup", None),
        ("http://a.b", "markup", None),
        ("me@x.org", "markup", None),
        ("#tag", "markup", None),
        ("-", "not in the vectors", None),
        ("'", "not in the vectors", None),
        ("zyx", "not in the vectors", None),
    ],
)
def test_says_why_a_word_is_unknown(word, reason, suggestion):
    (unknown,) = measure_coverage(VECTORS, [word], [2]).unknown
    assert (unknown.word, unknown.count, unknown.reason, unknown.suggestion) == (word, 2, reason, suggestion)


def test_names_the_most_frequent():
    coverage = measure_coverage(VECTORS, ["u", "z", "film", "v", "w"], [1, 5, 9, 5, 2], num_unknown=3)
    assert [(unknown.word, unknown.count) for unknown in coverage.unknown] == [("v", 5), ("z", 5), ("w", 2)]


def test_warns_below_one_half():
    assert warn_text(measure_coverage(VECTORS, ["film", "xyz"], [1, 1])) is None
    text = warn_text(measure_coverage(VECTORS, ["film", "xyz"], [1, 3]))
    assert "Only 25%" in text
    assert "1 of 4" in text
    assert "another language" in text
    assert "'xyz'" in text


def test_on_real_vectors(glove):
    tokenizer = tokenizer_named("treebank-lower")
    vocabulary = Vocabulary.from_texts(["It's a well-known qzxw-film, isn't it?"], tokenizer=tokenizer)
    coverage = measure_coverage(glove, vocabulary.words, vocabulary.counts)
    assert [unknown.word for unknown in coverage.unknown] == ["qzxw-film"]
    assert coverage.tokens == 10
    assert coverage.tokens_found == 9
