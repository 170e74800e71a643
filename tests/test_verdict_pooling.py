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
from meltpoint.verdict.intervals import TrainingNoise, interval_around, noise_of
from meltpoint.verdict.layout import Layout, layout_of
from meltpoint.verdict.moments import Moments, paired_moments
from meltpoint.verdict.pooling import pooled_training, variance_beyond

NAN = math.nan


def moments_of(between, explained=None, *, num_repeats=3, rho=0.0):
    """Builds moments with these variances and uncorrelated policies."""
    between = np.array(between, dtype=float)
    explained = np.zeros_like(between) if explained is None else np.array(explained, dtype=float)
    layout = Layout(
        design="rotating",
        num_repeats=num_repeats,
        num_rows=300,
        num_columns=500,
        units_per_repeat=100,
        unit_load=1 / 300,
        num_units=500,
        training_correlation=rho,
    )
    return Moments(
        layout=layout,
        gains=np.zeros(len(between)),
        testing=np.diag(explained / num_repeats),
        between=np.diag(between),
        explained=np.diag(explained),
    )


def test_pooling_over_policies_by_hand():
    # T = (4 + 1 + 1) / 3 = 2; by policy 4, 1, 1. The noisy one keeps its 4, the others get the pool's 2.
    # Repeat means correlate by 1/2, their variances by 1/4: df = 2 x 9 / (3 + 6/4) = 4.
    ((noisy, *others),) = pooled_training([moments_of([4, 1, 1])])
    assert (noisy.variance, noisy.df) == pytest.approx((4, 4))
    assert [one.variance for one in others] == pytest.approx([2, 2])


def test_pooling_over_sizes_by_hand():
    # One policy; 3 repeats with between 3 and rho 0, 2 repeats with between 1 and rho 1/2: weights 2 and 1.
    # T = (2 x 3 + 1 x 1) / (2 x 1 + 1 x 1/2) = 2.8; by size 3 / 1 and 1 / (1/2) = 2.
    # First size max(2.8, 3) x 1, second max(2.8, 2) x 1/2. df = (2 + 1)^2 / (2 + 1 + 2 x 1/4 x min(2, 1)) = 9 / 3.5.
    (first,), (second,) = pooled_training([moments_of([3]), moments_of([1], num_repeats=2, rho=0.5)])
    assert (first.variance, second.variance) == pytest.approx((3, 1.4))
    assert (first.df, second.df) == pytest.approx((9 / 3.5, 9 / 3.5))


def test_a_noisy_policy_at_a_noisy_size_is_noisier_than_either():
    # between     size 1  size 2  mean      T = 3; first policy 4.5, second 1.5; sizes 2 and 4
    # policy 1       3       6    4.5       policy 1: 3 x 4.5/3 x 1   and 3 x 4.5/3 x 4/3 = 6
    # policy 2       1       2    1.5       policy 2: 3 x 1 x 1       and 3 x 1 x 4/3 = 4
    small, large = pooled_training([moments_of([3, 1]), moments_of([6, 2])])
    assert [one.variance for one in (*small, *large)] == pytest.approx([4.5, 3, 6, 4])


def test_policies_that_agree_on_rows_count_for_less():
    moments = moments_of([2, 2], [1, 1])
    alike = replace(moments, explained=np.array([[1, 0.9], [0.9, 1]]))
    # 2 x 4 / (2 + 2 x .81), not 2 x 4 / (2 + 2 x .25)
    assert pooled_training([alike])[0][0].df == pytest.approx(8 / 3.62)
    assert pooled_training([moments])[0][0].df == pytest.approx(8 / 2.5)


def test_variance_beyond_by_hand():
    # With 2 df, F(x; 2) = 1 - exp(-x/2) and F(x; 4) = 1 - (1 + x/2) exp(-x/2); here x = 2 x 1 / 1.
    ratio = (1 - math.exp(-1)) / (1 - 2 * math.exp(-1))
    assert variance_beyond(np.array([1.0]), np.array([1.0]), 2) == pytest.approx([ratio - 1])


@pytest.mark.parametrize("df", [1.0, 4.6, 40.0, 1e5])
def test_variance_beyond_is_the_difference_where_that_is_clear_and_never_nothing(df):
    between = np.array([0.0, 0.5, 1.0, 2.0, 1000.0])
    found = variance_beyond(between, np.ones(5), df)
    assert (found > 0).all()
    assert (np.diff(found) > 0).sum() >= 3
    assert (found >= between - 1).all()
    assert found[-1] == pytest.approx(999, rel=0.01)
    # Without a known part there is nothing beyond which to look.
    assert variance_beyond(between, np.zeros(5), df).tolist() == between.tolist()


def test_variance_beyond_is_sound_where_there_is_little_to_find():
    draws = np.random.default_rng(0)
    for training in (0.0, 0.3, 1.0):
        between = (1 + training) * draws.chisquare(9, size=20_000) / 9
        found = variance_beyond(between, np.ones_like(between), 9).mean()
        assert training < found < training + 0.6


def test_a_study_without_noise_has_none():
    assert pooled_training([moments_of([0, 0])])[0][0].variance == 0


def test_one_gain_speaks_for_itself():
    assert pooled_training([moments_of([3])]) == [(None,)]
    single_repeat = moments_of([3, 1], num_repeats=1)
    assert pooled_training([single_repeat]) == [(None, None)]
    assert pooled_training([single_repeat, moments_of([4, 4])])[0] == (None, None)
    assert pooled_training([single_repeat, moments_of([4, 4])])[1] == pooled_training([moments_of([4, 4])])[0]


VARIANCES = arrays(np.float64, (3, 4), elements=st.floats(0.1, 10))


@given(between=VARIANCES, explained=VARIANCES, scale=st.floats(0.1, 10), policies=st.permutations(range(4)))
def test_policies_may_be_exchanged_and_units_changed(between, explained, scale, policies):
    def variances(between, explained):
        pooled = pooled_training([moments_of(*one) for one in zip(between, explained, strict=True)])
        return np.array([[one.variance for one in row] for row in pooled])

    plain = variances(between, explained)
    assert variances(between[:, policies], explained[:, policies]) == pytest.approx(plain[:, policies])
    assert variances(between[::-1], explained[::-1]) == pytest.approx(plain[::-1])
    assert variances(scale * between, scale * explained) == pytest.approx(scale * plain)


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
    df = {gain.noise.pooled.df for comparison in found.values() for gain in comparison.candidates}
    assert len(df) == 1
    assert 2 < df.pop() < 18
    for size, comparison in found.items():
        scores = BY_SIZE[size]
        for gain in comparison.candidates:
            alone = compare_pair(scores[gain.policy], scores["frozen"], design="rotating", train_size=size, level=0.05)
            assert gain.points == pytest.approx(alone.points)
            assert gain.df > alone.df
        (control,) = comparison.controls
        arguments = {"design": "rotating", "train_size": size, "level": 0.05, "lent": comparison.lent_training}
        alone = compare_pair(scores["tf-idf"], scores["frozen"], **arguments)
        assert (control.low, control.high, control.df) == (alone.low, alone.high, alone.df)


def test_one_size_alone_pools_its_candidates():
    arguments = {"design": "rotating", "candidates": ("a", "b", "c"), "level": 0.05, "seed": 0}
    alone = compare(BY_SIZE[40], train_size=40, **arguments)
    assert alone == compare_sizes({40: BY_SIZE[40]}, **arguments)[40]
    assert 2 < alone.candidates[0].noise.pooled.df < compared()[40].candidates[0].noise.pooled.df
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
    moments = moments_of([2, 2], [0.75, 0.75])
    noise = noise_of(moments, 0, TrainingNoise(variance=1.5, df=8.0))
    # variance .25 + 1.5 / 3; df = .75^2 / (.25^2 / 299 + (2.25 / 3)^2 / 8 + (.75 / 3)^2 / (8 x 299)) < 8
    assert noise.standard_error() == pytest.approx((math.sqrt(0.75), 8.0))


@pytest.mark.parametrize("of_policies", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
@pytest.mark.parametrize("of_sizes", [(1.0, 1.0), (0.5, 1.0)])
def test_pooled_intervals_cover_the_truth_and_are_narrower(of_policies, of_sizes):
    draws = np.random.default_rng(9)
    tested = np.kron(np.eye(5), np.ones(100))[:3] > 0
    layouts = [layout_of(tested, design="rotating", train_size=size) for size in (25, 100)]
    simulations = 300
    covered, widths = np.empty((simulations, 3)), np.empty((simulations, 2))
    for index in range(simulations):
        training = 4 * np.multiply.outer(of_sizes, of_policies)[:, :, None, None]
        half = math.sqrt(0.5)
        d = training * half * (draws.normal(size=(2, 3, 3, 1)) + draws.normal(size=(2, 1, 3, 1)))
        d = d + 45 * half * (draws.normal(size=(2, 3, 3, 500)) + draws.normal(size=(1, 1, 3, 500)))
        moments = [paired_moments(one, tested, layout) for one, layout in zip(d, layouts, strict=True)]
        pooled = pooled_training(moments)[1]

        def half_width(policy, estimate, level, moments=moments[1]):
            return interval_around(0.0, *noise_of(moments, policy, estimate).standard_error(), level).high

        covered[index] = np.abs(moments[1].gains) <= [half_width(p, pooled[p], 0.05) for p in range(3)]
        widths[index] = half_width(2, pooled[2], 0.01), half_width(2, None, 0.01)
    assert covered.mean(axis=0).min() > 0.93
    pooled_width, alone_width = np.median(widths, axis=0)
    assert pooled_width < 0.7 * alone_width
