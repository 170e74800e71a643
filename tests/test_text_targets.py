"""Targets of each task, read from cells; and what is said of cells that cannot be."""

import numpy as np
import pytest

from meltpoint.errors import DataFileError, InputError
from meltpoint.text import LABEL_SETS, RELEVANCE, TAGS, corpus_from_lists, read_corpus


def label_sets(labels, **test):
    return corpus_from_lists([f"text {n}" for n in range(len(labels))], labels, targets=LABEL_SETS, **test)


@pytest.mark.parametrize(
    "labels",
    [
        ["a|b", "none", "b", "a", "b", "b|a"],
        [["a", "b"], [], ["b"], ["a"], ["b"], ["b", "a"]],
        ["a;b", "-", *"bab", "b;a"],
    ],
)
def test_sets_of_labels(labels):
    corpus = label_sets(labels)
    assert corpus.classes == ("a", "b")
    assert corpus.label_ids.tolist() == [[1, 1], [0, 0], [0, 1], [1, 0], [0, 1], [1, 1]]
    assert corpus.notes == ("1 training rows hold no label, as they say",)


def test_a_label_that_only_test_rows_have_is_told():
    corpus = label_sets(["a|b", "b", "a", "b"], test_texts=["new"], test_labels=["c"])
    assert corpus.class_counts == {"a": 2, "b": 3, "c": 0}
    assert "no model can find them, count as missed: 'c' (1 times)" in corpus.notes[-1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a|b", "", "a", "b"], r"texts\[1\] has no labels\. Where a row holds none of them, write 'none'"),
        (["a|b", "a||b", "a", "b"], r"texts\[1\]: expected labels with '\|' between them, found 'a\|\|b'"),
        (["a", "a", "a"], "hold one label, 'a'"),
        (["[1, ", "a", "b"], "begin like a JSON list but are none"),
    ],
)
def test_bad_sets_of_labels(labels, message):
    with pytest.raises((DataFileError, InputError), match=message):
        label_sets(labels)


def pairs(labels, groups, **options):
    count = len(labels)
    given = {"second_texts": [f"answer {n}" for n in range(count)], "groups": groups, **options}
    return corpus_from_lists(["question"] * count, labels, targets=RELEVANCE, **given)


def test_pairs():
    corpus = pairs([1, 0, "0", True, 1], ["a", "a", "b", "b", "c"])
    assert corpus.label_ids.tolist() == [1, 0, 0, 1, 1]
    assert corpus.second_texts == tuple(f"answer {n}" for n in range(5))
    assert "1 question of the training rows with a single candidate" in corpus.notes[-1]


def test_questions_without_a_right_answer_are_told():
    notes = pairs([1, 0, 0, 0], ["a", "a", "b", "b"]).notes
    assert notes == (
        "1 question of the training rows without a right answer: left out of the score, as trec_eval does",
    )


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([1, 2], {}, r"texts\[1\]: for ranking the label \(column 'labels'\) is 1 where .* found '2'"),
        ([0, 0], {}, "All 2 training pairs of texts are labelled 0"),
        ([0, 1], {"second_texts": None}, "name the column of the second text, the answers, with --second-text"),
        ([0, 1], {"groups": None}, "belong to one question: name the column with --group"),
        (
            [0, 1],
            {"test_texts": ["q"], "test_labels": [1], "test_second_texts": ["x"], "test_groups": ["a"]},
            r"1 question stands on both sides of the given split: group 'a' has a training row at texts\[0\] and a "
            r"test row at test_texts\[0\]",
        ),
    ],
)
def test_bad_pairs(labels, options, message):
    with pytest.raises((DataFileError, InputError), match=message):
        pairs(labels, options.pop("groups", ["a", "b"]), **options)


CONLL = "-DOCSTART- -X- O\n\nAnna NNP B-PER\nsaw VBD O\nNew NNP B-LOC\nYork NNP I-LOC\n\nit PRP O\n"


def test_a_conll_file(tmp_path):
    path = tmp_path / "news.conll"
    path.write_text(CONLL)
    corpus = read_corpus(path, targets=TAGS)
    assert corpus.texts == ("Anna saw New York", "it")
    assert corpus.classes == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert corpus.label_ids.tolist() == [[3, 0, 1, 2], [0, -100, -100, -100]]
    assert corpus.class_counts == {"O": 2, "B-LOC": 1, "I-LOC": 1, "B-PER": 1, "I-PER": 0}
    assert corpus.strata.dtype == np.int64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("B-LOC", "I-LOC"),
            r"news\.conll:5: 'I-LOC' goes on with nothing after 'O' \(token 'New'\).* begins with 'B-LOC'",
        ),
        (("I-LOC", "I-PER"), r"news\.conll:6: 'I-PER' goes on with nothing after 'B-LOC'"),
        (("B-PER", "S-PER"), r"news\.conll:3: a tag is O, B-TYPE or I-TYPE .* found 'S-PER'"),
        (("saw VBD O", "saw O"), r"news\.conll:4 has 2 columns, expected 3"),
    ],
)
def test_bad_tags(change, message, tmp_path):
    path = tmp_path / "news.conll"
    path.write_text(CONLL.replace(*change))
    with pytest.raises(DataFileError, match=message):
        read_corpus(path, targets=TAGS)
