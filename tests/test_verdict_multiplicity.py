"""Holm's rule and simultaneous intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from meltpoint.randomness import generator
from meltpoint.verdict.layout import layout_of
from meltpoint.verdict.moments import paired_moments
from meltpoint.verdict.multiplicity import correlated_normals, gain_correlation, holm, simultaneous_level


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [
        # Sorted .01 .02 .03 times 3 2 1 is .03 .04 .03; stepping down never falls: .03 .04 .04. Back in order:
        ([0.03, 0.01, 0.02], [0.04, 0.03, 0.04]),
        # .01 .04 .04 x 3 2 1
        ([0.04, 0.01, 0.04], [0.08, 0.03, 0.08]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.2], [0.2]),
    ],
)
def test_holm_by_hand(raw, adjusted):
    assert holm(raw) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_holm_follows_permutations_and_keeps_order(pair):
    raw, shuffled = map(np.array, pair)
    adjusted = holm(raw)
    assert np.array_equal(np.sort(holm(shuffled)), np.sort(adjusted))
    assert (adjusted >= raw).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(raw)]) >= 0).all()


@pytest.mark.parametrize("num_policies", [2, 5, 10])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_simultaneous_level_between_sidak_and_none(num_policies, level):
    independent = simultaneous_level(np.eye(num_policies), level, generator(0))
    sidak = 1 - (1 - level) ** (1 / num_policies)
    assert independent == pytest.approx(sidak, rel=0.08)
    assert independent >= sidak * (1 - 1e-12)
    same = simultaneous_level(np.ones((num_policies, num_policies)), level, generator(0))
    assert same == pytest.approx(level, rel=0.08)
    assert same <= level


def test_simultaneous_level_of_equally_correlated_gains():
    # Dunnett's two-sided 5% point for 4 comparisons, correlation 1/2, infinite df: 2.44.
    correlation = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    level = simultaneous_level(correlation, 0.05, generator(0))
    assert stats.norm.isf(level / 2) == pytest.approx(2.44, abs=0.015)


def test_one_policy_pays_nothing():
    assert simultaneous_level(np.eye(1), 0.05, generator(0)) == 0.05


def test_draws_have_the_correlation_asked_for():
    correlation = np.array([[1, 0.8, 0], [0.8, 1, -0.3], [0, -0.3, 1]])
    draws = correlated_normals(correlation, 50_000, generator(1))
    assert np.corrcoef(draws.T) == pytest.approx(correlation, abs=0.02)


@pytest.mark.parametrize("num_repeats", [1, 2, 5])
def test_correlation_is_proper_even_where_its_parts_are_not(num_repeats):
    draws = np.random.default_rng(0)
    for _ in range(20):
        d = draws.normal(size=(6, num_repeats, 8)) + draws.normal(size=(num_repeats, 8))
        d[5] = 0
        tested = np.ones((num_repeats, 8), bool)
        correlation = gain_correlation(paired_moments(d, tested, layout_of(tested, design="fixed", train_size=1)))
        assert np.array_equal(np.diag(correlation), np.ones(6))
        assert np.array_equal(correlation[5, :5], np.zeros(5))
        assert np.linalg.eigvalsh(correlation).min() > -1e-12
        assert np.allclose(correlation, correlation.T)


def test_correlation_of_gains_that_share_their_baseline():
    draws = np.random.default_rng(1)
    frozen, one, other = draws.normal(size=(3, 4, 5000)) + 3 * draws.normal(size=(3, 1, 5000))
    tested = np.ones((4, 5000), bool)
    moments = paired_moments(
        np.stack([one - frozen, other - frozen]), tested, layout_of(tested, design="fixed", train_size=1)
    )
    assert gain_correlation(moments)[0, 1] == pytest.approx(0.5, abs=0.05)
