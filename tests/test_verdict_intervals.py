"""Variance, degrees of freedom and interval of one paired gain."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from meltpoint.errors import InputError
from meltpoint.verdict import compare_pair
from meltpoint.verdict.layout import ROW_SHARE, layout_of
from meltpoint.verdict.moments import paired_moments
from meltpoint.verdict.pooling import pooled_training

TOLERANCE = 1e-10
NAN = math.nan


def interval(differences, *, design="fixed", train_size=2, level=0.05):
    differences = np.asarray(differences, dtype=float)
    return compare_pair(differences, 0 * differences, design=design, train_size=train_size, level=level)


def parts(differences, *, design="fixed", train_size=2):
    """Returns the moments of differences, P = 1, and what is known of their training noise."""
    differences = np.asarray(differences, dtype=float)
    tested = ~np.isnan(differences)
    moments = paired_moments(100 * differences[None], tested, layout_of(tested, design=design, train_size=train_size))
    return moments, pooled_training([moments])[0][0]


def rotating(num_repeats, num_rows, num_folds, draws):
    tested = np.zeros((num_repeats, num_rows), dtype=bool)
    for repeat in range(num_repeats):
        if repeat % num_folds == 0:
            folds = np.array_split(draws.permutation(num_rows), num_folds)
        tested[repeat, folds[repeat % num_folds]] = True
    return tested


def test_fixed_design_by_hand():
    # d in points: repeats (rows of the matrix) x examples
    #            x1   x2   x3    mean
    #   r1       100    0  100   200/3
    #   r2       100    0    0   100/3
    #   mean     100    0   50   50 = grand mean
    # SS_repeats = 3 [(50/3)^2 + (50/3)^2] = 5000/3,      df 1, MS_R  = 5000/3
    # SS_rows    = 2 [50^2 + 50^2 + 0]     = 10000,       df 2, MS_I  = 5000
    # SS_total   = 6 x 50^2                = 15000
    # SS_rest    = 15000 - 10000 - 5000/3  = 10000/3,     df 2, MS_RI = 5000/3
    # testing = MS_I / 6 = 2500/3, between = MS_R / 3 = 5000/9 = MS_RI / 3 = explained
    differences = [[1, 0, 1], [1, 0, 0]]
    moments, training = parts(differences)
    assert (moments.testing[0, 0], moments.between[0, 0], moments.explained[0, 0]) == pytest.approx(
        (2500 / 3, 5000 / 9, 5000 / 9)
    )
    # v, the variance of a row: in r1 and r2 3 x (2/9) / 2 x 100^2 = 10000/3
    assert moments.unit_variances == pytest.approx([10000 / 3])
    # Two repeats: half of the training noise. df = variance^2 / (testing^2 / 2 + (training / 2)^2 / its df)
    found = interval(differences)
    variance = 2500 / 3 + training.value / 2
    assert found.points == pytest.approx(50)
    assert found.standard_error == pytest.approx(math.sqrt(variance))
    assert found.df == pytest.approx(variance**2 / ((2500 / 3) ** 2 / 2 + (training.value / 2) ** 2 / training.df))
    half = stats.t.ppf(0.975, found.df) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((50 - half, 50 + half))


def test_rotating_design_by_hand():
    # Four rows, two folds of two, one repeat each; d in points, n = 1 training row out of pools of 2.
    #   r1 tests x1, x2:  40  60   mean 50, s^2 = 200, variance of the mean 100
    #   r2 tests x3, x4: -10  50   mean 20, s^2 = 1800, variance of the mean 900
    # gain 35; testing = (100 + 900) / 4 = 250; between = 15^2 + 15^2 = 450
    # explained by the rows: mean(100, 900) = 500. The pools {x3, x4} and {x1, x2} share nothing: c = 0.
    differences = [[0.4, 0.6, NAN, NAN], [NAN, NAN, -0.1, 0.5]]
    moments, training = parts(differences, design="rotating", train_size=1)
    assert (moments.testing[0, 0], moments.between[0, 0], moments.explained[0, 0]) == pytest.approx((250, 450, 500))
    found = interval(differences, design="rotating", train_size=1)
    assert found.points == pytest.approx(35)
    assert found.standard_error == pytest.approx(math.sqrt(250 + training.value / 2))


def test_rotating_design_with_overlapping_training_sets_by_hand():
    # Three folds of two; n = 4 = everything not tested; pools of 4 share 2 rows: overlap 4 x 2 / (4 x 4) = 1/2.
    # Repeat means 90, 50, 10 with s^2 = 0.02 x 100^2 / ... = 200 each: variance of a repeat's mean 100.
    # testing = 3 x 100 / 9 = 100/3; between = 1600; explained = 100
    a, b, c = [0.8, 1.0], [0.4, 0.6], [0.0, 0.2]
    gap = [NAN, NAN]
    differences = [a + gap + gap, gap + b + gap, gap + gap + c]
    moments, training = parts(differences, design="rotating", train_size=4)
    assert (moments.testing[0, 0], moments.between[0, 0], moments.explained[0, 0]) == pytest.approx(
        (100 / 3, 1600, 100)
    )
    found = interval(differences, design="rotating", train_size=4)
    rho = ROW_SHARE / 2
    assert found.points == pytest.approx(50)
    assert found.standard_error**2 == pytest.approx(100 / 3 + (1 / 3 + rho / (1 - rho)) * training.value)
    # Almost all of the noise is training's.
    assert found.df == pytest.approx(training.df, rel=0.5)


def test_testing_variance_counts_a_row_tested_twice_as_one_row():
    draws = np.random.default_rng(3)
    rows = draws.normal(size=60)
    tested = rotating(10, 60, 5, draws)
    once = interval(np.where(tested[:5], rows, NAN), design="rotating", train_size=1)
    moments = paired_moments(
        100 * np.where(tested, rows, 0.0)[None], tested, layout_of(tested, design="rotating", train_size=1)
    )
    # Without training noise and residual the second rotation repeats the first: nothing new is learnt.
    assert moments.gains[0] == pytest.approx(once.points)
    assert moments.testing[0, 0] == pytest.approx(100**2 * rows.var(ddof=1) / 60, rel=0.15)


def test_equals_the_crossed_analysis_of_variance():
    draws = np.random.default_rng(0)
    num_repeats, num_rows = 5, 40
    d = 100 * (
        0.3 * draws.normal(size=(num_repeats, 1))
        + draws.normal(size=num_rows)
        + draws.normal(size=(num_repeats, num_rows))
    )
    grand, of_repeat, of_row = d.mean(), d.mean(axis=1), d.mean(axis=0)
    ms_repeat = num_rows * ((of_repeat - grand) ** 2).sum() / (num_repeats - 1)
    ms_row = num_repeats * ((of_row - grand) ** 2).sum() / (num_rows - 1)
    rest = d - of_repeat[:, None] - of_row + grand
    ms_rest = (rest**2).sum() / ((num_repeats - 1) * (num_rows - 1))
    moments, _ = parts(d / 100)
    assert moments.gains == pytest.approx([grand])
    assert moments.testing[0, 0] == pytest.approx(ms_row / (num_repeats * num_rows))
    assert moments.between[0, 0] == pytest.approx(ms_repeat / num_rows)
    assert moments.explained[0, 0] == pytest.approx(ms_rest / num_rows)


def test_agrees_with_the_paired_t_test_where_rows_alone_are_noisy():
    draws = np.random.default_rng(1)
    a, b = draws.normal(size=(1, 50)), draws.normal(size=(1, 50))
    expected = stats.ttest_rel(a.ravel(), b.ravel())
    moments, _ = parts(np.zeros((7, 50)) + a - b, train_size=10)
    assert moments.gains[0] / math.sqrt(moments.testing[0, 0]) == pytest.approx(expected.statistic)
    # Seven repeats without training noise leave some room for it, which the rows dwarf.
    full = np.zeros((7, 50))
    found = compare_pair(full + a, full + b, design="fixed", train_size=10_000, level=0.05)
    textbook = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((100 * textbook.low, 100 * textbook.high), rel=0.01)


def test_many_repeats_of_pure_training_noise_approach_the_t_test_over_repeats():
    draws = np.random.default_rng(1)
    of_repeats = draws.normal(size=(400, 1)) + 1
    textbook = stats.ttest_1samp(of_repeats.ravel(), 0).confidence_interval(0.95)
    found = interval(of_repeats + 0.01 * draws.normal(size=(400, 50)), train_size=10)
    assert (found.low, found.high) == pytest.approx((100 * textbook.low, 100 * textbook.high), rel=0.02)


@pytest.mark.parametrize(
    ("differences", "design", "points"),
    [([[1.0, 0.0]], "fixed", 50), ([[1.0], [0.0]], "fixed", 50), ([[0.25]], "fixed", 25)],
)
def test_one_repeat_or_one_row_leaves_everything_open(differences, design, points):
    found = interval(differences, design=design, train_size=1)
    assert (found.points, found.low, found.high) == (pytest.approx(points), -math.inf, math.inf)


@pytest.mark.parametrize("gain", [0.0, 1.0])
@pytest.mark.parametrize("num_rows", [40, 1000])
def test_rows_that_all_agree_prove_no_more_than_the_rule_of_three(gain, num_rows):
    # 0 of N: the 95% interval of the share ends about 3 / N further on.
    found = interval(np.full((3, num_rows), gain), train_size=100_000)
    assert found.points == pytest.approx(100 * gain)
    assert found.high - found.points == pytest.approx(300 / num_rows, rel=0.1)


def test_leaving_one_row_out_falls_back_on_the_spread_between_repeats():
    d = np.diag([0.3, 0.1, -0.2, 0.4])
    found = interval(np.where(np.eye(4) > 0, d, NAN), design="rotating", train_size=1)
    between = 100**2 * np.var([0.3, 0.1, -0.2, 0.4], ddof=1)
    assert found.standard_error > math.sqrt(between / 4)


SCORES = arrays(np.float64, (3, 6), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
PATTERNS = st.sampled_from(["fixed", "rotating"])


def masked(matrix, design):
    pattern = np.kron(np.eye(3), np.ones(2)) > 0
    return np.where(pattern | (design == "fixed"), matrix, NAN)


@given(a=SCORES, b=SCORES, design=PATTERNS)
def test_exchanging_the_sides_flips_the_sign(a, b, design):
    forth, back = (
        compare_pair(masked(x, design), masked(y, design), design=design, train_size=2, level=0.05)
        for x, y in [(a, b), (b, a)]
    )
    assert (forth.points, forth.low, forth.high) == (-back.points, -back.high, -back.low)
    assert (forth.standard_error, forth.df) == (back.standard_error, back.df)


@given(
    a=SCORES, b=SCORES, design=PATTERNS, repeats=st.permutations(range(3)), rows=st.permutations(range(6)), shift=SCORES
)
def test_order_of_repeats_and_rows_and_a_common_shift_change_nothing(a, b, design, repeats, rows, shift):
    plain = compare_pair(masked(a, design), masked(b, design), design=design, train_size=2, level=0.05)
    a, b = masked(a + shift, design), masked(b + shift, design)
    place = np.ix_(repeats, rows)
    moved = compare_pair(a[place], b[place], design=design, train_size=2, level=0.05)
    assert (moved.points, moved.standard_error) == pytest.approx((plain.points, plain.standard_error), abs=1e-6)


@given(a=SCORES, b=SCORES, gain=st.floats(-0.5, 0.5), design=PATTERNS)
def test_a_gain_added_shifts_the_interval(a, b, gain, design):
    plain = compare_pair(masked(a, design), masked(b, design), design=design, train_size=2, level=0.05)
    moved = compare_pair(masked(a + gain, design), masked(b, design), design=design, train_size=2, level=0.05)
    assert moved.points - plain.points == pytest.approx(100 * gain, abs=1e-9)
    assert moved.standard_error == pytest.approx(plain.standard_error, abs=1e-6)


def test_a_smaller_level_widens_the_interval():
    d = np.random.default_rng(0).normal(size=(3, 20))
    widths = [interval(d, level=level).high for level in (0.2, 0.05, 0.01)]
    assert widths == sorted(widths)


@pytest.mark.parametrize("design", ["fixed", "rotating"])
@pytest.mark.parametrize("noise", [(0.01, 0.3, 0.3), (0.02, 0.2, 0.3)])
def test_95_percent_intervals_cover_the_truth(design, noise):
    draws = np.random.default_rng(7)
    num_repeats, num_rows, simulations = 5, 400, 600
    covered = 0
    for _ in range(simulations):
        of_training, of_rows, of_rest = (
            scale * draws.normal(size=shape)
            for scale, shape in zip(noise, [(num_repeats, 1), num_rows, (num_repeats, num_rows)], strict=True)
        )
        tested = rotating(num_repeats, num_rows, 5, draws) if design == "rotating" else True
        d = np.where(tested, of_training + of_rows + of_rest, NAN)
        found = interval(d, design=design, train_size=300)
        covered += found.low <= 0 <= found.high
    assert covered / simulations > 0.93
    if design == "fixed":
        assert covered / simulations < 0.985


def test_training_overlap_counts_shared_rows():
    # Five folds, all of the rest for training: two training sets share 3 of their 4 folds.
    tested = np.kron(np.eye(5), np.ones(20)) > 0
    assert layout_of(tested, design="rotating", train_size=80).training_correlation == pytest.approx(ROW_SHARE * 3 / 4)
    assert layout_of(tested, design="rotating", train_size=8).training_correlation == pytest.approx(ROW_SHARE * 3 / 40)
    assert layout_of(np.ones((5, 100), bool), design="fixed", train_size=80).training_correlation == 0


def test_parts_of_the_noise_are_unbiased():
    draws = np.random.default_rng(5)
    tested = rotating(7, 60, 5, draws)
    layout = layout_of(tested, design="rotating", train_size=10)
    found = []
    for _ in range(3000):
        d = 2 * draws.normal(size=(7, 1)) + 3 * draws.normal(size=60) + 4 * draws.normal(size=(7, 60))
        moments = paired_moments(d[None], tested, layout)
        found.append((moments.testing[0, 0], moments.between[0, 0] - moments.explained[0, 0]))
    testing, training = np.mean(found, axis=0)
    # Each repeat tests 12 rows; the first two folds are tested by nearly every row once more.
    assert testing == pytest.approx(9 * layout.unit_load + 16 / (7 * 12), rel=0.05)
    assert training == pytest.approx(4, rel=0.1)


GOOD = np.zeros((2, 4))


@pytest.mark.parametrize(
    ("a", "b", "arguments", "message"),
    [
        (GOOD, GOOD[:1], {}, r"same repeats and rows, but the scores of a have shape \(2, 4\) and those of b \(1, 4\)"),
        (GOOD[0], GOOD[0], {}, r"must be a matrix \(repeats, rows\); their shape is \(4,\)"),
        (np.zeros((0, 4)), np.zeros((0, 4)), {}, r"their shape is \(0, 4\)"),
        (GOOD, np.array([[0, 0, 0, 0], [0, 0, NAN, 0]]), {}, r"repeat 1, row 2 b has nan and a has 0\.0"),
        (GOOD + math.inf, GOOD + math.inf, {}, r"repeat 0, row 0 a has inf"),
        ([[1, NAN]], [[1, NAN]], {}, r"every repeat tests every row, but repeat 0 has no score for row 1 \(and 0 more"),
        (
            [[1, 1], [NAN, NAN]],
            [[1, 1], [NAN, NAN]],
            {"design": "rotating", "train_size": 1},
            "repeat 1 tests none",
        ),
        (GOOD, GOOD, {"design": "nested"}, "must be 'fixed' or 'rotating'; it is 'nested'"),
        (GOOD, GOOD, {"design": "rotating", "train_size": 4}, "must be smaller; it is 4. Give one column per labelled"),
        (GOOD, GOOD, {"train_size": 0}, "at least 1 row; it is 0"),
        (GOOD, GOOD, {"level": 0.0}, "error probability such as 0.05, between 0 and 1; it is 0.0"),
        (GOOD, GOOD, {"level": 5}, "it is 5"),
    ],
)
def test_wrong_input_is_named(a, b, arguments, message):
    with pytest.raises(InputError, match=message):
        compare_pair(np.array(a), np.array(b), **({"design": "fixed", "train_size": 2, "level": 0.05} | arguments))


def test_integer_and_boolean_scores_are_taken():
    pairs = [np.array([[1, 0, 1], [1, 1, 1]]), np.array([[0, 0, 1], [1, 0, 1]])]
    found = [
        compare_pair(*(x.astype(kind) for x in pairs), design="fixed", train_size=1, level=0.05)
        for kind in (int, bool, np.float32, np.float64)
    ]
    assert all(one == other for one, other in itertools.pairwise(found))
