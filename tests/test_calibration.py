"""The replays behind docs/calibration: what is drawn, what is true of it, and what the shortcuts say."""

import sys
from pathlib import Path

import numpy as np
import pytest

from meltpoint.randomness import generator
from meltpoint.verdict import Look, compare_sizes, decide

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks" / "calibration"))

from pooled import Cell, block_path, read_right, write_block
from populations import Population, all_alike, with_gains
from replaying import draw_study, follow, test_pattern
from shortcuts import SHORTCUTS, accuracies
from simulated import Simulated

test_pattern.__test__ = False  # a pattern of tested rows, not a test


@pytest.fixture(scope="module")
def population():
    draws = generator(0, "population")
    chances = {"frozen": 0.7, "fine-tuned": 0.75, "scaled": 0.72}
    return Population(
        name="made",
        right={size: {p: draws.random((6, 300)) < chance for p, chance in chances.items()} for size in (50, 200)},
    )


def test_the_pool_reads_what_was_written_block_by_block(tmp_path):
    cell = Cell(data="mr", architecture="average", policy="frozen", size=400)
    right = generator(0, "right").random((20, 13)) < 0.5
    for block in (0, 1, 3):
        part = right[:10] if block == 0 else right[10:]
        write_block(block_path(tmp_path, cell, block), right=part, validation=np.zeros(10), seconds=np.zeros(10))
    assert np.array_equal(read_right(tmp_path, cell), right)  # and not what comes after the gap
    assert len(read_right(tmp_path, Cell(data="mr", architecture="average", policy="frozen", size=100))) == 0


@pytest.mark.parametrize("gain", [-3.0, 0.0, 0.5, 2.0])
def test_gains_are_exactly_as_wanted(gain, population):
    shifted = with_gains(population, {"fine-tuned": gain, "scaled": 0.0}, generator(0, "shift"))
    for size in population.sizes:
        truth = shifted.truth(size)
        assert truth["frozen"] == population.truth(size)["frozen"]
        assert truth["fine-tuned"] - truth["frozen"] == pytest.approx(gain, abs=100 / (6 * 300))
        assert truth["scaled"] == pytest.approx(truth["frozen"])
        changed = shifted.right[size]["scaled"] != population.right[size]["scaled"]
        assert not (changed & (population.right[size]["scaled"] == population.right[size]["frozen"])).any()


def test_a_gain_out_of_reach_is_refused(population):
    with pytest.raises(ValueError, match="fine-tuned cannot be given a gain of 60 points"):
        with_gains(population, {"fine-tuned": 60}, generator(0, "shift"))


def test_folds_test_every_row_once_in_a_rotation():
    tested = test_pattern("rotating", 10, 23, generator(0, "pattern"))
    assert (tested[:5].sum(axis=0) == 1).all()
    assert (tested[5:].sum(axis=0) == 1).all()
    assert not np.array_equal(tested[:5], tested[5:])
    assert test_pattern("fixed", 3, 4, generator(0, "pattern")).all()


def test_policies_share_draws_and_arms_of_one_policy_do_not(population):
    drawn = draw_study(population, "fixed", 4, 50, generator(0, "draw")).scores[200]
    again = draw_study(population, "fixed", 4, 50, generator(0, "draw")).scores[200]
    assert all(np.array_equal(drawn[policy], again[policy]) for policy in drawn)
    same = Population(name="same", right={200: dict.fromkeys(("frozen", "scaled"), population.right[200]["frozen"])})
    paired = draw_study(same, "fixed", 4, 50, generator(0, "draw")).scores[200]
    assert np.array_equal(paired["frozen"], paired["scaled"])
    arms = draw_study(all_alike(population, "frozen"), "fixed", 4, 50, generator(0, "draw")).scores[200]
    assert not np.array_equal(arms["frozen"], arms["scaled"])


def test_a_replay_decides_as_the_product_does(population):
    study = draw_study(population, "fixed", 3, 300, generator(1, "draw"))
    replay = follow(study, 3, 7)
    expected = compare_sizes(
        study.scores, design="fixed", candidates=("fine-tuned", "scaled"), level=Look(repeats=3, num_policies=2), seed=7
    )[200]
    assert replay.comparison == expected
    assert replay.decision == decide(expected, trainable_parameters={"fine-tuned": 2, "scaled": 2})
    assert replay.trained == 9


def test_simulated_studies_have_the_truth_they_claim():
    simulated = Simulated(gains={"fine-tuned": 2.0})
    tested = np.ones((20, 20_000), dtype=bool)
    scores = simulated.draw(tested, generator(0, "draw"))[400]
    assert 100 * scores["frozen"].mean() == pytest.approx(75, abs=1)
    assert 100 * (scores["fine-tuned"] - scores["frozen"]).mean() == pytest.approx(2, abs=0.8)


@pytest.mark.parametrize(
    ("candidates", "named"),
    [
        ([[70, 70, 70, 70, 70]], set()),
        ([[70.2, 70, 70, 70, 70]], {"one run", "best of five seeds"}),
        ([[70, 70, 70, 70, 72]], {"best of five seeds"}),
        ([[75, 74, 76, 75, 75]], set(SHORTCUTS)),
        ([[71.0, 70.9, 71.1, 71, 71]], set(SHORTCUTS)),
    ],
)
def test_shortcuts_by_hand(candidates, named):
    frozen = np.full(5, 70.0)
    assert {name for name, says in SHORTCUTS.items() if says(np.array(candidates, dtype=float), frozen)} == named


def test_accuracies_leave_untested_rows_out():
    scores = {"frozen": np.array([[1, 0, np.nan]]), "scaled": np.array([[1, 1, np.nan]])}
    candidates, frozen = accuracies(scores)
    assert (candidates.tolist(), frozen.tolist()) == ([[100.0]], [50.0])
