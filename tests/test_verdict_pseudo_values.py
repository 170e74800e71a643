"""Jackknife pseudo-values: metrics of summed counts, written as one score per unit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from meltpoint.errors import InputError
from meltpoint.verdict import compare_pair, pseudo_values


def accuracy(sums):
    return sums[..., 0] / sums[..., 1]


def f1(sums):
    """F1 of (true positives, predicted, actual); 0 where nothing is there."""
    true, predicted, actual = np.moveaxis(sums, -1, 0)
    return np.divide(2 * true, predicted + actual, out=np.zeros_like(true), where=predicted + actual > 0)


def macro_f1(sums):
    return f1(sums.reshape(*sums.shape[:-1], -1, 3)).mean(axis=-1)


def class_counts(predicted, labels, num_classes):
    classes = np.arange(num_classes)
    is_predicted, is_label = predicted[:, None] == classes, labels[:, None] == classes
    return np.stack([is_predicted & is_label, is_predicted, is_label], axis=-1).reshape(len(labels), -1).astype(float)


def test_by_hand():
    # Units (true positives, predicted, actual): (1, 1, 1), (0, 1, 0), (1, 1, 1). All: 2 x 2 / (3 + 2) = 4/5.
    # Without the first or the third: 2 / (2 + 1) = 2/3; without the second: 4 / 4 = 1.
    # 3 x 4/5 - 2 x 2/3 = 16/15; 3 x 4/5 - 2 = 2/5.
    counts = np.array([[1, 1, 1], [0, 1, 0], [1, 1, 1]])
    assert pseudo_values(counts, f1) == pytest.approx([16 / 15, 2 / 5, 16 / 15])


COUNTS = arrays(np.float64, (7, 3), elements=st.integers(0, 3).map(float))


@given(scores=arrays(np.float64, 9, elements=st.floats(0, 1)))
def test_of_a_mean_they_are_the_scores(scores):
    counts = np.stack([scores, np.ones(9)], axis=1)
    assert pseudo_values(counts, accuracy) == pytest.approx(scores, abs=1e-12)


@given(counts=COUNTS, order=st.permutations(range(7)))
def test_they_follow_their_units(counts, order):
    assert pseudo_values(counts[order], f1) == pytest.approx(pseudo_values(counts, f1)[order], abs=1e-12)


def test_a_constant_has_constant_values():
    values = pseudo_values(np.ones((5, 2)), lambda sums: np.full(sums.shape[:-1], 0.7))
    assert (values == 0.7).all()


def test_of_equal_units_all_values_are_the_metric():
    assert pseudo_values(np.ones((5, 3)) * 2, f1) == pytest.approx(np.ones(5))


@pytest.mark.parametrize("num_units", [50, 500, 5000])
def test_their_mean_is_the_metric_up_to_one_in_n(num_units):
    draws = np.random.default_rng(0)
    labels = draws.choice(4, num_units, p=(0.6, 0.2, 0.15, 0.05))
    predicted = np.where(draws.random(num_units) < 0.7, labels, draws.integers(0, 4, num_units))
    counts = class_counts(predicted, labels, 4)
    metric = f1_score(labels, predicted, average="macro")
    assert macro_f1(counts.sum(axis=0)) == pytest.approx(metric)
    assert abs(pseudo_values(counts, macro_f1).mean() - metric) < 2 / num_units


def test_their_variance_is_that_of_the_metric():
    draws = np.random.default_rng(1)
    found, promised = [], []
    for _ in range(600):
        labels = draws.choice(3, 300, p=(0.6, 0.3, 0.1))
        predicted = np.where(draws.random(300) < 0.7, labels, draws.integers(0, 3, 300))
        values = pseudo_values(class_counts(predicted, labels, 3), macro_f1)
        found.append(values.mean())
        promised.append(values.var(ddof=1) / 300)
    assert np.mean(promised) == pytest.approx(np.var(found), rel=0.15)


def test_intervals_of_macro_f1_cover_its_difference():
    """Two classifiers of the same quality, three repeats: the true difference is zero."""
    draws = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        labels = draws.choice(3, 300, p=(0.6, 0.3, 0.1))
        easy = draws.random(300)
        sides = []
        for _ in range(2):
            right = easy + 0.3 * draws.random((3, 300)) < 0.9 + 0.01 * draws.normal(size=(3, 1))
            guessed = np.where(right, labels, draws.integers(0, 3, (3, 300)))
            sides.append(np.stack([pseudo_values(class_counts(one, labels, 3), macro_f1) for one in guessed]))
        found = compare_pair(*sides, design="fixed", train_size=2000, level=0.05)
        covered += found.low <= 0 <= found.high
    assert 0.92 < covered / 300 < 0.985


@pytest.mark.parametrize(
    ("counts", "statistic", "message"),
    [
        (np.ones(4), accuracy, r"at least two units, as a matrix \(units, counts\); their shape is \(4,\)"),
        (np.ones((1, 2)), accuracy, r"their shape is \(1, 2\)"),
        (np.ones((3, 2)), lambda sums: sums, r"of shape \(\.\., 2\) to one number each.* of \(2,\) it made \(2,\)"),
        (np.ones((3, 2)), np.sum, r"of \(3, 2\) it made \(\)"),
        (np.array([[0, 0], [1, 1], [0, 0]]), accuracy, "counts of all but unit 1 is not finite"),
        (np.zeros((3, 2)), accuracy, "counts of all units is not finite. Let it return a number where nothing"),
    ],
)
def test_wrong_input_is_named(counts, statistic, message):
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match=message):
        pseudo_values(counts, statistic)
