"""The plan: the same search budget for every policy, trials paired by repeat, sizes that the data can bear."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.embedding import policies
from meltpoint.errors import InputError
from meltpoint.studies import DEFAULT_POLICIES, StudyPlan, choose_sizes
from meltpoint.trial import TFIDF

PLAN = StudyPlan(
    study="digest",
    seed=0,
    architectures=("average", "cnn"),
    policies=DEFAULT_POLICIES,
    sizes=(100, 400),
    max_repeats=3,
    search_trials=4,
    num_folds=5,
    unknown="zero",
    max_tokens=64,
    rope_points=0.5,
)


def trials_of(repeat):
    return [trial for search in PLAN.searches(repeat) for trial in search]


def test_every_policy_and_control_has_the_same_search_budget():
    trials = trials_of(0)
    assert len({trial.signature for trial in trials}) == len(trials)
    budgets = Counter((trial.architecture, trial.policy, trial.split.size) for trial in trials)
    cells = {(architecture, policy) for architecture in PLAN.architectures for policy in DEFAULT_POLICIES}
    assert budgets == {(*cell, size): 4 for cell in cells | {(TFIDF, TFIDF)} for size in PLAN.sizes}


@pytest.mark.parametrize("architecture", PLAN.architectures)
def test_every_policy_tries_the_same_learning_rates(architecture):
    rates = {
        policy: [trial.learning_rate for trial in PLAN.policy_search(architecture, policy, 0, 100)]
        for policy in DEFAULT_POLICIES
    }
    assert len(set(map(tuple, rates.values()))) == 1
    steps = np.diff(np.log(rates["frozen"]))
    np.testing.assert_allclose(steps, steps[0], rtol=0.02)


def test_every_value_of_a_knob_is_tried():
    for policy in policies():
        found = {knob: set() for knob in policy.search_values}
        for trial in replace(PLAN, search_trials=6).policy_search("average", policy.name, 0, 100):
            assert {knob for knob, _ in trial.settings} == set(found)
            for knob, value in trial.settings:
                found[knob].add(value)
        assert found == {knob: set(values) for knob, values in policy.search_values.items()}


def test_trials_of_a_repeat_share_its_split():
    for size in PLAN.sizes:
        assert len({trial.split for trial in trials_of(1) if trial.split.size == size}) == 1
    assert {trial.split.repeat for trial in trials_of(1)} == {1}


def test_the_largest_size_comes_first():
    sizes = [trial.split.size for trial in trials_of(0)]
    assert sizes == sorted(sizes, reverse=True)


def test_candidates_are_neither_the_baseline_nor_controls():
    assert PLAN.candidates == ("fine-tuned", "scaled", "decayed", "anchored")
    assert PLAN.control_policies == ("scratch",)


def test_a_search_is_the_rivals_of_one_cell():
    searches = list(PLAN.searches(1))
    assert [len(search) for search in searches] == [PLAN.search_trials] * len(searches)
    for search in searches:
        assert len({(trial.architecture, trial.policy, trial.split, trial.schedule) for trial in search}) == 1
    # Fits of a control do not depend on one another; of a policy, the better may end the others.
    digests = [{trial.search for trial in search} for search in searches if search[0].policy != TFIDF]
    assert all(len(digest) == 1 for digest in digests)
    assert len(set.union(*digests)) == len(digests)
    assert {trial.search for search in searches if search[0].policy == TFIDF for trial in search} == {""}


def test_rivals_are_part_of_what_a_trial_is():
    few = PLAN.policy_search("average", "frozen", 0, 100)
    more = replace(PLAN, search_trials=7).policy_search("average", "frozen", 0, 100)
    shared = {trial.learning_rate for trial in few} & {trial.learning_rate for trial in more}
    assert len(shared) >= 2
    assert not {trial.signature for trial in few} & {trial.signature for trial in more}


@pytest.mark.parametrize(
    ("budget", "num_classes", "sizes"),
    [
        (8000, 2, (500, 2000, 8000)),
        (1000, 2, (250, 1000)),
        (399, 2, (399,)),
        (400, 2, (100, 400)),
        (400, 20, (400,)),
        (20, 4, (20,)),
    ],
)
def test_sizes_are_the_budget_and_quarters_of_it(budget, num_classes, sizes):
    assert choose_sizes(None, budget, num_classes) == sizes


def test_sizes_asked_for_are_ordered_and_distinct():
    assert choose_sizes((400, 100, 400), 500, 2) == (100, 400)


@pytest.mark.parametrize("asked", [(0,), (-5,), (9,), (501,), (100, 9, 501)])
def test_sizes_out_of_range_are_named_with_the_range(asked):
    wrong = ", ".join(str(size) for size in asked if size != 100)
    with pytest.raises(InputError, match=rf"between 10 \(five rows per class\) and 500 .*found {wrong}\."):
        choose_sizes(asked, 500, 2)


@given(budget=st.integers(1, 10**7), num_classes=st.integers(2, 200))
def test_automatic_sizes_are_few_ascending_and_end_at_the_budget(budget, num_classes):
    sizes = choose_sizes(None, budget, num_classes)
    assert 1 <= len(sizes) <= 3
    assert sizes[-1] == budget
    assert list(sizes) == sorted(set(sizes))
    assert all(size >= 10 * num_classes for size in sizes[:-1])
