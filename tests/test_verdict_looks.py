"""Error spent over interim looks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from meltpoint.errors import InputError
from meltpoint.verdict import Look, default_looks, look_shares
from meltpoint.verdict.boundaries import level_of_look
from meltpoint.verdict.intervals import Noise
from meltpoint.verdict.layout import layout_of
from meltpoint.verdict.looks import ALPHA
from meltpoint.verdict.prior import Variance


@pytest.mark.parametrize(
    ("max_repeats", "looks"),
    [
        (1, (1,)),
        (2, (2,)),
        (3, (3,)),
        (4, (3, 4)),
        (5, (3, 5)),
        (10, (3, 5, 10)),
        (11, (3, 5, 11)),
        (20, (3, 5, 10, 20)),
        (30, (3, 5, 10, 20, 30)),
    ],
)
def test_default_looks(max_repeats, looks):
    assert default_looks(max_repeats) == looks


def test_shares_by_hand():
    # spent(6) = .05 x 216 / 432; spent(12) = .05 x 1728 / 1944
    assert look_shares([6, 12]) == pytest.approx({6: 0.025, 12: 0.05 * 8 / 9 - 0.025})


@given(st.sets(st.integers(1, 10**4), min_size=1))
def test_shares_never_add_up_to_more_than_alpha(looks):
    shares = look_shares(sorted(looks))
    assert math.fsum(shares.values()) < ALPHA
    assert all(share > 0 for share in shares.values())


@given(st.sets(st.integers(1, 100), min_size=2), st.integers(1, 100))
def test_later_looks_change_no_share(looks, num_taken):
    looks = sorted(looks)
    taken = looks[:num_taken]
    assert look_shares(looks).items() >= look_shares(taken).items()


@given(st.sets(st.integers(1, 100), min_size=2), st.data())
def test_a_look_left_out_is_spent_by_the_next(looks, data):
    looks = sorted(looks)
    place = data.draw(st.integers(0, len(looks) - 2))
    shares = look_shares(looks)
    without = look_shares(looks[:place] + looks[place + 1 :])
    assert without[looks[place + 1]] == pytest.approx(shares[looks[place]] + shares[looks[place + 1]])


@pytest.mark.parametrize("looks", [[], [3, 3], [5, 3], [0, 3]])
def test_wrong_looks_are_named(looks):
    with pytest.raises(InputError, match=rf"from 1 repeat or more, each taken once; they are \[{str(looks)[1:-1]}\]"):
        look_shares(looks)


def test_a_study_has_a_repeat():
    with pytest.raises(InputError, match="at least 1 repeat; max_repeats is 0"):
        default_looks(0)


def test_two_looks_against_the_bivariate_normal():
    # P(|Z2| > c and |Z1| <= b) by inclusion and exclusion of quadrants
    correlation, before, share = 0.8, 0.01, 0.02
    level = level_of_look([1.0, correlation], [before], share)
    b, c = norm.isf(before / 2), norm.isf(level / 2)
    joint = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    inside = joint.cdf([b, c], lower_limit=[-b, -c])
    assert (1 - before) - inside == pytest.approx(share, rel=1e-3)


def test_three_looks_against_simulated_walks():
    draws = np.random.default_rng(3)
    errors = np.sqrt([1e-3 + 7.5e-4 / repeats for repeats in (3, 5, 10)])
    levels = [0.02, 0.03]
    level = level_of_look(errors, levels, 0.03)
    # A mean over R repeats that share their rows: what comes later is independent of what was.
    steps = draws.standard_normal((400_000, 3)) * np.sqrt(np.diff([0, *(1 / errors**2)]))
    z = np.cumsum(steps, axis=1) * errors
    beyond = np.abs(z) > norm.isf(np.array([*levels, level]) / 2)
    assert (beyond[:, 2] & ~beyond[:, :2].any(axis=1)).mean() == pytest.approx(0.03, abs=0.001)


@pytest.mark.parametrize(
    ("errors", "levels", "share", "level"),
    [
        ([1.0, 1e-9], [0.01], 0.02, 0.02 / 0.99),  # independent: only the studies that missed before are gone
        ([1.0, 1.0], [0.01], 0.02, 0.03),  # the same estimate
        ([0.0, 0.0], [0.01], 0.02, 0.03),
        ([1.0, 1.0, 1.0], [0.01, 0.02], 0.03, 0.05),
    ],
)
def test_the_level_lies_between_no_overlap_and_all(errors, levels, share, level):
    assert level_of_look(errors, levels, share) == pytest.approx(level, rel=1e-6)


@given(st.floats(0.3, 0.99), st.floats(0.01, 1.0), st.floats(1e-4, 0.05), st.floats(1e-5, 0.05))
def test_the_more_looks_overlap_the_wider_a_level(ratio, less, before, share):
    level = level_of_look([1.0, ratio], [before], share)
    assert share * (1 - 1e-6) <= level_of_look([1.0, ratio * less], [before], share) <= level * (1 + 1e-6)
    assert level <= (before + share) * (1 + 1e-6)


LAYOUT = layout_of(np.ones((10, 1000), dtype=np.bool_), design="fixed", train_size=100)


def noise_with(testing, training):
    return Noise(layout=LAYOUT, testing=testing, explained=testing, training=Variance(value=training, df=20.0))


def test_the_first_look_has_its_share():
    noise = noise_with(1.0, 1.0)
    assert Look(repeats=10, num_policies=3).level([noise]) == look_shares([10])[10]
    # A single repeat has no interval: whatever it was given, nothing was missed then.
    assert Look(repeats=10, num_policies=3, before=((1, 0.01),)).level([noise]) == look_shares([1, 10])[10]


def test_looks_that_share_their_noise_have_more_than_their_share():
    before = ((3, 0.0056), (5, 0.0128))
    look = Look(repeats=10, num_policies=2, before=before)
    shared, apart = noise_with(1.0, 0.001), noise_with(0.001, 1.0)
    levels = {name: look.level(noises) for name, noises in {"shared": [shared], "apart": [apart]}.items()}
    assert look_shares([3, 5, 10])[10] < levels["apart"] < levels["shared"] < ALPHA * 1000 / 1216
    assert look.level([shared, apart]) == levels["apart"]


def test_a_later_look_knows_the_ones_before():
    look = Look(repeats=3, num_policies=2).followed(0.0056, 5).followed(0.017, 10)
    assert look == Look(repeats=10, num_policies=2, before=((3, 0.0056), (5, 0.017)))
    with pytest.raises(InputError, match=r"they are \[3, 5, 5\]"):
        _ = Look(repeats=5, num_policies=2, before=look.before).share
