"""Words, recommendations, and what would decide."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.verdict import Comparison, Gain, Interval, Look, compare, decide
from meltpoint.verdict.decision import Decision, decision_word, may_end
from meltpoint.verdict.enlarging import enlarged
from meltpoint.verdict.intervals import Noise
from meltpoint.verdict.layout import Layout
from meltpoint.verdict.prior import EXPECTED_DF, Variance

LAYOUT = Layout(
    design="fixed",
    num_repeats=5,
    num_rows=1000,
    num_columns=1000,
    units_per_repeat=1000,
    unit_load=1 / 1000,
    num_units=1000,
    train_size=100,
    training_correlation=0.0,
)
NOISE = Noise(layout=LAYOUT, testing=0.5, explained=0.25, training=Variance(value=0.25, df=EXPECTED_DF + 8))
PARAMETERS = {"a": 100, "b": 10, "c": 10}


def comparison_of(*bounds, regret=None, noise=NOISE):
    """Builds a comparison with candidates a, b, c of the given (low, high)."""
    gains = tuple(
        Gain(
            policy=name,
            points=(low + high) / 2 if math.isfinite(low) else 1.0,
            low=low,
            high=high,
            standard_error=1.0,
            df=10.0,
            p_value=0.5,
            noise=noise,
        )
        for name, (low, high) in zip("abc", bounds, strict=False)
    )
    best = max(0.0, *(gain.points for gain in gains), 0.0)
    regrets = {"frozen": best + 0.1} | {gain.policy: best + 0.1 - gain.points for gain in gains}
    return Comparison(
        worth={gain.policy: 1.0 for gain in gains},
        baseline="frozen",
        candidates=gains,
        controls=(),
        mean_scores={},
        expected_regret=regrets | (regret or {}),
        num_repeats=noise.layout.num_repeats,
        num_rows=noise.layout.num_rows,
        level=0.05,
        look=None,
        interval_level=0.05,
        rope_points=0.5,
        design="fixed",
        train_size=100,
    )


@pytest.mark.parametrize(
    ("bounds", "word", "recommendation"),
    [
        ([(-0.4, 0.4)], "equivalent", "frozen"),
        ([(0.1, 0.4)], "equivalent", "frozen"),  # credibly positive, but all of it inside the ROPE
        ([(-0.4, -0.1)], "equivalent", "frozen"),
        ([(0.0, 0.0)], "equivalent", "frozen"),
        ([(-0.4, 0.4), (-3.0, -1.0)], "equivalent", "frozen"),  # one inside, one below
        ([(-2.0, 0.4)], "equivalent", "frozen"),  # freezing costs at most the ROPE
        ([(0.1, 0.4), (-3.0, -1.0)], "equivalent", "frozen"),
        ([(-3.0, -1.0)], "freeze", "frozen"),
        ([(-3.0, -1.0), (-0.7, -0.1)], "freeze", "frozen"),
        ([(0.1, 2.0)], "fine-tune", "a"),
        ([(0.6, 2.0), (-3.0, -1.0)], "fine-tune", "a"),
        ([(0.1, 2.0), (-0.1, 9.0)], "fine-tune", "a"),  # b promises more, but is not credibly above zero
        ([(0.1, 2.0), (0.1, 1.5)], "fine-tune", "b"),  # within the ROPE: the fewer parameters
        ([(0.1, 2.0), (0.1, 0.8)], "fine-tune", "a"),  # beyond the ROPE: the less regret
        ([(0.1, 2.0), (0.1, 1.5), (0.1, 1.7)], "fine-tune", "c"),  # equally cheap: the less regret
        ([(0.1, 2.0), (0.1, 1.6), (0.1, 1.6)], "fine-tune", "b"),  # equal in all: the order given
        ([(-0.1, 0.6)], "undecided", "frozen"),
        ([(-1.0, 5.0)], "undecided", "a"),
        ([(-1.0, 5.0), (-1.0, 4.5)], "undecided", "b"),
        ([(-1.0, 1.8)], "undecided", "frozen"),  # frozen is within the ROPE of a
        ([(-math.inf, math.inf)], "undecided", "a"),
    ],
)
def test_decision_table(bounds, word, recommendation):
    comparison = comparison_of(*bounds)
    decision = decide(comparison, rope_points=0.5, trainable_parameters=PARAMETERS)
    assert (decision.word, decision.recommendation) == (word, recommendation)
    assert decision.expected_regret == comparison.expected_regret[recommendation]
    assert decision.reason.endswith(".")
    if word != "undecided":
        assert decision.enough
        assert (decision.needed_repeats, decision.needed_test_rows) == (None, None)


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ([(0.5, 3.5)], "a gains +2.00 points (interval +0.50 to +3.50) over frozen."),
        (
            [(-3.0, -1.0), (-5.0, -4.0)],
            "Every candidate is credibly worse than frozen; the best, a, gains -2.00 points (interval -3.00 to -1.00).",
        ),
        (
            [(-0.2, 0.4)],
            "Every candidate gains less than the 0.5 points over frozen that would matter; "
            "the best, a, gains +0.10 points (interval -0.20 to +0.40).",
        ),
        (
            [(-1.0, 5.0)],
            "The interval is too wide to decide: the best so far, a, "
            "gains +2.00 points (interval -1.00 to +5.00) over frozen.",
        ),
    ],
)
def test_reasons(bounds, reason):
    assert decide(comparison_of(*bounds), trainable_parameters=PARAMETERS).reason == reason


@pytest.mark.parametrize(
    ("num_repeats", "num_rows", "reason", "needed"),
    [
        (1, 50, "One repeat shows no training noise, so the gain over frozen has no interval", (1, None)),
        (3, 1, "One row shows no test noise, so the gain over frozen has no interval", (None, 2)),
    ],
)
def test_without_intervals_nothing_is_decided_or_enough(num_repeats, num_rows, reason, needed):
    scores = {"frozen": np.zeros((num_repeats, num_rows)), "a": np.zeros((num_repeats, num_rows))}
    comparison = compare(scores, design="fixed", train_size=5, candidates=["a"], level=0.05, seed=0)
    decision = decide(comparison, trainable_parameters={"a": 1})
    assert decision.word == "undecided"
    assert decision.reason.startswith(reason)
    assert (decision.needed_repeats, decision.needed_test_rows) == needed
    assert not decision.enough


@pytest.mark.parametrize(("regret", "enough"), [(0.25, True), (0.26, False)])
def test_small_expected_regret_is_enough(regret, enough):
    comparison = comparison_of((-0.6, 0.7), regret={"frozen": regret})
    decision = decide(comparison, trainable_parameters=PARAMETERS)
    assert (decision.word, decision.enough) == ("undecided", enough)


def test_the_rope_of_the_decision_may_differ_from_the_comparison():
    comparison = comparison_of((-0.8, 0.8))
    assert decide(comparison, trainable_parameters=PARAMETERS).word == "undecided"
    assert decide(comparison, rope_points=1.0, trainable_parameters=PARAMETERS).word == "equivalent"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trainable_parameters": {"b": 1}}, "no entry for a; every candidate needs one"),
        ({"trainable_parameters": PARAMETERS, "rope_points": math.nan}, "0 points or more; it is nan"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        decide(comparison_of((0, 1)), **arguments)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 3)), min_size=1, max_size=4),
    st.floats(0, 1),
    st.floats(0, 2),
)
def test_shrinking_intervals_never_undo_a_decision(centres, shrink, rope):
    def word(factor):
        return decision_word(
            [
                Interval(points=x, low=x - factor * half, high=x + factor * half, standard_error=half, df=1)
                for x, half in centres
            ],
            rope,
        )

    if word(1) != "undecided":
        assert word(shrink) != "undecided"


def test_enlarging_by_nothing_changes_nothing():
    same = enlarged(NOISE, LAYOUT.num_repeats, LAYOUT.num_columns)
    assert same.standard_error() == pytest.approx(NOISE.standard_error())


def test_more_repeats_know_training_noise_better():
    # 10 repeats in place of 5: what was learnt x 9 / 4; what was known beforehand and the noise itself stay.
    assert enlarged(NOISE, 10, LAYOUT.num_columns).training == Variance(value=0.25, df=EXPECTED_DF + 18)


def test_enlarged_noise_by_hand():
    # One repeat's mean has testing variance .5 + .25 x 4/5 = .7, a row 700. Rows: (.5 - 700/5000) / (1/1000 - 1/5000)
    # = .36 / .0008 = 450; the rest is 250. Training .25.
    # 10 repeats of 2,000 rows: testing 450/2000 + 250/20000 = .2375; explained 10 (700/2000 - .2375) / 9 = .125
    larger = enlarged(NOISE, 10, 2000)
    assert (larger.testing, larger.explained, larger.training.value) == pytest.approx((0.2375, 0.125, 0.25))
    assert larger.standard_error()[0] ** 2 == pytest.approx(0.2375 + 0.25 / 10)


def test_more_rows_thin_out_the_overlap_of_training_sets():
    layout = replace(LAYOUT, design="rotating", units_per_repeat=200, training_correlation=0.5)
    larger = enlarged(replace(NOISE, layout=layout), 5, 2000)
    assert larger.layout.training_correlation == 0.25
    assert larger.layout.num_rows == 2000
    # Training noise .25 / (1 - .5) in all, of which three quarters now differ between repeats.
    assert larger.training.value == pytest.approx(0.375)


def undecided(points, half, **noise):
    comparison = comparison_of((points - half, points + half), noise=replace(NOISE, **noise))
    decision = decide(comparison, trainable_parameters=PARAMETERS)
    assert decision.word == "undecided"
    return decision


def test_more_repeats_decide_where_training_noise_rules():
    decision = undecided(2.0, 2.5, testing=0.01, explained=0.01, training=Variance(value=8.0, df=9.0))
    # Half-width t(R + 4) sqrt(.01 + 8/R) < 2: 2.16 sqrt(.899) = 2.05 at R = 9, 2.14 sqrt(.81) = 1.93 at R = 10
    assert (decision.needed_repeats, decision.needed_test_rows) == (5, None)


def test_only_more_rows_decide_where_the_test_set_rules():
    decision = undecided(1.0, 1.4, testing=0.5, explained=0.0, training=Variance(value=0.0, df=9.0))
    # 1.96 sqrt(.5 x 1000 / N) < 1 from N = 1921 on; t instead of the normal adds a few.
    assert decision.needed_repeats is None
    assert 1921 <= decision.needed_test_rows <= 1930


def test_more_of_both_where_neither_would_do():
    decision = undecided(1.0, 3.0, testing=0.5, explained=0.0, training=Variance(value=5.0, df=9.0))
    assert decision.needed_repeats in (5, 15, 35)
    assert decision.needed_test_rows > 1000


def test_nothing_decides_a_gain_that_is_exactly_the_border():
    comparison = comparison_of((-1.0, 1.0))
    decision = decide(comparison, rope_points=0, trainable_parameters=PARAMETERS)
    assert (decision.word, decision.needed_repeats, decision.needed_test_rows) == ("undecided", None, None)


def test_foretold_repeats_decide_when_they_are_run():
    draws = np.random.default_rng(4)
    gains = 0.03 + 0.05 * draws.normal(size=(200, 1)) + 0.1 * draws.normal(size=(200, 1000))

    def decision(num_repeats):
        scores = {"frozen": np.zeros((num_repeats, 1000)), "a": gains[:num_repeats]}
        comparison = compare(scores, design="fixed", train_size=100, candidates=["a"], level=0.05, seed=0)
        return decide(comparison, trainable_parameters={"a": 1})

    first = decision(5)
    assert first.word == "undecided"
    assert first.needed_repeats < 50
    assert decision(5 + 2 * first.needed_repeats).word == "fine-tune"


NOISY_TRAINING = replace(NOISE, testing=0.01, explained=0.01, training=Variance(value=8.0, df=40.0))


@pytest.mark.parametrize(
    ("word", "noise", "points", "later", "enough", "ends"),
    [
        ("fine-tune", NOISE, 2.0, (10, 20), True, True),
        # 40 repeats: se sqrt(.01 + 8 / 40) = .46; five have 1.27, and one study in five moves by another 1.0 points.
        ("undecided", NOISY_TRAINING, 1.0, (10, 20, 40), True, False),
        ("undecided", NOISY_TRAINING, 0.0, (10, 20, 40), True, False),  # freeze, or fine-tune
        ("undecided", NOISY_TRAINING, 1.0, (), True, True),
        ("undecided", NOISE, 0.6, (10, 20, 40), True, True),  # the test rows alone have se .71
        ("undecided", NOISE, 0.6, (10, 20, 40), False, False),  # five repeats are no patience
        ("undecided", replace(NOISE, layout=replace(LAYOUT, num_repeats=10)), 0.6, (20, 40), False, True),
        ("undecided", replace(NOISE, layout=replace(LAYOUT, num_repeats=1)), 0.6, (10,), False, False),
    ],
)
def test_a_study_ends_when_it_is_decided_or_has_no_fair_chance_to_be(word, noise, points, later, enough, ends):
    standard_error, _ = noise.standard_error()
    comparison = comparison_of((points - 2 * standard_error, points + 2 * standard_error), noise=noise)
    (gain,) = comparison.candidates
    gain = replace(gain, points=points, standard_error=standard_error)
    decision = Decision(
        word=word,
        recommendation="frozen",
        expected_regret=0.1,
        reason="",
        needed_repeats=None,
        needed_test_rows=None,
        enough=enough,
    )
    assert may_end(replace(comparison, candidates=(gain,)), decision, later) == ends


def test_what_would_decide_is_foretold_at_the_level_of_a_later_look():
    noise = replace(NOISY_TRAINING, layout=replace(LAYOUT, num_repeats=3))
    comparison = comparison_of((-1.0, 5.0), noise=noise)
    early = replace(comparison, level=0.0056, interval_level=0.0056)
    as_a_look = replace(early, look=Look(repeats=3, num_policies=1))
    needed = [decide(one, trainable_parameters=PARAMETERS).needed_repeats for one in (early, as_a_look, comparison)]
    assert needed[0] > needed[1] > needed[2]
