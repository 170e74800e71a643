"""Expected regret."""

import math

import numpy as np
import pytest

from meltpoint.randomness import generator
from meltpoint.verdict.regret import expected_regret

MANY = 1e6  # degrees of freedom: the normal distribution


def regret(gains, errors, df=MANY, correlation=None):
    correlation = np.eye(len(gains)) if correlation is None else np.array(correlation)
    return expected_regret(np.array(gains, dtype=float), np.array(errors, dtype=float), df, correlation, generator(0))


@pytest.mark.parametrize(("gains", "expected"), [([2.0, 1.0], [2, 0, 1]), ([-1.0, -3.0], [0, 1, 3]), ([0.0], [0, 0])])
def test_without_noise_regret_is_the_distance_to_the_best(gains, expected):
    assert regret(gains, [0.0] * len(gains)).tolist() == expected


def test_one_candidate_by_hand():
    # E max(0, G) for G normal(0, s) is s / sqrt(2 pi).
    assert regret([0.0], [3.0]) == pytest.approx([3 / math.sqrt(2 * math.pi)] * 2, rel=0.02)
    # normal(1, 1): E max(0, G) = 1 x Phi(1) + phi(1) = .84134 + .24197
    assert regret([1.0], [1.0]) == pytest.approx([1.08331, 0.08331], abs=0.01)


def test_two_candidates_of_one_error_are_one_choice():
    together = regret([0.0, 0.0], [1.0, 1.0], correlation=[[1, 1], [1, 1]])
    apart = regret([0.0, 0.0], [1.0, 1.0])
    assert together[0] == pytest.approx(1 / math.sqrt(2 * math.pi), rel=0.02)
    assert apart[0] > together[0] + 0.1


def test_regrets_differ_by_gains_and_are_never_negative():
    found = regret([1.0, 0.25, -4.0], [1.0, 2.0, 0.5], df=4)
    assert found[0] - found[1:] == pytest.approx([1.0, 0.25, -4.0])
    assert (found >= 0).all()


def test_few_degrees_of_freedom_make_regret_larger_but_finite():
    wide, narrow = regret([0.0], [1.0], df=1)[0], regret([0.0], [1.0])[0]
    assert narrow < wide < 2 * narrow


def test_same_seed_same_bits():
    assert np.array_equal(regret([1.0, 0.5], [1.0, 1.0]), regret([1.0, 0.5], [1.0, 1.0]))
