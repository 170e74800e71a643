"""Choices: by validation rows alone. Test rows, and their labels, have no part in them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import meltpoint.trial.splits
from meltpoint.errors import MeltpointError
from meltpoint.randomness import generator
from meltpoint.studies import Findings, InProcess, StudyPlan, TrialRecord
from meltpoint.studies.findings import choose
from meltpoint.tasks import Judged
from meltpoint.text import corpus_from_lists, tokenizer_for
from meltpoint.trial import TFIDF, TrialData, TrialResult, prepare_data, rows_for

CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]
CELLS = [("average", "frozen"), ("average", "scaled"), (TFIDF, TFIDF)]


def sentences(num_rows):
    """Short sentences whose two cue words give the class away, but for every third, which is labelled wrongly."""
    random = generator(0, "sentences")
    labels = [("good", "bad")[row % 2] for row in range(num_rows)]
    cues = [("bad" if label == "good" else "good") if row % 3 == 0 else label for row, label in enumerate(labels)]
    return [" ".join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)]) for cue in cues], labels


def make_plan(**changes):
    plan = StudyPlan(
        study="digest",
        seed=0,
        architectures=("average",),
        policies=("frozen", "scaled"),
        sizes=(40,),
        max_repeats=2,
        search_trials=2,
        num_folds=3,
        unknown="zero",
        max_tokens=16,
        rope_points=0.5,
    )
    return replace(plan, **changes)


def run_all(plan, data):
    """Runs every search of the first repeat."""
    findings = Findings(plan, data, {})
    with InProcess(data) as executor:
        for search in plan.searches(0):
            executor.start(search)
            findings.records.update({record.spec.signature: record for record in executor.finished(0)})
    return findings


def trials_of(plan, repeat):
    return [spec for search in plan.searches(repeat) for spec in search]


def choices(findings):
    return {cell: findings.chosen(*cell, 0, 40).spec.configuration for cell in CELLS}


def with_permuted_labels(data: TrialData, rows) -> TrialData:
    labels = data.label_ids.copy()
    labels[rows] = generator(1, "permutation").permutation(labels[rows])
    assert (labels != data.label_ids).any()
    return replace(data, label_ids=labels)


def test_labels_of_a_given_test_set_change_no_choice(glove):
    texts, labels = sentences(120)
    corpus = corpus_from_lists(texts[:60], labels[:60], test_texts=texts[60:], test_labels=labels[60:])
    data = prepare_data(corpus, glove, tokenizer_for(glove))
    permuted = with_permuted_labels(data, np.flatnonzero(data.is_test))
    before, after = run_all(make_plan(), data), run_all(make_plan(), permuted)
    assert choices(before) == choices(after)
    for cell in CELLS:
        one, other = before.chosen(*cell, 0, 40), after.chosen(*cell, 0, 40)
        assert one.predicted.tobytes() == other.predicted.tobytes()
        assert one.result.looks == other.result.looks
        assert one.result.validation_score == other.result.validation_score
        assert one.test_score != other.test_score


def test_labels_of_a_rotating_test_fold_change_no_choice(glove, monkeypatch):
    texts, labels = sentences(90)
    data = prepare_data(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    before = run_all(make_plan(), data)
    _, test = rows_for(data, 0, num_folds=3, seed=0)
    # Folds are stratified by all labels; given the folds, the labels of the tested one must make no difference.
    partition = meltpoint.trial.splits.folds(
        data.label_ids, groups=None, num_folds=3, seed=meltpoint.trial.splits.seed_for(0, "folds", 0) % 2**32
    )
    monkeypatch.setattr(meltpoint.trial.splits, "folds", lambda *_, **__: partition)
    after = run_all(make_plan(), with_permuted_labels(data, test))
    assert choices(before) == choices(after)
    for cell in CELLS:
        one, other = before.chosen(*cell, 0, 40), after.chosen(*cell, 0, 40)
        assert one.predicted.tobytes() == other.predicted.tobytes()


def result(validation_score, validation_loss, *, test_score=0.5, predicted=(0,), ending="converged"):
    return TrialResult(
        ending=ending,
        validation_score=validation_score,
        validation_loss=validation_loss,
        train_score=0.9,
        test_score=test_score,
        predicted=np.array(predicted, dtype=np.int16),
        best_step=1,
        steps=1,
        trainable_parameters=1,
    )


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([(0.7, 0.5), (0.8, 0.9), (0.6, 0.1)], 1),
        ([(0.8, 0.5), (0.8, 0.4), (0.8, 0.6)], 1),
        ([(0.8, 0.4), (0.8, 0.4), (0.8, 0.4)], 0),
        ([None, (0.5, 0.7), None], 1),
    ],
    ids=["accuracy", "ties by loss", "then the order of the search", "those that trained"],
)
def test_validation_rows_choose(scores, chosen):
    trials = list(make_plan(search_trials=3).policy_search("average", "frozen", 0, 40))
    records = {
        # The worse on validation rows, the better on test rows: that must not help.
        spec.signature: TrialRecord(spec=spec, result=None, failure="diverged")
        if score is None
        else TrialRecord(spec=spec, result=result(*score, test_score=1 - score[0]))
        for spec, score in zip(trials, scores, strict=True)
    }
    assert choose(trials, records).spec == trials[chosen]
    del records[trials[2].signature]
    assert choose(trials, records) is None


def dropped(*scores):
    return replace(result(*scores), ending="dropped", train_score=None, test_score=None, predicted=None)


def test_a_dropped_trial_is_not_chosen_though_a_later_look_of_a_rival_is_no_better():
    trials = make_plan(search_trials=3).policy_search("average", "frozen", 0, 40)
    results = [dropped(0.7, 0.5), result(0.7, 0.5, predicted=[1]), dropped(0.7, 0.4)]
    records = {spec.signature: TrialRecord(spec=spec, result=each) for spec, each in zip(trials, results, strict=True)}
    choice = choose(trials, records)
    assert choice.spec == trials[1]
    assert choice.result is results[1]
    assert (choice.test_score, choice.predicted.tolist()) == (0.5, [1])


def test_a_policy_whose_every_configuration_diverges_is_an_error():
    trials = list(make_plan().policy_search("average", "frozen", 0, 40))
    records = {spec.signature: TrialRecord(spec=spec, result=None, failure="Loss is nan.") for spec in trials}
    message = r"configuration of average / frozen at 40 rows, repeat 1, diverged\. learning rate 0\.001: Loss is nan"
    with pytest.raises(MeltpointError, match=message):
        choose(trials, records)


def test_scores_stand_where_a_repeat_tested_and_nowhere_else(glove):
    texts, labels = sentences(30)
    data = prepare_data(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    plan = make_plan(search_trials=1, sizes=(20,))
    records = {}
    for repeat in range(2):
        _, rows = rows_for(data, repeat, num_folds=3, seed=0)
        for spec in trials_of(plan, repeat):
            records[spec.signature] = TrialRecord(spec=spec, result=result(0.5, 0.5, predicted=[0] * len(rows)))
    findings = Findings(plan, data, records)
    scores = findings.scores("average", "frozen", 20, 2)
    assert scores.shape == (2, 30)
    for repeat in range(2):
        _, rows = rows_for(data, repeat, num_folds=3, seed=0)
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(scores[repeat])), rows)
        np.testing.assert_array_equal(scores[repeat, rows], data.label_ids[rows] == 0)


@pytest.mark.parametrize(("test_rows", "expected"), [((), [0, 0, 1, 1]), ((1, 3), [0, 1])])
def test_clusters_are_the_groups_of_the_columns_of_the_scores(test_rows, expected):
    def with_groups(groups):
        is_test = np.isin(np.arange(4), test_rows)
        data = SimpleNamespace(groups=groups, is_test=is_test, has_test=bool(test_rows), task="classify")
        data.label_ids = np.zeros(4, dtype=np.int64)
        data.judged = lambda rows, predicted: Judged(labels=predicted, predicted=predicted, units=rows, classes=())
        return data

    assert Findings(make_plan(), with_groups(None), {}).clusters is None
    assert Findings(make_plan(), with_groups(np.array([0, 0, 1, 1])), {}).clusters.tolist() == expected


def test_repeats_are_complete_without_a_gap(glove):
    texts, labels = sentences(30)
    data = prepare_data(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    plan = make_plan(search_trials=1, sizes=(20,), max_repeats=3)
    records = {
        spec.signature: TrialRecord(spec=spec, result=result(0.5, 0.5)) for r in (0, 2) for spec in trials_of(plan, r)
    }
    findings = Findings(plan, data, records)
    assert findings.complete_repeats(20) == 1
    for spec in trials_of(plan, 1):
        assert findings.complete_repeats(20) == 1
        records[spec.signature] = TrialRecord(spec=spec, result=result(0.5, 0.5))
    assert findings.complete_repeats(20) == 3
    with pytest.raises(MeltpointError, match="Repeat 0 of scratch at 20 rows is not finished"):
        findings.scores("average", "scratch", 20, 1)
