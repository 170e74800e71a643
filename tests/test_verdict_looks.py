"""Error spent over interim looks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.verdict import default_looks, level_at, look_levels


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
    # spent(3 of 12) = .05 x (1/4)^1.5 = .05 / 8; spent(12) = .05
    assert look_levels([3, 12], 12) == pytest.approx({3: 0.05 / 8, 12: 0.05 * 7 / 8})


@given(st.sets(st.integers(1, 30), min_size=1), st.floats(0.001, 0.2))
def test_levels_add_up_to_alpha_at_the_last_repeat(looks, alpha):
    levels = look_levels([*sorted(looks - {31}), 31], 31, alpha)
    assert math.fsum(levels.values()) == pytest.approx(alpha)
    assert all(level > 0 for level in levels.values())


@given(st.integers(2, 40).flatmap(lambda top: st.tuples(st.just(top), st.sets(st.integers(1, top), min_size=1))))
def test_unplanned_looks_spend_as_planned_ones(case):
    max_repeats, looks = case
    looks = sorted(looks)
    one_by_one = {look: level_at(look, looks[:index], max_repeats) for index, look in enumerate(looks)}
    assert one_by_one == look_levels(looks, max_repeats)


def test_a_final_look_spends_what_is_left():
    planned = look_levels([3, 5, 10], 10)
    assert level_at(7, [3, 5], 10, final=True) == pytest.approx(planned[10])
    assert level_at(7, [3, 5], 10) < level_at(7, [3, 5], 10, final=True)
    assert level_at(2, [], 10, final=True) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("looks", "max_repeats", "message"),
    [
        ([], 5, r"within 1 to 5 repeats, each taken once; they are \[\]"),
        ([3, 3], 5, r"they are \[3, 3\]"),
        ([5, 3], 5, r"they are \[5, 3\]"),
        ([0, 3], 5, r"they are \[0, 3\]"),
        ([3, 6], 5, r"they are \[3, 6\]"),
        ([1], 0, "at least 1 repeat; max_repeats is 0"),
    ],
)
def test_wrong_looks_are_named(looks, max_repeats, message):
    with pytest.raises(InputError, match=message):
        look_levels(looks, max_repeats)


def test_a_look_is_taken_once():
    with pytest.raises(InputError, match=r"each taken once; they are \[3, 3\]"):
        level_at(3, [3], 5)
