"""Several policies against one baseline."""

import itertools
import math

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.verdict import Look, compare, compare_pair, decide

POLICIES = ("anchored", "fine-tuned", "scaled")


def study(num_repeats=5, num_rows=300, gains=(0.03, 0.01, -0.02), seed=0, names=POLICIES):
    """Returns scores: the named policies, a control and the baseline, whose noise they share in part."""
    draws = np.random.default_rng(seed)
    shape = (num_repeats, num_rows)
    shared = draws.normal(size=num_rows)
    scores = {"frozen": (shared + 0.5 * draws.normal(size=shape) > 0).astype(float)}
    for name, gain in zip((*names, "tf-idf"), (*gains, 0.0), strict=True):
        repeats = 0.01 * draws.normal(size=(num_repeats, 1))
        scores[name] = (shared + 3 * (gain + repeats) + 0.5 * draws.normal(size=shape) > 0).astype(float)
    return scores


def compared(scores, **arguments):
    defaults = {"design": "fixed", "train_size": 100, "candidates": POLICIES, "controls": ("tf-idf",), "level": 0.05}
    return compare(scores, **(defaults | {"seed": 0} | arguments))


def test_gains_are_those_of_pairs_and_scores_those_of_policies():
    scores = study()
    comparison = compared(scores)
    for gain in (*comparison.candidates, *comparison.controls):
        pair = compare_pair(scores[gain.policy], scores["frozen"], design="fixed", train_size=100, level=0.05)
        assert gain.points == pytest.approx(pair.points)
        if gain.policy == "tf-idf":
            assert (gain.standard_error, gain.df) == (pair.standard_error, pair.df)
        assert comparison.mean_scores[gain.policy] == pytest.approx(100 * scores[gain.policy].mean())
        difference = comparison.mean_scores[gain.policy] - comparison.mean_scores["frozen"]
        assert gain.points == pytest.approx(difference)
    assert [gain.policy for gain in comparison.candidates] == list(POLICIES)
    assert list(comparison.expected_regret) == ["frozen", *POLICIES]
    assert (comparison.num_repeats, comparison.num_rows) == (5, 300)
    assert 0.05 / 3 < comparison.interval_level < 0.05


def test_controls_stand_outside_the_family_of_candidates():
    scores = study()
    assert compared(scores, controls=()).candidates == compared(scores).candidates
    alone = compare_pair(scores["tf-idf"], scores["frozen"], design="fixed", train_size=100, level=0.05)
    (control,) = compared(scores).controls
    assert (control.low, control.high) == pytest.approx((alone.low, alone.high))


def test_order_of_policies_changes_no_bit():
    scores = study()
    plain = compared(scores)
    turned = compared(dict(reversed(scores.items())), candidates=POLICIES[::-1])
    assert turned.candidates == plain.candidates[::-1]
    assert turned.expected_regret == plain.expected_regret
    assert turned.mean_scores == plain.mean_scores


def test_exchanged_policies_exchange_their_gains():
    scores = study()
    exchanged = scores | {"anchored": scores["scaled"], "scaled": scores["anchored"]}
    plain, other = ({gain.policy: gain for gain in compared(either).candidates} for either in (scores, exchanged))
    assert other["scaled"].points == plain["anchored"].points
    assert other["scaled"].low == pytest.approx(plain["anchored"].low, abs=0.1)


def test_same_seed_same_bits_and_another_seed_moves_only_simulated_figures():
    scores = study()
    assert compared(scores) == compared(scores)
    other = compared(scores, seed=1)
    assert other != compared(scores)
    for one, two in zip(compared(scores).candidates, other.candidates, strict=True):
        assert (one.points, one.standard_error, one.p_value) == (two.points, two.standard_error, two.p_value)
        assert one.low == pytest.approx(two.low, abs=0.1)


def test_input_is_left_alone():
    scores = study()
    copies = {name: matrix.copy() for name, matrix in scores.items()}
    compared(scores)
    assert all(np.array_equal(scores[name], copies[name]) for name in scores)


def test_rotating_folds_take_nan_for_untested_rows():
    scores = study(num_repeats=5)
    tested = np.kron(np.eye(5), np.ones(60)) > 0
    comparison = compared({name: np.where(tested, x, math.nan) for name, x in scores.items()}, design="rotating")
    assert comparison.num_rows == 300
    assert comparison.mean_scores["frozen"] == pytest.approx(100 * scores["frozen"][tested].mean())
    assert all(math.isfinite(gain.low) for gain in comparison.candidates)


@pytest.mark.parametrize(("num_repeats", "num_rows"), [(1, 50), (4, 1), (1, 1)])
def test_without_any_view_of_noise_intervals_are_infinite(num_repeats, num_rows):
    comparison = compared(study(num_repeats=num_repeats, num_rows=num_rows))
    for gain in comparison.candidates:
        assert (gain.low, gain.high, gain.standard_error, gain.p_value) == (-math.inf, math.inf, math.inf, 1.0)
    assert all(math.isfinite(regret) for regret in comparison.expected_regret.values())


def test_equal_predictions_are_zero_as_surely_as_there_are_rows():
    def found(num_rows):
        same = np.ones((3, num_rows))
        return compared(dict.fromkeys((*POLICIES, "frozen", "tf-idf"), same))

    few, many = found(20), found(10_000)
    assert all((gain.points, gain.p_value) == (0, 1) for gain in (*few.candidates, *many.candidates))
    assert all(gain.high > 10 for gain in few.candidates)
    assert all(gain.high < 0.2 for gain in many.candidates)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"candidates": ()}, "Nothing to compare with frozen"),
        ({"candidates": ("anchored", "gradual")}, "No scores for gradual. There are scores for: anchored, fine-tuned"),
        ({"candidates": ("anchored", "anchored")}, "named twice: anchored"),
        ({"candidates": ("frozen", "anchored")}, "named twice: frozen"),
        ({"candidates": ("anchored",), "controls": ("anchored",)}, "named twice: anchored"),
        ({"baseline": "cold"}, "No scores for cold"),
        ({"level": 1.0}, "between 0 and 1; it is 1.0"),
        ({"rope_points": -1.0}, "0 points or more; it is -1.0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        compared(study(), **arguments)


def false_winner_rate(simulations, *, num_rows=200, looks=(3, 5, 10)):
    """Returns how often a study of three candidates without any gain, stopped at a win, names a winner."""
    draws = np.random.default_rng(11)
    winners = 0
    for _ in range(simulations):
        gains = {
            name: 0.02 * draws.normal(size=(looks[-1], 1))
            + 0.2 * draws.normal(size=num_rows)
            + 0.3 * draws.normal(size=(looks[-1], num_rows))
            for name in POLICIES
        }
        look = Look(repeats=looks[0], num_policies=len(POLICIES))
        for repeats, following in itertools.zip_longest(looks, looks[1:]):
            scores = {name: gain[:repeats] for name, gain in gains.items()} | {"frozen": np.zeros((repeats, num_rows))}
            comparison = compared(scores, controls=(), level=look)
            decision = decide(comparison, rope_points=0, trainable_parameters=dict.fromkeys(POLICIES, 1))
            if decision.word == "fine-tune":
                winners += 1
                break
            if following:
                look = look.followed(comparison.level, following)
    return winners / simulations


def test_winners_are_rare_where_there_are_none():
    assert false_winner_rate(40) <= 0.125


@pytest.mark.slow
def test_winners_are_rare_where_there_are_none_in_many_studies():
    assert false_winner_rate(1000) <= 0.05
