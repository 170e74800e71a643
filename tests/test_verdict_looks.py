"""Error spent over interim looks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.verdict import default_looks, look_levels


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


def test_levels_by_hand():
    # spent(6) = .05 x 216 / 432; spent(12) = .05 x 1728 / 1944
    assert look_levels([6, 12]) == pytest.approx({6: 0.025, 12: 0.05 * 8 / 9 - 0.025})


@given(st.sets(st.integers(1, 10**4), min_size=1), st.floats(0.001, 0.2))
def test_levels_never_add_up_to_more_than_alpha(looks, alpha):
    levels = look_levels(sorted(looks), alpha)
    assert math.fsum(levels.values()) < alpha
    assert all(level > 0 for level in levels.values())


@given(st.sets(st.integers(1, 100), min_size=2), st.integers(1, 100))
def test_later_looks_change_no_level(looks, num_taken):
    looks = sorted(looks)
    taken = looks[:num_taken]
    assert look_levels(looks).items() >= look_levels(taken).items()


@given(st.sets(st.integers(1, 100), min_size=2), st.data())
def test_a_look_left_out_is_spent_by_the_next(looks, data):
    looks = sorted(looks)
    place = data.draw(st.integers(0, len(looks) - 2))
    levels = look_levels(looks)
    without = look_levels(looks[:place] + looks[place + 1 :])
    assert without[looks[place + 1]] == pytest.approx(levels[looks[place]] + levels[looks[place + 1]])


@pytest.mark.parametrize("looks", [[], [3, 3], [5, 3], [0, 3]])
def test_wrong_looks_are_named(looks):
    with pytest.raises(InputError, match=rf"from 1 repeat or more, each taken once; they are \[{str(looks)[1:-1]}\]"):
        look_levels(looks)


def test_a_study_has_a_repeat():
    with pytest.raises(InputError, match="at least 1 repeat; max_repeats is 0"):
        default_looks(0)
