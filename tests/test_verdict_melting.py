"""The melting point: bracket, curve over sizes, band, and the joint covariance that they rest on."""

import math
from dataclasses import replace

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.verdict import Standing, compare_sizes, gain_curve, joint_gains, melting_point, next_rows, with_retired
from meltpoint.verdict.curve import fit_curve
from meltpoint.verdict.joint import JointEstimates, joint_estimates
from meltpoint.verdict.melting import bracket

MELTED, SOLID, OPEN = (0.6, 2.0), (-1.0, 0.5), (0.4, 2.0)
SIZES = (100, 400, 1600)
CANDIDATES = ("anchored", "fine-tuned")


def study(gains, *, sizes=SIZES, num_repeats=5, num_rows=1500, seed=0, names=CANDIDATES):
    """Draws 0/1 scores of frozen and of candidates whose true gains, in score, are given by size."""
    draws = np.random.default_rng(seed)
    shared = draws.normal(size=num_rows)
    scores = {}
    for size, gain in zip(sizes, gains, strict=True):
        noise = 0.5 * draws.normal(size=(1 + len(names), num_repeats, num_rows))
        lifted = np.array([0.0, *(gain + 0.002 * index for index in range(len(names)))])[:, None, None]
        scores[size] = dict(zip(("frozen", *names), (shared + 2.8 * lifted + noise > 0).astype(float), strict=True))
    return scores


def found(scores, *, level=0.05, seed=0, rope_points=0.5, candidates=CANDIDATES, design="fixed"):
    options = {"design": design, "candidates": candidates}
    comparisons = compare_sizes(scores, **options, level=level, seed=seed)
    standings = [Standing(gains=joint_gains(scores, **options), level=level)]
    point = melting_point(comparisons, standings, rope_points=rope_points, seed=seed)
    return point, gain_curve(comparisons, standings, seed=seed)


@pytest.mark.parametrize(
    ("states", "kind", "low", "high", "sentence"),
    [
        ([MELTED, MELTED], "below", None, 100, "from 100 rows on; the melting point is at or below that"),
        ([OPEN, MELTED], "below", None, 200, "from 200 rows on"),
        ([SOLID, SOLID], "above", 200, None, "no more than 0.5 points at 200 rows; the melting point is above that"),
        ([OPEN, SOLID], "above", 200, None, "at 200 rows"),
        ([SOLID, OPEN], "above", 100, None, "at 100 rows"),
        ([SOLID, MELTED], "between", 100, 200, "starts to gain more than 0.5 points between 100 and 200 rows"),
        ([SOLID, OPEN, MELTED], "between", 100, 400, "between 100 and 400 rows"),
        ([SOLID, MELTED, OPEN], "above", 100, None, "at 100 rows"),
        ([OPEN, OPEN], "unknown", None, None, "not resolved: at no size is the interval clear of 0.5 points"),
        ([MELTED, OPEN], "unknown", None, None, "not confirmed at the largest, 200 rows"),
        ([MELTED, SOLID], "none", None, None, "more than 0.5 points at 100 rows but not at 200; its gain does not"),
        ([(-math.inf, math.inf)], "unknown", None, None, "not resolved"),
    ],
)
def test_bracket(states, kind, low, high, sentence):
    """A second candidate that loses everywhere changes nothing."""
    sizes = np.array([100, 200, 400][: len(states)])
    lows, highs = (np.stack([[state[end] for state in states], np.full(len(states), -3.0)]) for end in (0, 1))
    point = bracket(sizes, lows, highs, 0.5)
    assert (point.kind, point.low, point.high) == (kind, low, high)
    assert sentence in point.sentence
    assert point.sentence.endswith(".")


def test_sizes_of_a_curve_are_rounded_outwards_and_measured_ones_are_not():
    lows, highs = np.array([[-1, -1, 0.6, 0.6]]), np.array([[0.4, 0.4, 2, 2]])
    between = bracket(np.array([100.0, 237.4, 563.1, 1337.0]), lows, highs, 0.5)
    assert (between.low, between.high) == (230, 570)
    measured = bracket(np.array([100, 237, 563, 1337]), lows, highs, 0.5)
    assert (measured.low, measured.high) == (237, 563)
    ends = bracket(np.array([99.0, 1337.0]), lows[:, 1:3], highs[:, 1:3], 0.5)
    assert (ends.low, ends.high) == (99, 1337)


@pytest.mark.parametrize("sizes", [[2, 1], [2, 2]])
def test_sizes_must_rise(sizes):
    with pytest.raises(InputError, match=r"must rise; they are \[2, "):
        bracket(np.array(sizes), np.zeros((1, 2)), np.ones((1, 2)), 0.5)


def test_a_melting_point_needs_a_size():
    with pytest.raises(InputError, match="at least one training size"):
        melting_point({}, [], rope_points=0.5, seed=0)


def test_a_gain_that_grows_with_size_crosses_where_it_does():
    # -3, 1 and 5 points: linear in log n, 0.5 points at 400 x 4^(-1/8) = 336 rows; the other, a little sooner.
    point, curve = found(study([-0.03, 0.01, 0.05], num_rows=6000))
    assert point.kind == "between"
    assert point.low < 336 < point.high
    assert point.low < point.estimate < point.high
    assert point.high / point.low < 4
    assert point.model
    assert f"Best estimate: {point.estimate:,} rows." in point.sentence
    assert [(one.size, one.policy) for one in curve[:3]] == [(100, "anchored"), (100, "fine-tuned"), (400, "anchored")]


def test_gains_that_fall_with_size_have_no_melting_point_ahead():
    above, _ = found(study([0.0, -0.02, -0.04], num_rows=6000))
    assert (above.kind, above.low, above.estimate) == ("above", 1600, None)
    assert above.sentence.endswith("No gain grows with size, so there may be none.")
    none, _ = found(study([0.05, 0.0, -0.05], num_rows=6000))
    assert (none.kind, none.estimate) == ("none", None)
    assert "Best estimate" not in none.sentence


def test_a_gain_at_every_size_melts_below_the_smallest():
    point, _ = found(study([0.05, 0.05, 0.05]))
    assert (point.kind, point.high, point.estimate) == ("below", 100, None)


def test_two_sizes_are_bracketed_without_a_curve():
    point, curve = found(study([-0.05, 0.05], sizes=SIZES[:2]))
    assert (point.kind, point.low, point.high, point.estimate, point.model) == ("between", 100, 400, None, None)
    assert len(curve) == 4


def test_a_single_repeat_resolves_nothing():
    point, curve = found(study([-0.05, 0.0, 0.05], num_repeats=1))
    assert (point.kind, point.model) == ("unknown", None)
    assert all((one.band_low, one.band_high) == (-math.inf, math.inf) for one in curve)


def test_sizes_may_have_different_numbers_of_repeats():
    scores = study([-0.03, 0.01, 0.05])
    scores[400] = {name: matrix[:2] for name, matrix in scores[400].items()}
    scores[100] = {name: matrix[:1] for name, matrix in scores[100].items()}
    gains = joint_gains(scores, design="fixed", candidates=CANDIDATES)
    assert gains.sizes == (400, 1600)
    point, curve = found(scores)
    assert point.model is None
    assert all(math.isinf(one.band_high) for one in curve if one.size == 100)


def test_rotating_folds_take_nan_for_untested_rows():
    tested = np.kron(np.eye(5), np.ones(1200)) > 0
    scores = study([-0.1, 0.0, 0.1], sizes=(50, 200, 800), num_rows=6000)
    scores = {size: {n: np.where(tested, m, math.nan) for n, m in one.items()} for size, one in scores.items()}
    point, curve = found(scores, design="rotating")
    assert point.kind == "between"
    assert all(math.isfinite(one.band_low) for one in curve)


def test_the_band_is_wider_than_the_intervals_and_narrower_than_bonferroni():
    scores = study([-0.03, 0.01, 0.05])
    _, curve = found(scores)
    _, single = found(scores, level=0.05 / 6, candidates=CANDIDATES[:1])
    for one in curve:
        assert one.band_low < one.low < one.points < one.high < one.band_high
    of_first = [one for one in curve if one.policy == "anchored"]
    for one, other in zip(of_first, single, strict=True):
        assert one.points == other.points
        assert one.band_high - one.band_low < 1.3 * (other.high - other.low)


def test_a_policy_given_up_is_read_as_it_stood():
    scores = study([-0.06, 0.01, 0.05])
    options = {"design": "fixed", "level": 0.05, "seed": 0}
    early = {size: {name: matrix[:3] for name, matrix in one.items()} for size, one in scores.items()}
    then = compare_sizes(early, candidates=CANDIDATES, **options)
    now = compare_sizes(scores, candidates=("anchored",), num_retired=1, **options)
    comparisons = with_retired(now, {"fine-tuned": then}, CANDIDATES)
    of_both = joint_gains(early, design="fixed", candidates=CANDIDATES)
    of_one = joint_gains(scores, design="fixed", candidates=("anchored",))
    standings = [
        Standing(gains=of_one, level=0.05, num_retired=1),
        Standing(gains=of_both, level=0.05, policies=("fine-tuned",)),
    ]
    _, at_first = found(early)
    curve = gain_curve(comparisons, standings, seed=0)
    assert [one for one in curve if one.policy == "fine-tuned"] == [p for p in at_first if p.policy == "fine-tuned"]
    alone = gain_curve(now, standings[:1], seed=0)
    assert [one for one in curve if one.policy == "anchored"] == list(alone)
    unpaid = gain_curve(now, [replace(standings[0], num_retired=0)], seed=0)
    assert unpaid[0].band_high < alone[0].band_high
    point = melting_point(comparisons, standings, rope_points=0.5, seed=0)
    assert point.kind == "between"


def test_same_seed_same_bits_whatever_the_order():
    scores = study([-0.03, 0.01, 0.05])
    turned = {size: dict(reversed(scores[size].items())) for size in reversed(scores)}
    assert found(scores) == found(scores) == found(turned)
    again, _ = found(scores, candidates=CANDIDATES[::-1])
    assert again == found(scores)[0]


def test_joint_estimates_are_those_of_the_comparison():
    scores = study([-0.03, 0.01, 0.05])
    comparisons = compare_sizes(scores, design="fixed", candidates=CANDIDATES, level=0.05, seed=0)
    gains = joint_gains(scores, design="fixed", candidates=CANDIDATES)
    for column, size in enumerate(SIZES):
        for row, gain in enumerate(comparisons[size].candidates):
            assert gains.points[row, column] == pytest.approx(gain.points)
            assert gains.standard_errors[row, column] == pytest.approx(gain.standard_error)
    assert gains.df == pytest.approx(min(gain.df for one in comparisons.values() for gain in one.candidates))
    values = np.linalg.eigvalsh(gains.correlation)
    assert values.min() > -1e-9


def test_exchanging_the_sides_flips_gains_and_keeps_their_covariance():
    scores = study([-0.03, 0.01, 0.05], names=("anchored",))
    forth = joint_gains(scores, design="fixed", candidates=("anchored",))
    back = joint_gains(scores, baseline="anchored", design="fixed", candidates=("frozen",))
    assert (forth.points == -back.points).all()
    assert (forth.covariance == back.covariance).all()


def test_the_covariance_over_sizes_is_that_of_repeated_studies():
    """Test rows shared by two sizes: the covariance of the two means is found in a single study."""
    draws = np.random.default_rng(3)
    means, promised = [], []
    for _ in range(300):
        rows = draws.normal(size=200)
        scores = {size: {"a": 0.3 * rows + 0.2 * draws.normal(size=(4, 200))} for size in (100, 400)}
        joint = joint_estimates(scores, design="fixed")
        means.append(joint.points[0])
        promised.append(joint.covariance[0, 0, 0, 1])
    assert np.mean(promised) == pytest.approx(np.cov(np.array(means).T)[0, 1], rel=0.25)


def test_many_rows_without_noise_make_a_curve_that_is_certain():
    scores = {size: {"a": np.full((3, 20_000), value)} for size, value in zip(SIZES, (0.1, 0.2, 0.3), strict=True)}
    joint = joint_estimates(scores, design="fixed")
    assert joint.standard_errors.max() < 0.05
    curve = fit_curve(joint.sizes, joint.points[0], joint.covariance[0, :, 0, :])
    assert curve.at([200])[0][0] == pytest.approx(15, abs=0.01)


LOGARITHMIC = 10 + 2 * np.log(SIZES)


def test_a_curve_through_points_of_its_own_shape_is_that_shape():
    curve = fit_curve(SIZES, LOGARITHMIC, 1e-4 * np.eye(3))
    assert curve.at([800])[0][0] == pytest.approx(10 + 2 * np.log(800), abs=0.02)
    assert curve.change(400, 800)[0] == pytest.approx(2 * np.log(2), abs=0.02)
    assert sum(curve.weights.values()) == pytest.approx(1)


def test_noisy_points_without_a_trend_are_a_constant():
    curve = fit_curve(SIZES, np.array([1.0, 1.2, 0.9]), np.eye(3))
    assert curve.model == "constant"
    assert curve.change(100, 1600)[0] == pytest.approx(0, abs=0.1)


def test_a_curve_of_a_constant_by_hand():
    # Weighted by 1 / variance: (1 x 4 + 3 x 1) / 5; the other shapes are excluded by leaving one size.
    curve = fit_curve((100, 400), np.array([1.0, 3.0]), np.diag([1.0, 4.0]), interpolate=False)
    (constant,) = [fit for fit in curve.fits if fit.name == "constant"]
    assert constant.coefficients == pytest.approx([1.4])
    assert constant.covariance == pytest.approx(np.array([[0.8]]))
    # chi-squared (0.4^2 + 1.6^2 / 4) + 2 x 1 coefficient
    assert constant.criterion == pytest.approx(0.16 + 0.64 + 2)


def test_correlated_points_tell_the_slope_better_than_the_height():
    correlated = 0.9 + 0.1 * np.eye(3)
    together, apart = (fit_curve(SIZES, 3 * LOGARITHMIC, one) for one in (correlated, np.eye(3)))
    assert together.change(100, 1600)[1] < 0.5 * apart.change(100, 1600)[1]
    assert together.at([400])[1] > apart.at([400])[1]


def test_growth_is_read_off_the_learning_curve():
    scores = study([0.0, 0.0, 0.0], num_rows=20_000)
    draws = np.random.default_rng(1)
    for size, lift in zip(SIZES, (-0.1, 0.0, 0.1), strict=True):
        easy = np.random.default_rng(0).normal(size=20_000)
        scores[size]["frozen"] = (easy + 2.8 * lift + 0.3 * draws.normal(size=(5, 20_000)) > 0).astype(float)
    grown = next_rows(scores, policies=("frozen", "anchored"), design="fixed")
    assert (grown.size, grown.rows) == (1600, 1000)
    rising, flat = grown.growth
    # About 10 points per factor of 4, so log(2600 / 1600) / log(4) of them.
    assert rising.policy == "frozen"
    assert rising.low < 10 * math.log(2600 / 1600) / math.log(4) * 1.05 < rising.high
    assert rising.low > 0
    assert flat.low < 0 < flat.high
    assert next_rows(scores, policies=("frozen",), design="fixed", rows=9000).rows == 1600


def test_growth_takes_three_sizes():
    scores = study([0.0, 0.0], sizes=SIZES[:2])
    assert next_rows(scores, policies=("frozen",), design="fixed") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policies": ("gradual",)}, "No scores for gradual"),
        ({"policies": ("frozen",), "rows": 0}, "must be at least 1; they are 0"),
        ({"policies": ("frozen",), "level": 0.0}, "error probability"),
    ],
)
def test_growth_names_wrong_input(arguments, message):
    with pytest.raises(InputError, match=message):
        next_rows(study([0.0] * 3, num_rows=20), design="fixed", **arguments)


def test_nothing_measurable_is_no_estimate():
    joint = joint_estimates({100: {"a": np.ones((1, 5))}}, design="fixed")
    assert isinstance(joint, JointEstimates)
    assert (joint.sizes, joint.df) == ((), 0.0)


@pytest.mark.parametrize("gains", [(-0.03, 0.005, 0.04), (0.0, 0.0, 0.0)])
def test_intervals_of_the_crossing_cover(gains):
    """A truth that is linear in log n (crossing at 400 rows), and one that never crosses."""
    truth = 400 if gains[2] else math.inf
    covered = 0
    for seed in range(60):
        point, _ = found(
            study(gains, num_rows=800, num_repeats=3, seed=seed, names=("anchored",)),
            candidates=("anchored",),
            seed=seed,
        )
        covered += (point.low or 0) <= truth <= (point.high or math.inf) and point.kind != "none"
    assert covered / 60 > 0.9
