"""The training loop: looks, patience, halving and endings, with members whose looks are written down."""

from dataclasses import dataclass

import numpy as np
import pytest

from meltpoint.randomness import generator
from meltpoint.trial import Look, Schedule, Scores, fit_for
from meltpoint.trial.fitting import Rivalry, fit

NAN = float("nan")
SCHEDULE = Schedule(batch_size=1, max_steps=1000, evaluate_every=10, patience_steps=1000, max_tokens=1)


@dataclass(frozen=True)
class Texts:
    """Stands for examples: the position of a batch is its number."""

    name: str

    def epochs(self, batch_size, random):
        yield from (np.array([number]) for number in range(10_000))


class Scripted:
    """Members whose looks are given, ``(accuracy, loss)`` each; the last one goes on for ever."""

    def __init__(self, *scripts, source_of=None):
        self.scripts = scripts
        self.source_of = source_of or (0,) * len(scripts)
        self.names = list(range(len(scripts)))
        self.held = dict.fromkeys(self.names)
        self.steps = 0
        self.batches = []
        self.scored = []

    def step(self, positions):
        self.steps += 1
        self.batches.append([batch.tolist() for batch in positions])

    def score(self, members, examples):
        return [self._score(member, examples[self.source_of[member]].name) for member in members]

    def _score(self, member, part):
        name = self.names[member]
        self.scored.append((part, name, self.steps))
        script = self.scripts[name]
        weights = self.steps // 10 if part == "validation" else self.held[name]
        accuracy, loss = script[min(weights - 1, len(script) - 1)]
        return Scores(predicted=np.array([weights]), score=accuracy, loss=loss)

    def remember(self, member):
        return (self.names[member], self.steps // 10)

    def recall(self, member, weights):
        name, self.held[self.names[member]] = weights
        assert name == self.names[member]

    def keep(self, members):
        self.names = [self.names[member] for member in members]
        self.source_of = tuple(self.source_of[member] for member in members)


def rivalries(learner):
    return [
        Rivalry(train=Texts("train"), validation=Texts("validation"), test=Texts("test"), order=generator(0, source))
        for source in range(max(learner.source_of) + 1)
    ]


def run(learner, **schedule):
    return fit(learner, rivalries(learner), Schedule(**{**vars(SCHEDULE), **schedule}))


def rising(to, num_looks=1000):
    """Ever better: nothing but the end of the schedule, or rivals, ends this training."""
    return [(to, 1 / (look + 1) + 1) for look in range(num_looks)]


def endings(courses):
    return [(course.ending, course.steps) for course in courses]


# One member


def test_patience_counts_steps_without_progress():
    # An accuracy that stands still while the loss falls three times, then nothing: steps 10, 20, 30; then patience.
    (course,) = run(Scripted([(0.5, 0.9), (0.5, 0.8), (0.5, 0.7)]), patience_steps=30)
    assert (course.ending, course.best_step, course.steps) == ("converged", 30, 60)
    assert course.looks[:4] == tuple(
        Look(step=10 * number, score=0.5, loss=loss) for number, loss in enumerate((0.9, 0.8, 0.7, 0.7), start=1)
    )
    assert len(course.looks) == 6


@pytest.mark.parametrize(
    ("script", "best_step", "steps"),
    [
        ([(0.5, 0.7), (0.6, 0.7)], 20, 50),
        ([(0.6, 0.5), (0.5, 0.4)], 10, 50),  # the loss falls on though the accuracy does not rise
        ([(0.6, 0.5), (0.6, 0.4995)], 20, 50),  # better, so kept
        ([(0.6, 0.5), (0.5, 0.4995)], 10, 40),  # not by so much that it is progress
        ([(0.5, 0.7), (0.6, 0.9), (0.6, 0.8), (0.7, 2.0)], 40, 70),
    ],
)
def test_what_is_better_and_what_is_progress(script, best_step, steps):
    (course,) = run(Scripted(script), patience_steps=30)
    assert (course.best_step, course.steps) == (best_step, steps)


def test_a_finished_member_is_tested_with_the_weights_of_its_best_step_and_only_then():
    learner = Scripted([(0.5, 0.9), (0.8, 0.7), (0.6, 0.8)])
    (course,) = run(learner, patience_steps=30)
    assert (course.ending, course.best_step) == ("converged", 20)
    for scores in (course.train, course.test):
        assert scores.predicted.tolist() == [2]
    assert [place for place in learner.scored if place[0] != "validation"] == [("train", 0, 50), ("test", 0, 50)]


@pytest.mark.parametrize(("max_steps", "looks"), [(30, [10, 20, 30]), (35, [10, 20, 30, 35]), (5, [5])])
def test_training_is_cut_off_at_the_last_step(max_steps, looks):
    learner = Scripted([(0.5, 1.0)] * 2)
    learner._score = lambda member, part: Scores(predicted=np.zeros(1), score=0.5, loss=1 / learner.steps)
    (course,) = run(learner, max_steps=max_steps)
    assert (course.ending, course.steps, course.best_step) == ("cut off", max_steps, max_steps)
    assert [look.step for look in course.looks] == looks
    assert course.test is not None


def test_training_for_a_number_of_steps_looks_at_nothing():
    learner = Scripted([(0.5, 1.0)])
    fit_for(learner, Texts("train"), 7, 1, generator(0, "batches"))
    assert learner.batches == [[[number]] for number in range(7)]
    assert learner.scored == []


# Halving


@pytest.mark.parametrize(
    ("accuracies", "rungs", "dropped"),
    [
        ([0.6, 0.9, 0.7, 0.8], (20,), {0: 20, 2: 20}),
        ([0.6, 0.9, 0.7, 0.8, 0.5], (20,), {0: 20, 4: 20}),
        ([0.6, 0.9, 0.7, 0.8], (20, 40), {0: 20, 2: 20, 3: 40}),
        ([0.6, 0.9, 0.7, 0.8], (20, 40, 80), {0: 20, 2: 20, 3: 40}),
        ([0.5, 0.5, 0.5, 0.5], (20,), {2: 20, 3: 20}),
        ([0.5], (10, 20, 40), {}),
        ([0.6, 0.9, 0.7, 0.8], (), {}),
        ([0.6, 0.7], (13,), {0: 20}),
        ([0.6, 0.7], (1,), {0: 10}),
        ([0.6, 0.7], (1000,), {}),
    ],
    ids=[
        "half", "the larger half", "twice", "the last is never dropped", "ties go to the first", "one alone",
        "no rungs", "between two looks", "before the first look", "at the last step",
    ],
)  # fmt: skip
def test_the_better_half_goes_on(accuracies, rungs, dropped):
    courses = run(Scripted(*map(rising, accuracies)), rungs=rungs, max_steps=100 if 1000 not in rungs else 1000)
    for number, course in enumerate(courses):
        if number not in dropped:
            assert course.ending == "cut off"
            assert course.test is not None
            continue
        assert (course.ending, course.steps) == ("dropped", dropped[number])
        assert course.validation.score == accuracies[number]
        assert course.train is None
        assert course.test is None
        assert len(course.looks) == dropped[number] // 10


def test_members_are_ranked_by_their_best_look_and_then_its_loss():
    scripts = [
        [(0.9, 0.9), (0.1, 0.5), (0.1, 0.5)],
        [(0.8, 0.5), (0.8, 0.4), (0.8, 0.4)],
        [(0.8, 0.5), (0.8, 0.3), (0.8, 0.3)],
        [(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)],
    ]
    courses = run(Scripted(*scripts), rungs=(20,), max_steps=30)
    assert [course.ending for course in courses] == ["cut off", "dropped", "cut off", "dropped"]


def test_the_finished_count_among_the_better_half():
    scripts = [[(0.9, 0.5)], rising(0.6), rising(0.7), rising(0.5)]
    courses = run(Scripted(*scripts), rungs=(40,), patience_steps=20, max_steps=80)
    # The first has converged by then: it takes one of the two places, and is not trained on.
    assert endings(courses) == [("converged", 30), ("dropped", 40), ("cut off", 80), ("dropped", 40)]


def test_a_finished_member_that_is_beaten_keeps_its_test():
    courses = run(
        Scripted([(0.4, 0.5)], rising(0.6), rising(0.7), rising(0.5)), rungs=(40,), patience_steps=20, max_steps=80
    )
    assert endings(courses) == [("converged", 30), ("cut off", 80), ("cut off", 80), ("dropped", 40)]
    assert courses[0].test is not None


def test_all_finished_at_a_rung_is_the_end():
    courses = run(Scripted([(0.9, 0.5)], [(0.8, 0.5)]), rungs=(30,), patience_steps=20)
    assert endings(courses) == [("converged", 30), ("converged", 30)]


def test_sources_have_rivals_of_their_own():
    learner = Scripted(*map(rising, (0.6, 0.9, 0.7, 0.8)), source_of=(0, 1, 0, 1))
    courses = run(learner, rungs=(20,), max_steps=40)
    assert [course.ending for course in courses] == ["dropped", "cut off", "cut off", "dropped"]
    learner = Scripted(*map(rising, (0.6, 0.9)), source_of=(0, 1))
    assert endings(run(learner, rungs=(20,), max_steps=40)) == [("cut off", 40)] * 2


# Divergence


@pytest.mark.parametrize("loss", [NAN, float("inf")])
def test_a_member_that_diverges_leaves_and_is_recorded(loss):
    scripts = [rising(0.6), [(0.9, 0.5), (0.9, loss)], rising(0.7)]
    learner = Scripted(*scripts)
    courses = run(learner, max_steps=50)
    assert endings(courses) == [("cut off", 50), ("diverged", 20), ("cut off", 50)]
    assert [look.step for look in courses[1].looks] == [10]
    assert courses[1].test is None
    assert learner.names == [0, 2]


def test_a_member_that_diverges_takes_no_place_among_the_better():
    courses = run(Scripted([(0.9, 0.5), (0.9, NAN)], rising(0.6), rising(0.7)), rungs=(30,), max_steps=50)
    assert endings(courses) == [("diverged", 20), ("dropped", 30), ("cut off", 50)]
    courses = run(Scripted([(0.9, 0.5), (0.9, NAN)], rising(0.6)), rungs=(30,), max_steps=50)
    assert endings(courses) == [("diverged", 20), ("cut off", 50)]


def test_a_survivor_that_diverges_stands_for_those_who_were_left_behind():
    scripts = [[(0.9, 0.5), (0.9, 0.4), (0.9, NAN)], rising(0.6)]
    kept, dropped = run(Scripted(*scripts), rungs=(20,), max_steps=50)
    assert endings([kept, dropped]) == [("cut off", 30), ("dropped", 20)]
    assert (kept.best_step, kept.validation.loss) == (20, 0.4)
    assert kept.test.predicted.tolist() == [2]


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ([[(0.8, 0.5), (0.8, NAN)], [(0.9, 0.5), (0.9, NAN)]], [("diverged", 20), ("cut off", 20)]),
        ([[(0.9, NAN)], [(0.7, 0.5), (0.7, NAN)]], [("diverged", 10), ("cut off", 20)]),
        ([[(0.9, 0.5), (0.9, 0.5), (0.9, NAN)], [(0.7, 0.5), (0.7, NAN)]], [("cut off", 30), ("diverged", 20)]),
        ([[(0.7, 0.5)], [(0.9, 0.5), (0.9, 0.4), (0.9, 0.3), (0.9, NAN)]], [("converged", 30), ("diverged", 40)]),
    ],
    ids=["the better of two", "the last", "the one that lasted", "not beside one that converged"],
)
def test_the_last_to_diverge_stands_at_its_best_step(scripts, expected):
    assert endings(run(Scripted(*scripts), patience_steps=20)) == expected


def test_sources_diverge_by_themselves():
    learner = Scripted([(0.9, 0.5), (0.9, NAN)], rising(0.6), source_of=(0, 1))
    assert endings(run(learner, max_steps=40)) == [("cut off", 20), ("cut off", 40)]


def test_all_may_diverge_before_the_first_look():
    courses = run(Scripted([(0.5, NAN)], [(0.5, NAN)]))
    assert endings(courses) == [("diverged", 10)] * 2
    assert courses[0].validation is None
    assert courses[0].looks == ()


# Batches


def test_batches_of_a_source_are_drawn_while_somebody_reads_it():
    learner = Scripted([(0.9, 0.5)], rising(0.6), source_of=(0, 1))
    run(learner, patience_steps=20, max_steps=50)
    assert learner.batches[29] == [[29], [29]]
    assert learner.batches[30:] == [[[], [number]] for number in range(30, 50)]
