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
from meltpoint.randomness import generator
from meltpoint.verdict import compare_pair
from meltpoint.verdict.intervals import TrainingNoise, noise_of
from meltpoint.verdict.layout import ROW_SHARE, layout_of
from meltpoint.verdict.moments import paired_moments

TOLERANCE = 1e-10
NAN = math.nan


def interval(differences, *, design="fixed", train_size=2, level=0.05):
    differences = np.asarray(differences, dtype=float)
    return compare_pair(differences, 0 * differences, design=design, train_size=train_size, level=level)


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
    # MS_R - MS_RI = 0: no training noise. variance = (5000/3 + 5000 - 5000/3) / 6 = 2500/3
    # Satterthwaite: df = 5000^2 / [ (5000/3)^2 / 1 + 5000^2 / 2 + (5000/3)^2 / 2 ] = 1 / (1/9 + 1/2 + 1/18) = 1.5
    found = interval([[1, 0, 1], [1, 0, 0]])
    assert found.points == pytest.approx(50)
    assert found.standard_error == pytest.approx(math.sqrt(2500 / 3))
    assert found.df == pytest.approx(1.5)
    half = stats.t.ppf(0.975, 1.5) * math.sqrt(2500 / 3)
    assert (found.low, found.high) == pytest.approx((50 - half, 50 + half))


def test_rotating_design_by_hand():
    # Four rows, two folds of two, one repeat each; d in points, n = 1 training row out of pools of 2.
    #   r1 tests x1, x2:  40  60   mean 50, s^2 = 200, variance of the mean 100
    #   r2 tests x3, x4: -10  50   mean 20, s^2 = 1800, variance of the mean 900
    # gain 35; testing = (100 + 900) / 4 = 250; between = 15^2 + 15^2 = 450
    # explained by the rows: mean(100, 900) = 500 > 450: no training noise is seen.
    # The pools {x3, x4} and {x1, x2} share nothing: c = 0, variance = 250.
    # df = 250^2 / [250^2 / 3 + (500/2)^2 / 1 + (500/2)^2 / 3] = 1 / (1/3 + 1 + 1/3) = 0.6, not below R - 1 = 1
    found = interval([[0.4, 0.6, NAN, NAN], [NAN, NAN, -0.1, 0.5]], design="rotating", train_size=1)
    assert found.points == pytest.approx(35)
    assert found.standard_error == pytest.approx(math.sqrt(250))
    assert found.df == pytest.approx(1)


def test_rotating_design_with_overlapping_training_sets_by_hand():
    # Three folds of two; n = 4 = everything not tested; pools of 4 share 2 rows: overlap 4 x 2 / (4 x 4) = 1/2.
    # Repeat means 90, 50, 10 with s^2 = 0.02 x 100^2 / ... = 200 each: variance of a repeat's mean 100.
    # testing = 3 x 100 / 9 = 100/3; between = 1600; explained = 100; training = 1500
    # rho = ROW_SHARE / 2 = 1/3, c = 1/2; variance = 100/3 + (1/3 + 1/2) 1500 = 100/3 + 1250
    a, b, c = [0.8, 1.0], [0.4, 0.6], [0.0, 0.2]
    gap = [NAN, NAN]
    found = interval([a + gap + gap, gap + b + gap, gap + gap + c], design="rotating", train_size=4)
    rho = ROW_SHARE / 2
    assert found.points == pytest.approx(50)
    assert found.standard_error**2 == pytest.approx(100 / 3 + (1 / 3 + rho / (1 - rho)) * 1500)
    assert found.df == pytest.approx(2)


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
    assert ms_repeat > ms_rest  # the textbook case: nothing is truncated
    total = ms_repeat + ms_row - ms_rest
    df = total**2 / (
        ms_repeat**2 / (num_repeats - 1)
        + ms_row**2 / (num_rows - 1)
        + ms_rest**2 / ((num_repeats - 1) * (num_rows - 1))
    )
    found = interval(d / 100)
    assert found.points == pytest.approx(grand)
    assert found.standard_error == pytest.approx(math.sqrt(total / (num_repeats * num_rows)))
    assert found.df == pytest.approx(df)


@pytest.mark.parametrize(
    ("name", "axis"), [("only training noise: t over repeats", 0), ("only example noise: t over rows", 1)]
)
def test_agrees_with_the_paired_t_test_where_one_noise_is_alone(name, axis):
    draws = np.random.default_rng(1)
    shape = (7, 1) if axis == 0 else (1, 50)
    a, b = draws.normal(size=shape), draws.normal(size=shape)
    expected = stats.ttest_rel(a.ravel(), b.ravel()).confidence_interval(0.95)
    full = np.zeros((7, 50))
    found = compare_pair(full + a, full + b, design="fixed", train_size=10, level=0.05)
    assert (found.low, found.high) == pytest.approx((100 * expected.low, 100 * expected.high))


@pytest.mark.parametrize(
    ("differences", "design", "expected"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], "fixed", (0, 0, 0)),
        ([[1.0, 1.0], [1.0, 1.0]], "fixed", (100, 100, 100)),
        ([[1.0, 0.0]], "fixed", (50, -math.inf, math.inf)),
        ([[1.0], [0.0]], "fixed", (50, -math.inf, math.inf)),
        ([[0.25]], "fixed", (25, -math.inf, math.inf)),
        ([[0.0, NAN], [NAN, 0.0]], "rotating", (0, 0, 0)),
        ([[1e-160, 0.0], [0.0, 1e-160]], "fixed", (0, 0, 0)),
    ],
)
def test_degenerate_data(differences, design, expected):
    found = interval(differences, design=design, train_size=1)
    assert (found.points, found.low, found.high) == pytest.approx(expected, abs=1e-100)


def test_leaving_one_row_out_falls_back_on_the_spread_between_repeats():
    d = np.diag([0.3, 0.1, -0.2, 0.4])
    found = interval(np.where(np.eye(4) > 0, d, NAN), design="rotating", train_size=1)
    # Pools of 3 share 2 rows; one training row: overlap 1 x 2 / 9.
    rho = ROW_SHARE * 2 / 9
    between = 100**2 * np.var([0.3, 0.1, -0.2, 0.4], ddof=1)
    assert found.standard_error**2 == pytest.approx((1 / 4 + rho / (1 - rho)) * between)
    assert found.df == 3


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


@pytest.mark.parametrize("design", ["fixed", "rotating"])
def test_lent_training_noise_stands_in_where_a_pair_shows_less(design):
    draws = generator(3, "lent")
    tested = rotating(5, 50, 5, draws) if design == "rotating" else np.ones((5, 50), dtype=bool)
    scores = np.where(tested, draws.standard_normal((5, 50)) / 100, NAN)

    def half_width(lent):
        found = compare_pair(scores, 0 * scores, design=design, train_size=20, level=0.05, lent=lent)
        return found.high - found.points

    alone = half_width(None)
    assert alone == half_width(TrainingNoise(variance=0.0, df=9.0))
    lent = [half_width(TrainingNoise(variance=variance, df=4.0)) for variance in (4.0, 16.0)]
    assert alone < lent[0] < lent[1]


def test_a_smaller_level_widens_the_interval():
    d = np.random.default_rng(0).normal(size=(3, 20))
    widths = [interval(d, level=level).high for level in (0.2, 0.05, 0.01)]
    assert widths == sorted(widths)


@pytest.mark.parametrize("design", ["fixed", "rotating"])
@pytest.mark.parametrize("noise", [(0.01, 0.3, 0.3), (0.03, 0.2, 0.3)])
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
        found = interval(d, design=design, train_size=40)
        covered += found.low <= 0 <= found.high
    assert covered / simulations > 0.93
    if design == "fixed":
        assert covered / simulations < 0.975


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
        noise = noise_of(paired_moments(d[None], tested, layout), 0)
        found.append((noise.testing, noise.between - noise.explained))
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
