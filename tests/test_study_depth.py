"""Depth in a study: which architectures are compared, and by what."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from meltpoint.randomness import generator
from meltpoint.studies import StudyPlan
from meltpoint.studies.depth import depth_groups, judge_depth

PLAN = StudyPlan(
    study="digest",
    seed=0,
    architectures=("average:2", "average:0", "cnn"),
    policies=("frozen", "scaled", "fine-tuned", "scratch"),
    sizes=(10, 40),
    max_repeats=2,
    search_trials=2,
    num_folds=3,
    unknown="zero",
    max_tokens=16,
    rope_points=0.5,
)
RIGHT = {"average:0": 0.9, "average:2": 0.8, "cnn": 0.7}


def findings(plan=PLAN):
    """What a study found: under each architecture and policy, which of 200 given test rows were right."""

    def scores(architecture, policy, size, num_repeats):
        assert size == 40
        share = 0.5 if policy == "frozen" else RIGHT[architecture]
        random = generator(0, architecture, policy)
        return (random.random((num_repeats, 200)) < share).astype(np.float64)

    return SimpleNamespace(retired={}, plan=plan, design="fixed", clusters=None, scores=scores)


def test_gains_are_compared_within_families_and_over_all():
    family, together = judge_depth(findings(), 2)
    assert (family.family, family.shallow, family.deep, family.policy) == (
        "average", "average:0", "average:2", "fine-tuned",
    )  # fmt: skip
    for name, gain in family.gains.items():
        tuned, frozen = (findings().scores(name, policy, 40, 2) for policy in ("fine-tuned", "frozen"))
        assert gain == pytest.approx(100 * (tuned - frozen).mean())
    assert family.difference.points == pytest.approx(family.gains["average:2"] - family.gains["average:0"])
    assert family.difference.low < family.difference.points < family.difference.high
    assert (together.family, list(together.depths.values())) == ("all", [0, 1, 2])


def test_several_intervals_hold_together():
    (alone,) = judge_depth(findings(replace(PLAN, architectures=("average:0", "average:2"))), 2)
    family, _ = judge_depth(findings(), 2)
    assert family.difference.points == pytest.approx(alone.difference.points)
    assert family.difference.low < alone.difference.low


def test_the_first_candidate_stands_for_fine_tuning():
    (effect, _) = judge_depth(findings(replace(PLAN, policies=("frozen", "scaled", "scratch"))), 2)
    assert effect.policy == "scaled"


def test_one_depth_says_nothing():
    assert judge_depth(findings(replace(PLAN, architectures=("average", "cnn"))), 2) == ()


@pytest.mark.parametrize(
    ("architectures", "groups"),
    [
        (("average",), {}),
        (("average", "average:1"), {}),
        (("average", "cnn"), {}),
        (("average:0", "own.module:build"), {}),
        (("average:0", "average:2"), {"average": {"average:0": 0, "average:2": 2}}),
        (("average:0", "cnn"), {"all": {"average:0": 0, "cnn": 1}}),
        (
            ("lstm:3", "average:0", "lstm", "cnn"),
            {
                "lstm": {"lstm:3": 3, "lstm": 1},
                "all": {"lstm:3": 3, "lstm": 1, "average:0": 0, "cnn": 1},
            },
        ),
    ],
)
def test_which_architectures_are_compared(architectures, groups):
    assert depth_groups(architectures) == groups
