"""Metrics, held equal to scikit-learn, to hand-made cases, and to every order that ties allow."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from meltpoint.tasks import TASKS, Judged, find_task
from meltpoint.tasks.rank import RANK

RANDOM = np.random.default_rng(0)


def judged(labels, predicted, units=None, classes=()):
    labels, predicted = np.array(labels), np.array(predicted)
    units = np.arange(len(labels)) if units is None else np.array(units)
    return Judged(labels=labels, predicted=predicted, units=units, classes=classes)


def test_macro_f1_is_scikit_learns():
    labels, predicted = RANDOM.integers(0, 4, 200), RANDOM.integers(0, 4, 200)
    ours = find_task("classify").metric("macro-f1").score(judged(labels, predicted, classes="abcd"))
    assert ours == pytest.approx(f1_score(labels, predicted, average="macro"))


@pytest.mark.parametrize(("metric", "average"), [("micro-f1", "micro"), ("macro-f1", "macro")])
def test_f1_of_label_sets_is_scikit_learns(metric, average):
    labels, predicted = RANDOM.integers(0, 2, (100, 5)), RANDOM.integers(0, 2, (100, 5))
    labels[:, 4] = predicted[:, 4] = 0  # a label that nobody has and nobody names
    ours = find_task("multilabel").metric(metric).score(judged(labels, predicted, classes="abcde"))
    assert ours == pytest.approx(f1_score(labels, predicted, average=average, zero_division=0))


def ranked(labels, scores, units):
    labels, units = np.array(labels), np.array(units)
    return judged(labels, RANK.settle(np.array(scores, dtype=float), labels, units), units)


def test_average_precision_is_scikit_learns_where_nothing_ties():
    units = RANDOM.integers(0, 40, 300)
    labels, scores = RANDOM.integers(0, 2, 300), RANDOM.permutation(300) / 300
    expected = [
        average_precision_score(labels[units == unit], scores[units == unit])
        for unit in np.unique(units)
        if labels[units == unit].any()
    ]
    assert RANK.metric("map").score(ranked(labels, scores, units)) == pytest.approx(np.mean(expected))


def test_ranking_by_hand():
    # Question 7: right, wrong, right; question 9: wrong, right; question 11 has no right answer and does not count.
    case = ranked([1, 0, 1, 0, 1, 0], [0.9, 0.5, 0.1, 0.8, 0.2, 0.3], [7, 7, 7, 9, 9, 11])
    assert case.predicted.tolist() == [0, 1, 2, 0, 1, 0]
    assert RANK.metric("map").score(case) == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
    assert RANK.metric("mrr").score(case) == pytest.approx(0.75)
    assert RANK.metric("precision-at-1").score(case) == 0.5
    units, _ = RANK.metric("map").tally(case)
    assert units.tolist() == [7, 9]


@pytest.mark.parametrize("name", ["map", "mrr", "precision-at-1"])
@pytest.mark.parametrize(("labels", "places"), [([1, 0, 0, 1], [0, 0, 0, 0]), ([0, 1, 1, 0, 1], [0, 1, 1, 1, 4])])
def test_ties_are_the_mean_over_all_their_orders(name, labels, places):
    metric, unit = RANK.metric(name), [0] * len(labels)
    orders = []
    for order in permutations(range(len(labels))):
        if all(places[a] <= places[b] for a, b in pairwise(order)):
            ranks = np.empty(len(labels), dtype=int)
            ranks[list(order)] = np.arange(len(labels))
            orders.append(metric.score(judged(labels, ranks, unit)))
    assert metric.score(judged(labels, places, unit)) == pytest.approx(np.mean(orders))


TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def entities(tags):
    """What CoNLL's script takes for entities, the slow way."""
    found, start = set(), None
    for number, tag in enumerate([*tags, "O"]):
        goes_on = start is not None and tag[:2] == "I-" and tag[2:] == tags[start][2:]
        if start is not None and not goes_on:
            found.add((start, number, tags[start][2:]))
            start = None
        if start is None and tag != "O":
            start = number
    return found


def test_entity_f1_is_that_of_conlls_script():
    labels, predicted = RANDOM.integers(0, 5, (60, 12)), RANDOM.integers(0, 5, (60, 12))
    lengths = RANDOM.integers(1, 13, 60)
    beyond = np.arange(12) >= lengths[:, None]
    labels[beyond] = predicted[beyond] = -100
    right = wrong = missed = 0
    for row in range(60):
        true, said = (entities([TAGS[tag] for tag in tags[row, : lengths[row]]]) for tags in (labels, predicted))
        right, wrong, missed = right + len(true & said), wrong + len(said - true), missed + len(true - said)
    task = find_task("tag")
    assert task.metric().score(judged(labels, predicted, classes=TAGS)) == pytest.approx(
        2 * right / (2 * right + wrong + missed)
    )
    known = ~beyond
    assert task.metric("token-accuracy").score(judged(labels, predicted, classes=TAGS)) == pytest.approx(
        (labels == predicted)[known].mean()
    )


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_metrics_are_named(task):
    from meltpoint.errors import InputError

    assert task.metric() is task.metrics[0]
    with pytest.raises(InputError, match=rf"--metric must be one of {task.metrics[0].name}.* for the task"):
        task.metric("brightness")
