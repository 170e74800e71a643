"""Gains within a part of the rows."""

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.randomness import generator
from meltpoint.verdict import compare_pair, compare_subgroups

SETTINGS = {"design": "fixed", "train_size": 100, "level": 0.05}


def test_a_case_by_hand():
    a = np.array([[1.0, 1, 0, 1], [1, 0, 0, 1]])
    b = np.array([[0.0, 1, 0, 1], [0, 0, 1, 0]])
    group = np.array([[True, True, False, False], [True, False, False, False]])
    found = compare_subgroups(a, b, group, **SETTINGS)
    # Inside, repeat by repeat, 1/2 and 1; outside twice nothing in sum.
    assert found.inside.points == pytest.approx(75)
    assert found.outside.points == pytest.approx(0)
    assert found.difference.points == pytest.approx(-75)
    assert found.mean_scores == pytest.approx((100, 25, 100 * (0.5 + 1 / 3) / 2, 100 * (0.5 + 1 / 3) / 2))
    assert (found.share, found.num_repeats) == (pytest.approx((0.5 + 0.25) / 2), 2)


def test_a_group_that_never_changes_is_compared_as_if_it_were_all():
    random = generator(0, "scores")
    a, b = random.integers(0, 2, (5, 400)).astype(float), random.integers(0, 2, (5, 400)).astype(float)
    group = np.tile(np.arange(400) < 150, (5, 1))
    found = compare_subgroups(a, b, group, **SETTINGS)
    alone = compare_pair(a[:, :150], b[:, :150], **SETTINGS)
    assert found.inside.points == pytest.approx(alone.points)
    # The square root that unbiases counts all rows here and the group's there; more training noise is expected here.
    assert alone.standard_error < found.inside.standard_error < 1.5 * alone.standard_error


def test_repeats_without_rows_of_both_kinds_are_left_out():
    a, b = np.ones((3, 4)), np.zeros((3, 4))
    group = np.array([[True] * 4, [True, False, True, False], [False] * 4])
    assert compare_subgroups(a, b, group, **SETTINGS).num_repeats == 1
    assert compare_subgroups(a, b, np.zeros((3, 4), dtype=bool), **SETTINGS) is None


def test_rows_that_were_not_tested_say_nothing():
    random = generator(1, "folds")
    a = np.full((4, 40), np.nan)
    for repeat in range(4):
        a[repeat, repeat::4] = random.integers(0, 2, 10)
    b = np.where(np.isnan(a), np.nan, 0.0)
    group = random.integers(0, 2, (4, 40)).astype(bool)
    found = compare_subgroups(a, b, group, design="rotating", train_size=20, level=0.05)
    by_hand = [np.nanmean(a[repeat][group[repeat]]) for repeat in range(4)]
    assert found.inside.points == pytest.approx(100 * np.mean(by_hand))
    with pytest.raises(InputError, match="must have a finite score at the same places"):
        compare_subgroups(a, np.zeros_like(a), group, design="rotating", train_size=20, level=0.05)


def test_intervals_cover_the_difference():
    random = generator(0, "coverage")
    covered, often = 0, random.random(300) < 0.3
    for _ in range(400):
        # A gain of 0.02 outside and -0.03 inside the group, with noise of repeats, rows and the rest.
        group = random.random((5, 300)) < np.where(often, 0.9, 0.05)
        noise = random.normal(0, 0.01, (5, 1)) + random.normal(0, 0.3, 300) + random.normal(0, 0.3, (5, 300))
        gained = np.where(group, -0.03, 0.02) + noise
        found = compare_subgroups(gained, np.zeros_like(gained), group, **SETTINGS)
        covered += found.difference.low <= 5 <= found.difference.high
    assert covered / 400 >= 0.93
