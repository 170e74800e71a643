"""The training loop: one for every policy, architecture and optimiser, for one member and for many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from meltpoint.randomness import Generator
from meltpoint.trial.examples import Examples, Scores
from meltpoint.trial.learners import Learner, Weights
from meltpoint.trial.spec import Schedule

DIVERGENCE_CAUSES = (
    "The learning rate may be too high for this architecture, or its forward pass divides by zero on short texts."
)

# A member that ended so has been tested.
FINISHED = ("converged", "cut off")

# A loss that falls by less than this, in nats, is no longer progress: separable texts would be trained for ever.
LEAST_PROGRESS = 1e-3

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at the validation rows after so many steps: the score, and the mean loss in nats."""

    step: int
    score: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Course:
    """The course of one member's training.

    Attributes:
        ending: ``converged`` by patience; ``cut off`` at ``max_steps``, or where it diverged as the last of its rivals;
            ``dropped`` for better rivals; or ``diverged``.
        steps: Steps taken.
        best_step: The step of the best look; the member then holds the weights of that step, unless it was dropped.
        validation: Scores at the best step; None for a member that diverged before its first look.
        train: Scores on the training rows with the weights of the best step; None unless training came to its end.
        test: The same on the test rows.
        looks: All looks.
    """

    ending: str
    steps: int
    best_step: int
    validation: Scores | None
    train: Scores | None
    test: Scores | None
    looks: tuple[Look, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rivalry:
    """The examples of one source: what its members are trained on, chosen by and, once trained, tested on."""

    train: Examples
    validation: Examples
    test: Examples
    order: Generator


@dataclass(kw_only=True)
class _Member:
    number: int
    best: Scores | None = None
    best_step: int = 0
    best_weights: Weights = ()
    lowest_loss: float = np.inf
    last_progress: int = 0
    looks: list[Look] = field(default_factory=list)

    @property
    def rank(self) -> tuple[float, float]:
        return self.best.rank if self.best is not None else (-np.inf, -np.inf)

    def course(self, ending: str, step: int, train: Scores | None = None, test: Scores | None = None) -> Course:
        return Course(
            ending=ending,
            steps=step,
            best_step=self.best_step,
            validation=self.best,
            train=train,
            test=test,
            looks=tuple(self.looks),
        )


def fit(learner: Learner, sources: Sequence[Rivalry], schedule: Schedule) -> list[Course]:
    """Trains every member until its validation rows show no better for ``patience_steps``, or rivals leave it behind.

    A look at the validation rows is better if its score is higher, or as high with a lower loss. Patience also
    starts anew whenever the loss reaches a clear new low: while it falls, a model still learns, though its score on
    a few dozen rows may stand still. At each rung of the schedule the better half of the members of a source, by their
    best looks, goes on (successive halving: Jamieson & Talwalkar, AISTATS 2016). A member whose training has come to
    its end is set back to its best step and tested; no test row has any other part in this.

    Returns:
        The course of each member, in the learner's order at the start.
    """
    members = [_Member(number=number) for number in range(len(learner.source_of))]
    rivals = {
        source: [m for m in members if learner.source_of[m.number] == source] for source in set(learner.source_of)
    }
    courses: dict[int, Course] = {}
    batches = [source.train.epochs(schedule.batch_size, source.order) for source in sources]
    running = list(members)
    step = 0
    while running:
        learner.step(_next_batches(batches, set(learner.source_of)))
        step += 1
        if step % schedule.evaluate_every and step < schedule.max_steps:
            continue
        ended = _look(learner, running, sources, schedule, step)
        for place in _last_ones(rivals, courses, running, ended):
            ended[place] = "cut off"
        finished = [place for place, ending in ended.items() if ending != "diverged"]
        for place in finished:
            learner.recall(place, running[place].best_weights)
        train = learner.score(finished, [source.train for source in sources])
        test = learner.score(finished, [source.test for source in sources])
        for place, *scores in zip(finished, train, test, strict=True):
            courses[running[place].number] = running[place].course(ended[place], step, *scores)
        for place, ending in ended.items():
            if ending == "diverged":
                courses[running[place].number] = running[place].course(ending, step)
        if any(step - schedule.evaluate_every < rung <= step for rung in schedule.rungs):
            left = [m for m in running if m.number not in courses]
            for member in _left_behind(rivals, courses, left):
                courses[member.number] = member.course("dropped", step)
        staying = [place for place, member in enumerate(running) if member.number not in courses]
        if len(staying) < len(running):
            running = [running[place] for place in staying]
            if running:
                learner.keep(staying)
    return [courses[number] for number in range(len(members))]


def fit_for(learner: Learner, train: Examples, num_steps: int, batch_size: int, random: Generator) -> None:
    """Trains for a number of steps on one source, without looking at anything."""
    batches = train.epochs(batch_size, random)
    for _ in range(num_steps):
        learner.step([next(batches)])


def _next_batches(batches: Sequence[Iterator[Rows]], used: set[int]) -> list[Rows]:
    nothing = np.empty(0, dtype=np.int64)
    return [next(batch) if source in used else nothing for source, batch in enumerate(batches)]


def _look(
    learner: Learner, running: Sequence[_Member], sources: Sequence[Rivalry], schedule: Schedule, step: int
) -> dict[int, str]:
    """Looks at the validation rows; returns the places of the members that are through, and how they ended."""
    ended: dict[int, str] = {}
    found = learner.score(range(len(running)), [source.validation for source in sources])
    for place, (member, now) in enumerate(zip(running, found, strict=True)):
        if not np.isfinite(now.loss):
            ended[place] = "diverged"
            continue
        member.looks.append(Look(step=step, score=now.score, loss=now.loss))
        if now.rank > member.rank:
            member.best, member.best_step, member.last_progress = now, step, step
            member.best_weights = learner.remember(place)
        if now.loss < member.lowest_loss - LEAST_PROGRESS:
            member.lowest_loss, member.last_progress = now.loss, step
        if step - member.last_progress >= schedule.patience_steps:
            ended[place] = "converged"
        elif step >= schedule.max_steps:
            ended[place] = "cut off"
    return ended


def _last_ones(
    rivals: dict[int, list[_Member]], courses: dict[int, Course], running: Sequence[_Member], ended: dict[int, str]
) -> list[int]:
    """Returns the places of members that diverge now, but must stand: for each source without any other, the best."""
    diverging = {running[place].number: place for place, ending in ended.items() if ending == "diverged"}
    last: list[int] = []
    for group in rivals.values():
        healthy = [m for m in group if m.number not in diverging]
        if any(m.number not in courses or courses[m.number].ending in FINISHED for m in healthy):
            continue
        with_looks = [m for m in group if m.number in diverging and m.best is not None]
        if with_looks:
            last.append(diverging[max(with_looks, key=lambda member: member.rank).number])
    return last


def _left_behind(
    rivals: dict[int, list[_Member]], courses: dict[int, Course], running: Sequence[_Member]
) -> list[_Member]:
    """Returns the running members that are not among the better half of those still in the race, source by source."""
    behind: list[_Member] = []
    for group in rivals.values():
        racing = [m for m in group if m.number not in courses or courses[m.number].ending in FINISHED]
        racing.sort(key=lambda member: member.rank, reverse=True)
        behind += [member for member in racing[(len(racing) + 1) // 2 :] if member in running]
    return behind
