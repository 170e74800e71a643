"""Training noise pooled over the candidates and sizes of a study."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from meltpoint.errors import InputError
from meltpoint.verdict import compare, compare_pair, compare_sizes
from meltpoint.verdict.intervals import interval_around, noise_of
from meltpoint.verdict.layout import Layout, layout_of
from meltpoint.verdict.moments import Moments, paired_moments
from meltpoint.verdict.pooling import pooled_training
from meltpoint.verdict.prior import ALIKE_DF, EXPECTED_DF, Variance, expected_ratio, learn

NAN = math.nan
TRAIN_SIZE = 1000


def moments_of(between, explained=None, *, num_repeats=3, rho=0.0, unit_variances=None, train_size=TRAIN_SIZE):
    """Builds moments with these variances, of uncorrelated policies whose rows differ by variance 100."""
    between = np.array(between, dtype=float)
    explained = np.zeros_like(between) if explained is None else np.array(explained, dtype=float)
    unit_variances = np.full_like(between, 100.0) if unit_variances is None else np.array(unit_variances, dtype=float)
    layout = Layout(
        design="rotating",
        num_repeats=num_repeats,
        num_rows=300,
        num_columns=500,
        units_per_repeat=100,
        unit_load=1 / 300,
        num_units=500,
        train_size=train_size,
        training_correlation=rho,
    )
    testing = unit_variances / 100 - explained * (num_repeats - 1) / num_repeats
    return Moments(
        layout=layout,
        gains=np.zeros(len(between)),
        testing=np.diag(testing),
        between=np.diag(between),
        explained=np.diag(explained),
    )


EXPECTED = 100 * expected_ratio(TRAIN_SIZE)
"""Of rows whose differences have variance 100."""


def learned(between, df, expected, expected_df):
    """Returns what is known after ``between`` was measured, where rows explain nothing of it."""
    return (expected_df * expected + df * between) / (expected_df + df)


def test_what_was_known_and_what_was_measured_are_weighted_by_their_degrees_of_freedom():
    found = learn(3.0, 0.0, 4.0, Variance(value=1.0, df=6.0))
    assert (found.value, found.df) == pytest.approx(((6 * 1 + 4 * 3) / 10, 10), rel=1e-3)


def test_learning_by_hand_where_rows_explain_a_part():
    # Prior density over log T: T^-4 exp(-4 / T); likelihood of 5 = (T + 2) chi2(2) / 2: exp(-5 / (T + 2)) / (T + 2).
    expected = Variance(value=1.0, df=8.0)
    grid = np.geomspace(1e-3, 1e3, 40_001)
    density = np.exp(-4 / grid) * grid**-4.0 * np.exp(-5 / (grid + 2)) / (grid + 2)  # over log T
    mean = (density * grid).sum() / density.sum()
    spread = (density * (grid - mean) ** 2).sum() / density.sum()
    found = learn(5.0, 2.0, 2.0, expected)
    assert found.df == pytest.approx(4 + 2 * mean**2 / spread, rel=1e-3)
    assert found.value == pytest.approx(mean * (found.df - 2) / found.df, rel=1e-3)


@given(between=st.floats(0, 100), explained=st.floats(0, 100), df=st.floats(0.5, 1000), expected=st.floats(1e-3, 100))
def test_what_is_learned_is_sound(between, explained, df, expected):
    before = Variance(value=expected, df=6.0)
    found = learn(between, explained, df, before)
    # The scaled inverse chi-squared of the same mean and variance may lie a little beyond both.
    assert 0 < found.value < 1.1 * max(expected, between)
    assert found.df > 4
    noisier = learn(between + 1, explained, df, before)
    assert found.value / (1 - 2 / found.df) <= noisier.value / (1 - 2 / noisier.df) * (1 + 1e-9)
    larger = learn(10 * between, 10 * explained, df, Variance(value=10 * expected, df=6.0))
    assert (larger.value, larger.df) == pytest.approx((10 * found.value, found.df))


def test_much_data_overrides_what_was_expected():
    for training in (0.1, 1.0, 100.0):
        found = learn(training + 0.5, 0.5, 1e5, Variance(value=1.0, df=6.0))
        assert found.value == pytest.approx(training, rel=0.05)


def test_pooling_over_policies_by_hand():
    # Mean of between: (4 + 1 + 1) / 3 = 2, with 2 x 9 / (3 + 6/4) = 4 df: repeat means correlate by 1/2, their
    # variances by 1/4. The noisy policy has 4 instead of 2, with 2 df; the calm ones get the pool's.
    ((noisy, *calm),) = pooled_training([moments_of([4, 1, 1])])
    pool = learned(2, 4, EXPECTED, EXPECTED_DF)
    assert [one.value for one in calm] == pytest.approx([pool, pool], rel=1e-3)
    beyond = learned(4, 2, pool, ALIKE_DF) / learned(2, 2, pool, ALIKE_DF)
    assert noisy.value == pytest.approx(beyond * pool, rel=1e-3)
    assert [one.df for one in (noisy, *calm)] == pytest.approx([EXPECTED_DF + 4] * 3, rel=1e-3)


def test_pooling_over_sizes_by_hand():
    # One policy; 3 repeats with between 3 and rho 0, 2 repeats with between 1 and rho 1/2: weights 2 and 1.
    # Mean (2 x 3 + 1 x 1) / (2 x 1 + 1 x 1/2) = 2.8 with (2 + 1)^2 / (2 + 1 + 2 x 1/4 x min(2, 1)) = 9 / 3.5 df.
    # The first size has 3 with 2 df, beyond the pool; the second 1 / (1/2) = 2 with 1 df, and gets the pool's, halved.
    (first,), (second,) = pooled_training([moments_of([3]), moments_of([1], num_repeats=2, rho=0.5)])
    pool = learned(2.8, 9 / 3.5, EXPECTED, EXPECTED_DF)
    beyond = learned(3, 2, pool, ALIKE_DF) / learned(2.8, 2, pool, ALIKE_DF)
    assert first.value == pytest.approx(beyond * pool, rel=1e-3)
    assert second.value == pytest.approx(pool / 2, rel=1e-3)
    assert first.df == second.df == pytest.approx(EXPECTED_DF + 9 / 3.5, rel=1e-3)


def test_a_noisy_policy_at_a_noisy_size_is_noisier_than_either():
    small, large = pooled_training([moments_of([3, 1]), moments_of([6, 2])])
    (noisy, calm), (noisiest, other) = small, large
    assert calm.value < min(noisy.value, other.value)
    assert noisiest.value == pytest.approx(noisy.value * other.value / calm.value)


def test_noise_is_alike_on_the_scale_of_the_rows():
    # The second policy differs from the baseline on a quarter of the rows that the first does.
    ((first, second),) = pooled_training([moments_of([2, 0.5], unit_variances=[100, 25])])
    assert first.value == pytest.approx(4 * second.value)
    ((alone,),) = pooled_training([moments_of([2])])
    assert first.value == pytest.approx(alone.value, rel=0.5)


def test_noise_is_alike_on_the_scale_of_what_the_size_leads_to_expect():
    (small,), (large,) = pooled_training(
        [moments_of([2 * expected_ratio(size)], train_size=size) for size in (100, 10_000)]
    )
    assert small.value / large.value == pytest.approx(expected_ratio(100) / expected_ratio(10_000))


def test_policies_that_agree_on_rows_count_for_less():
    moments = moments_of([2, 2], [1, 1])
    alike = replace(moments, explained=np.array([[1, 0.9], [0.9, 1]]))
    # 2 x 4 / (2 + 2 x .81) instead of 2 x 4 / (2 + 2 x .25)
    found, other = pooled_training([alike])[0][0], pooled_training([moments])[0][0]
    assert found.value < other.value


def test_a_calm_pool_is_not_taken_for_no_noise():
    ((found, _),) = pooled_training([moments_of([0, 0])])
    assert found.value == pytest.approx(EXPECTED * EXPECTED_DF / (EXPECTED_DF + 2 * 4 / 2.5), rel=1e-3)


def test_sizes_with_one_repeat_know_only_what_was_expected():
    single_repeat = moments_of([3, 1], num_repeats=1)
    known = Variance(value=pytest.approx(EXPECTED), df=EXPECTED_DF)
    assert pooled_training([single_repeat]) == [(known, known)]
    several = moments_of([4, 4])
    alone, together = pooled_training([several]), pooled_training([single_repeat, several])
    assert together[1] == alone[0]


VARIANCES = arrays(np.float64, (3, 4), elements=st.floats(0.1, 10))


@given(between=VARIANCES, explained=VARIANCES, scale=st.floats(0.1, 10), policies=st.permutations(range(4)))
def test_policies_may_be_exchanged_and_units_changed(between, explained, scale, policies):
    def variances(between, explained, unit_variance=100.0):
        units = np.full(4, unit_variance)
        pairs = zip(between, explained, strict=True)
        pooled = pooled_training([moments_of(*one, unit_variances=units) for one in pairs])
        return np.array([[one.value for one in row] for row in pooled])

    plain = variances(between, explained)
    assert variances(between[:, policies], explained[:, policies]) == pytest.approx(plain[:, policies])
    assert variances(between[::-1], explained[::-1]) == pytest.approx(plain[::-1])
    assert variances(scale * between, scale * explained, scale * 100) == pytest.approx(scale * plain)


def rotating_scores(seed=0, num_rows=300, num_repeats=3, policies=("a", "b", "c")):
    draws = np.random.default_rng(seed)
    tested = np.kron(np.eye(5), np.ones(num_rows // 5))[:num_repeats] > 0
    easy = draws.normal(size=num_rows)
    found = {}
    for name in ("frozen", *policies, "tf-idf"):
        of_repeat = 0.1 * draws.normal(size=(num_repeats, 1))
        right = easy + of_repeat + draws.normal(size=(num_repeats, num_rows)) > 0
        found[name] = np.where(tested, right, NAN)
    return found


BY_SIZE = {10: rotating_scores(1), 40: rotating_scores(2), 160: rotating_scores(3)}


def compared(scores_by_size=None, **arguments):
    defaults = {"design": "rotating", "candidates": ("a", "b", "c"), "controls": ("tf-idf",), "level": 0.05, "seed": 0}
    return compare_sizes(BY_SIZE if scores_by_size is None else scores_by_size, **(defaults | arguments))


def test_sizes_share_what_they_know_of_training_noise():
    found = compared()
    assert list(found) == [10, 40, 160]
    # 2 x policies x sizes, were all independent
    df = {gain.noise.training.df for comparison in found.values() for gain in comparison.candidates}
    assert len(df) == 1
    assert EXPECTED_DF < df.pop() < EXPECTED_DF + 18
    for size, comparison in found.items():
        scores = BY_SIZE[size]
        for gain in comparison.candidates:
            alone = compare_pair(scores[gain.policy], scores["frozen"], design="rotating", train_size=size, level=0.05)
            assert gain.points == pytest.approx(alone.points)
            assert gain.noise.training.df != alone.df


def test_one_size_alone_pools_its_candidates():
    arguments = {"design": "rotating", "candidates": ("a", "b", "c"), "level": 0.05, "seed": 0}
    alone = compare(BY_SIZE[40], train_size=40, **arguments)
    assert alone == compare_sizes({40: BY_SIZE[40]}, **arguments)[40]
    assert alone.candidates[0].noise.training.df < compared()[40].candidates[0].noise.training.df
    single = compare(BY_SIZE[40], train_size=40, **(arguments | {"candidates": ("a",)}))
    pair = compare_pair(BY_SIZE[40]["a"], BY_SIZE[40]["frozen"], design="rotating", train_size=40, level=0.05)
    assert (single.candidates[0].low, single.candidates[0].high) == (pair.low, pair.high)


def test_controls_do_not_enter_the_pool():
    wild = {size: scores | {"tf-idf": 0 * scores["tf-idf"]} for size, scores in BY_SIZE.items()}
    for one, other in zip(compared().values(), compared(wild).values(), strict=True):
        assert one.candidates == other.candidates


def test_order_of_sizes_and_policies_changes_no_bit():
    turned = {size: dict(reversed(scores.items())) for size, scores in reversed(BY_SIZE.items())}
    plain, other = compared(), compared(turned, candidates=("c", "b", "a"))
    for size in BY_SIZE:
        assert other[size].candidates == plain[size].candidates[::-1]
        assert other[size].expected_regret == plain[size].expected_regret
    assert compared() == plain


def test_a_size_with_a_single_repeat_stays_open():
    found = compared(BY_SIZE | {160: {name: scores[:1] for name, scores in BY_SIZE[160].items()}})
    assert all(gain.high == math.inf for gain in found[160].candidates)
    assert all(gain.high < math.inf for gain in found[40].candidates)


def test_nothing_to_compare_is_named():
    with pytest.raises(InputError, match="give the scores of at least one training size"):
        compared({})


def test_pooled_noise_sets_variance_and_degrees_of_freedom():
    noise = noise_of(moments_of([2, 2], [0.75, 0.75]), 0, Variance(value=1.5, df=8.0))
    # testing 1 - .75 x 2/3 = .5; variance .5 + 1.5 / 3; df = 1 / (.5^2 / 299 + .5^2 / 8)
    assert noise.standard_error() == pytest.approx((1.0, 1 / (0.25 / 299 + 0.25 / 8)))


@pytest.mark.parametrize("of_policies", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
@pytest.mark.parametrize("of_sizes", [(1.0, 1.0), (0.5, 1.0)])
def test_pooled_intervals_cover_the_truth_and_are_not_much_wider(of_policies, of_sizes):
    draws = np.random.default_rng(9)
    tested = np.kron(np.eye(5), np.ones(100))[:3] > 0
    layouts = [layout_of(tested, design="rotating", train_size=size) for size in (25, 100)]
    simulations = 300
    covered, widths, errors = np.empty((3, simulations, 3))
    for index in range(simulations):
        training = np.multiply.outer(of_sizes, of_policies)[:, :, None, None]
        half = math.sqrt(0.5)
        d = training * half * (draws.normal(size=(2, 3, 3, 1)) + draws.normal(size=(2, 1, 3, 1)))
        d = d + 45 * half * (draws.normal(size=(2, 3, 3, 500)) + draws.normal(size=(1, 1, 3, 500)))
        moments = [paired_moments(one, tested, layout) for one, layout in zip(d, layouts, strict=True)]
        pooled = pooled_training(moments)[1]

        def half_width(policy, moments=moments[1], pooled=pooled):
            return interval_around(0.0, *noise_of(moments, policy, pooled[policy]).standard_error(), 0.05).high

        widths[index] = [half_width(policy) for policy in range(3)]
        covered[index] = np.abs(moments[1].gains) <= widths[index]
        errors[index] = np.abs(moments[1].gains)
    assert covered.mean(axis=0).min() > 0.93
    assert np.median(widths[:, 2]) < 1.4 * np.quantile(errors[:, 2], 0.95)
