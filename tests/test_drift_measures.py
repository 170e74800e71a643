"""The measures of drift, each against a case by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.embedding.drift import (
    Space,
    cosines,
    measure_drift,
    measure_spectrum,
    nearest_rows,
    norm_ratios,
    project_to_plane,
    rank_biased_overlap,
    relative_distances,
)
from meltpoint.embedding.drift.spectrum import effective_rank
from meltpoint.errors import InputError
from meltpoint.randomness import generator


def rows(*values):
    return np.array(values, dtype=np.float32)


def ranking(*items):
    return np.array([items], dtype=np.int64)


@pytest.mark.parametrize(
    ("before", "after", "cosine", "length", "distance"),
    [
        ([3, 4], [3, 4], 1, 1, 0),
        ([3, 4], [6, 8], 1, 2, 1),
        ([1, 0], [0, 2], 0, 2, np.sqrt(5)),
        ([1, 0], [-1, 0], -1, 1, 2),
        ([0, 0], [0, 0], 1, 1, 0),
        ([0, 0], [1, 0], 0, 1, 0),
    ],
)
def test_how_far_a_word_moved(before, after, cosine, length, distance):
    first, second = rows(before), rows(after)
    assert cosines(first, second)[0] == pytest.approx(cosine)
    assert norm_ratios(first, second)[0] == pytest.approx(length)
    assert relative_distances(first, second)[0] == pytest.approx(distance)


def test_a_word_that_did_not_move_has_the_cosine_one_exactly():
    matrix = generator(0, "rows").standard_normal((500, 50)).astype(np.float32)
    assert (cosines(matrix, matrix.copy()) == 1).all()


def test_overlap_by_hand():
    # Common to depth 1, 2, 3: nothing, both words, three: agreement 0, 1, 1. With p = 0.5:
    # 1 * 0.5^3 + (0.5 / 0.5) * (0 + 0.25 + 0.125) = 0.5.
    assert rank_biased_overlap(ranking(1, 2, 3), ranking(2, 1, 3), persistence=0.5)[0] == pytest.approx(0.5)
    # One common word in two, from the first place on: agreement 1, 1/2: 0.5 * 0.25 + 0.5 + 0.125.
    assert rank_biased_overlap(ranking(1, 2), ranking(1, 3), persistence=0.5)[0] == pytest.approx(0.75)


@given(st.permutations(range(8)), st.floats(0.05, 0.95))
def test_overlap_lies_between_its_ends(order, persistence):
    same = ranking(*range(8))
    value = rank_biased_overlap(same, ranking(*order), persistence=persistence)[0]
    assert 0 <= value <= 1
    assert rank_biased_overlap(ranking(*order), same, persistence=persistence)[0] == pytest.approx(value)
    assert rank_biased_overlap(same, same, persistence=persistence)[0] == pytest.approx(1)
    assert rank_biased_overlap(same, same + 8, persistence=persistence)[0] == 0


def test_overlap_refuses_what_cannot_be_compared():
    with pytest.raises(InputError, match=r"one shape \(Q, k\), found \(1, 2\) and \(1, 3\)"):
        rank_biased_overlap(ranking(1, 2), ranking(1, 2, 3))
    with pytest.raises(InputError, match="between 0 and 1; it is 1"):
        rank_biased_overlap(ranking(1), ranking(1), persistence=1.0)


def test_neighbours_are_those_of_every_cosine():
    matrix = generator(0, "rows").standard_normal((300, 10)).astype(np.float32)
    unit = matrix.astype(np.float64) / np.linalg.norm(matrix, axis=1, keepdims=True)
    table = unit @ unit.T
    np.fill_diagonal(table, -2)
    queries = np.array([0, 7, 299])
    np.testing.assert_array_equal(nearest_rows(matrix, queries, 5), np.argsort(-table[queries], axis=1)[:, :5])


def test_equal_neighbours_come_in_the_order_of_their_rows():
    matrix = rows([1, 0], [2, 0], [0, 1], [1, 0], [5, 0])
    assert nearest_rows(matrix, np.array([1]), 3).tolist() == [[0, 3, 4]]
    assert nearest_rows(matrix[:1], np.array([0]), 3).shape == (1, 0)


def test_the_spectrum_of_a_line_and_of_a_ball():
    assert effective_rank(np.array([2.0, 2, 2, 2])) == pytest.approx(4)
    assert effective_rank(np.array([5.0, 0, 0])) == pytest.approx(1)
    assert effective_rank(np.zeros(3)) == 0
    ball = generator(0, "ball").standard_normal((4000, 6)).astype(np.float32)
    line = ball.copy()
    line[:, 1:] *= 0.001
    before, after = measure_spectrum(ball, line).effective_ranks
    assert before == pytest.approx(6, abs=0.05)
    assert after < 1.1


def test_a_shift_that_all_words_share_is_told_from_their_own_movement():
    matrix = generator(0, "rows").standard_normal((2000, 4)).astype(np.float32)
    together = measure_spectrum(matrix, matrix + np.float32(1))
    # The root mean square length of a row of four standard normal numbers is 2, and the way is 2 long.
    assert together.mean_shift == pytest.approx(1, abs=0.05)
    assert together.common_share == pytest.approx(1, abs=1e-3)
    apart = measure_spectrum(matrix, -matrix)
    assert apart.common_share < 0.01


def test_the_plane_is_that_of_the_greatest_variance():
    base = generator(0, "plane").standard_normal((50, 2)).astype(np.float32)
    flat = np.zeros((50, 7), dtype=np.float32)
    flat[:, [2, 5]] = base
    found = project_to_plane(flat, flat)
    assert found.explained == pytest.approx(1)
    np.testing.assert_array_equal(found.before, found.after)
    unit = base / np.linalg.norm(base, axis=1, keepdims=True)
    distances = np.linalg.norm(found.before[0] - found.before[1:], axis=1)
    np.testing.assert_allclose(distances, np.linalg.norm(unit[0] - unit[1:], axis=1), rtol=1e-4)


@pytest.fixture
def space():
    """Fifty words: the last ten were never met, the five before once; two of the others moved."""
    before = generator(0, "space").standard_normal((50, 8)).astype(np.float32)
    after = before.copy()
    after[3] = -before[3]
    after[7] += 0.1
    counts = np.array([9] * 35 + [1] * 5 + [0] * 10)
    return Space(words=tuple(f"w{row}" for row in range(50)), before=before, after=after, counts=counts)


def test_the_drift_of_a_space(space):
    drift = measure_drift(space, seed=0, asked=("w45",))
    assert [(word.word, word.split, word.count) for word in drift.words] == [("w3", "seen", 9), ("w7", "seen", 9)]
    assert drift.words[0].cosine == pytest.approx(-1)
    assert set(drift.words[0].neighbours_before).isdisjoint(drift.words[0].neighbours_after)
    assert {name: (one.words, one.moved) for name, one in drift.splits.items()} == {
        "seen": (35, 2),
        "rare": (5, 0),
        "unseen": (10, 0),
    }
    assert drift.splits["seen"].mean_cosine == pytest.approx((33 + drift.words[1].cosine - 1) / 35)
    assert drift.splits["rare"].mean_cosine == 1
    # A word that stayed has lost a neighbour all the same.
    (asked,) = drift.asked
    assert (asked.cosine, asked.split) == (1, "unseen")
    assert drift.splits["unseen"].mean_rbo < 1
    assert len(drift.plane_words) == 40


def test_the_same_seed_gives_the_same_drift(space):
    first, second = (measure_drift(space, seed=3) for _ in range(2))
    assert first.words == second.words
    assert first.splits == second.splits


def test_nothing_met_and_nothing_moved(space):
    alone = Space(words=space.words, before=space.before, after=space.before, counts=np.zeros(50, dtype=np.int64))
    drift = measure_drift(alone, seed=0)
    assert drift.words == ()
    assert (drift.splits["seen"].words, drift.splits["seen"].mean_cosine) == (0, None)
    assert drift.splits["unseen"].mean_rbo == pytest.approx(1)


@pytest.mark.parametrize(
    ("after", "message"),
    [(np.zeros((2, 3)), r"of the shape \(2, 2\)"), (np.full((2, 2), np.inf), "did training diverge")],
)
def test_a_space_that_cannot_be(after, message):
    with pytest.raises(InputError, match=message):
        Space(
            words=("a", "b"), before=np.ones((2, 2), np.float32), after=after.astype(np.float32), counts=np.ones(2, int)
        )
