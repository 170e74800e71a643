"""Policies given up: who, what they leave behind, and what the others are judged by."""

import numpy as np
import pytest
from scipy.stats import norm

from meltpoint.randomness import generator
from meltpoint.verdict import compare, compare_sizes, decide, hopeless, with_retired
from meltpoint.verdict.multiplicity import simultaneous_level
from meltpoint.verdict.regret import expected_regret, expected_worth

NAMES = ("better", "as good", "worse")


def scores(gains, num_repeats=5, num_rows=400, seed=0):
    draws = generator(seed, "scores")
    chances = {"frozen": 0.7} | {name: 0.7 + gain for name, gain in zip(NAMES, gains, strict=True)}
    return {name: (draws.random((num_repeats, num_rows)) < chance).astype(float) for name, chance in chances.items()}


def compared(matrices, **options):
    options = {"candidates": NAMES, "design": "fixed", "level": 0.05, "seed": 0} | options
    return compare_sizes({100: matrices}, **options)[100]


def test_worth_by_hand():
    # Without noise: 3 beats 2 by one point, and the others are never best.
    still = (np.array([3.0, 2.0, -1.0]), np.zeros(3), 5.0, np.eye(3), generator(0, "draws"))
    assert expected_worth(*still).tolist() == [1, 0, 0]
    # Alone against the baseline, a gain of 0 with a standard error of s is worth E[max(0, G)] = s / sqrt(2 pi).
    alone = (np.zeros(1), np.array([2.0]), 1e6, np.eye(1), generator(0, "draws"))
    assert expected_worth(*alone)[0] == pytest.approx(2 / np.sqrt(2 * np.pi), rel=0.02)


def test_worth_is_the_regret_that_the_policy_prevents():
    gains, errors, correlation = np.array([1.0, 0.5]), np.array([1.0, 1.5]), np.array([[1, 0.4], [0.4, 1]])
    both = expected_regret(gains, errors, 1e6, correlation, generator(0, "draws"))[0]
    first = expected_regret(gains[:1], errors[:1], 1e6, np.eye(1), generator(1, "draws"))[0]
    worth = expected_worth(gains, errors, 1e6, correlation, generator(0, "draws"))
    assert worth[1] == pytest.approx(both - first, abs=0.03)


def test_the_hopeless_are_named_and_nobody_else():
    comparison = compared(scores([0.15, 0.14, -0.3]))
    assert hopeless(comparison, "better") == ("worse",)
    assert hopeless(compared(scores([0.0, 0.0, 0.01], num_repeats=3, num_rows=50)), "frozen") == ()


def test_the_recommended_and_one_candidate_always_go_on():
    comparison = compared(scores([-0.3, -0.31, -0.35], num_rows=4000))
    assert decide(comparison, trainable_parameters=dict.fromkeys(NAMES, 1)).recommendation == "frozen"
    assert len(hopeless(comparison, "frozen")) == 2


@pytest.mark.parametrize("correlation", [np.eye(2), np.array([[1, 0.8], [0.8, 1]]), np.eye(1)])
def test_those_that_are_left_are_judged_as_if_all_were_there(correlation):
    num_left = len(correlation)
    level = simultaneous_level(correlation, 0.05, generator(0, "draws"), num_retired=2)
    everybody = np.eye(num_left + 2)
    everybody[:num_left, :num_left] = correlation
    assert level <= simultaneous_level(everybody, 0.05, generator(0, "draws")) * 1.02
    assert level >= 0.05 / (num_left + 2) * 0.98
    assert level < simultaneous_level(correlation, 0.05, generator(0, "draws"))


def test_nobody_retired_changes_no_bit():
    matrices = scores([0.1, 0.0, -0.1])
    assert compared(matrices, num_retired=0) == compare(
        matrices, design="fixed", train_size=100, candidates=NAMES, level=0.05, seed=0
    )


def test_the_retired_stay_as_they_stood():
    matrices = scores([0.1, 0.05, -0.2], num_repeats=10)
    early = compare_sizes(
        {100: {name: matrix[:3] for name, matrix in matrices.items()}},
        candidates=NAMES,
        design="fixed",
        level=0.01,
        seed=0,
    )
    late = compare_sizes({100: matrices}, candidates=NAMES[:2], num_retired=1, design="fixed", level=0.02, seed=0)
    merged = with_retired(late, {"worse": early}, NAMES)[100]
    assert [gain.policy for gain in merged.candidates] == list(NAMES)
    assert merged.candidates[:2] == late[100].candidates
    assert merged.candidates[2].retired_after == 3
    assert (merged.candidates[2].low, merged.candidates[2].high) == (
        early[100].candidates[2].low,
        early[100].candidates[2].high,
    )
    assert merged.mean_scores["worse"] == early[100].mean_scores["worse"]
    assert merged.interval_level == late[100].interval_level < 0.02


def test_critical_value_by_hand():
    # One left, one retired, independent or not: 2 P(|Z| > c) = 0.05 by the union bound.
    level = simultaneous_level(np.eye(1), 0.05, generator(0, "draws"), num_retired=1)
    assert norm.isf(level / 2) == pytest.approx(norm.isf(0.0125), rel=0.01)
