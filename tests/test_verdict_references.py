"""Agreement with other people's statistics, where theirs apply."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from meltpoint.verdict import compare_pair
from meltpoint.verdict.intervals import Noise
from meltpoint.verdict.layout import layout_of
from meltpoint.verdict.moments import paired_moments
from meltpoint.verdict.prior import Variance


def test_agrees_with_the_correlated_t_test_of_baycomp():
    """Where all rows of a fold agree there is only training noise: Nadeau & Bengio's case, with rho = 1 / folds."""
    baycomp = pytest.importorskip("baycomp")
    draws = np.random.default_rng(0)
    tested = np.kron(np.eye(5), np.ones(20)) > 0
    # 43 training rows out of pools of 80 that share 60 overlap by about 0.4, of which half is the rows'.
    layout = replace(layout_of(tested, design="rotating", train_size=43), training_correlation=1 / 5)
    a, b = 0.8 + 0.02 * draws.normal(size=5), 0.79 + 0.02 * draws.normal(size=5)
    moments = paired_moments(100 * np.where(tested, (a - b)[:, None], 0.0)[None], tested, layout)
    training = Variance(value=float(moments.between[0, 0]), df=4.0)
    noise = Noise(layout=layout, testing=0.0, explained=0.0, training=training)
    mean, variance, df = baycomp.CorrelatedTTest.compute_statistics(b, a, 1)  # of the second less the first
    assert (moments.gains[0], *noise.standard_error()) == pytest.approx((100 * mean, 100 * variance**0.5, df))


def test_agrees_with_the_bootstrap_of_scipy_where_only_rows_make_noise():
    draws = np.random.default_rng(1)
    a, b = (draws.random((1, 800)) < chance for chance in (0.8, 0.75))
    sides = [np.repeat(side.astype(float), 4, axis=0) for side in (a, b)]
    found = compare_pair(*sides, design="fixed", train_size=10_000, level=0.05)
    differences = (sides[0] - sides[1])[0]
    expected = stats.bootstrap((100 * differences,), np.mean, n_resamples=4000, method="percentile", rng=2)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=0.05)
    interval = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.3)
