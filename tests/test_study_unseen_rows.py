"""Gains where words are unseen: which units hold such words, also where a unit is a question of several rows."""

from types import SimpleNamespace

import numpy as np
import pytest

from meltpoint.studies import StudyPlan, compare_unseen_rows
from meltpoint.studies.findings import Findings
from meltpoint.text import CLASSES, RELEVANCE, corpus_from_lists, tokenizer_for
from meltpoint.trial import prepare_data, rows_for

SEEN, NEW = ["film", "plot", "actor", "music"], "volcano"


def make_plan(policies=("frozen", "scaled")):
    return StudyPlan(
        study="digest",
        seed=0,
        architectures=("average",),
        policies=policies,
        sizes=(6,),
        max_repeats=2,
        search_trials=1,
        num_folds=2,
        unknown="zero",
        max_tokens=16,
        rope_points=0.5,
    )


def make_findings(corpus, vectors, places):
    """Findings whose chosen models put rows in the places that each policy is said to."""
    findings = Findings(make_plan(), prepare_data(corpus, vectors, tokenizer_for(vectors)), {})
    findings.chosen = lambda architecture, policy, repeat, size: SimpleNamespace(
        predicted=places[policy][findings.test_rows(repeat)]
    )
    return findings


def test_a_question_holds_what_any_of_its_pairs_holds(glove):
    """Test questions 0 and 1 have one answer each with a new word; of 2, 3 and 4 no word is new."""
    train = [
        (f"{SEEN[n % 4]} {SEEN[(n + 1) % 4]}", f"the {SEEN[n % 4]}", 1 - row, f"t{n}")
        for n in range(8)
        for row in (0, 1)
    ]
    test = [
        ("film plot", f"the {NEW if number < 2 and row == 1 else 'film'}", int(row == 0), f"q{number}")
        for number in range(5)
        for row in (0, 1)
    ]
    # Group names in a shuffled order of rows: the pairs of a question do not stand together.
    order = np.random.default_rng(0).permutation(len(test))
    test = [test[place] for place in order]
    corpus = corpus_from_lists(
        [one[0] for one in train],
        [one[2] for one in train],
        second_texts=[one[1] for one in train],
        groups=[one[3] for one in train],
        test_texts=[one[0] for one in test],
        test_labels=[one[2] for one in test],
        test_second_texts=[one[1] for one in test],
        test_groups=[one[3] for one in test],
        targets=RELEVANCE,
    )
    right = 1 - corpus.label_ids  # the right answer in place 0
    wrong_for_new = right.copy()
    new = np.isin(corpus.groups, corpus.groups[[row for row, text in enumerate(corpus.second_texts) if NEW in text]])
    assert new.sum() == 4
    wrong_for_new[new] = corpus.label_ids[new]
    findings = make_findings(corpus, glove, {"frozen": right, "scaled": wrong_for_new})
    found = compare_unseen_rows(findings, "average", "scaled", 6, 2)
    assert found.num_repeats == 2
    assert found.share == pytest.approx(2 / 5)
    # Average precision is 1 with the right answer first, 1/2 with it second.
    assert (found.inside.points, found.outside.points) == pytest.approx((-50.0, 0.0))
    assert found.mean_scores == pytest.approx((50.0, 100.0, 100.0, 100.0))


def test_rows_with_new_words_where_folds_rotate(glove):
    texts = [f"{SEEN[n % 4]} {SEEN[n // 4 % 4]}" for n in range(24)]
    texts[5] += f" {NEW}"
    corpus = corpus_from_lists(texts, ["good", "bad"] * 12, targets=CLASSES)
    right, wrong = corpus.label_ids, 1 - corpus.label_ids
    findings = make_findings(corpus, glove, {"frozen": wrong, "scaled": right})
    found = compare_unseen_rows(findings, "average", "scaled", 6, 2)
    test_of = [rows_for(findings.data, repeat, num_folds=2, seed=0)[1] for repeat in range(2)]
    # A row is tested once; six training rows do not hold every word, so more rows than that one hold a new word.
    assert 5 in np.concatenate(test_of)
    assert 1 / 24 <= found.share < 1
    assert found.inside.points == pytest.approx(100.0)
