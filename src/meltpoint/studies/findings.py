"""What a study has found so far: the chosen configuration of every policy, and the scores to compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import MeltpointError
from meltpoint.studies.plan import StudyPlan
from meltpoint.studies.recording import TrialRecord
from meltpoint.tasks import Metric, Task, find_task
from meltpoint.trial import TFIDF, TrialData, TrialResult, TrialSpec, rows_for
from meltpoint.verdict import Design, pseudo_values

ScoreMatrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The configuration that the validation rows chose for one policy in one repeat.

    Attributes:
        spec: The configuration.
        result: What it found.
        test_score: Its score on the test rows.
        predicted: ``(n_test, ...)`` what it predicted for each test row.
    """

    spec: TrialSpec
    result: TrialResult
    test_score: float
    predicted: NDArray[np.int16]


def choose(trials: Iterable[TrialSpec], records: Mapping[str, TrialRecord]) -> Chosen | None:
    """Chooses by the validation score, ties by validation loss, then by the order of the search. Never by test rows.

    Returns:
        The best of those that trained; None while any of them is still to run.

    Raises:
        MeltpointError: All of them diverged.
    """
    best: Chosen | None = None
    failures: list[str] = []
    whose = ""
    for spec in trials:
        whose = f"{spec.architecture} / {spec.policy} at {spec.split.size} rows, repeat {spec.split.repeat + 1},"
        record = records.get(spec.signature)
        if record is None:
            return None
        if record.result is None:
            failures.append(f"learning rate {spec.learning_rate:g}: {record.failure}")
            continue
        result = record.result
        if result.test_score is None or result.predicted is None:
            continue  # dropped for rivals that were better already, and have only improved since
        rank = (result.validation_score, -result.validation_loss)
        if best is None or rank > (best.result.validation_score, -best.result.validation_loss):
            best = Chosen(spec=spec, result=result, test_score=result.test_score, predicted=result.predicted)
    if best is None:
        raise MeltpointError(f"Every configuration of {whose} diverged. {' '.join(failures)}")
    return best


class Findings:
    """The finished trials of a plan, seen as choices and score matrices.

    Test folds and choices are looked up once and kept; trials only ever come in.

    Attributes:
        retired: Architecture and policy to the repeats after which it was given up: trials of later repeats, which may
            have been under way by then, are as if they had never been.
    """

    def __init__(self, plan: StudyPlan, data: TrialData, records: dict[str, TrialRecord]) -> None:
        self.plan = plan
        self.data = data
        self.records = records
        self.retired: dict[tuple[str, str], int] = {}
        self._chosen: dict[tuple[str, str, int, int], Chosen] = {}
        self._test_rows: dict[int, NDArray[np.int64]] = {}

    def chosen(self, architecture: str, policy: str, repeat: int, size: int) -> Chosen | None:
        """Returns the chosen configuration; None while its search is unfinished."""
        if repeat >= self.retired.get((architecture, policy), self.plan.max_repeats):
            return None
        key = (architecture, policy, repeat, size)
        if key not in self._chosen:
            trials = (
                self.plan.control_search(repeat, size)
                if policy == TFIDF
                else self.plan.policy_search(architecture, policy, repeat, size)
            )
            choice = choose(trials, self.records)
            if choice is None:
                return None
            self._chosen[key] = choice
        return self._chosen[key]

    def complete_repeats(self, size: int) -> int:
        """Returns how many repeats, from the first without a gap, have every search of this size finished.

        Policies that were given up are not waited for.
        """
        for repeat in range(self.plan.max_repeats):
            cells = [(TFIDF, TFIDF), *product(self.plan.architectures, self.plan.policies)]
            cells = [cell for cell in cells if cell not in self.retired]
            if any(self.chosen(architecture, policy, repeat, size) is None for architecture, policy in cells):
                return repeat
        return self.plan.max_repeats

    def test_rows(self, repeat: int) -> NDArray[np.int64]:
        """Returns the rows that a repeat is tested on."""
        if repeat not in self._test_rows:
            _, rows = rows_for(self.data, repeat, num_folds=self.plan.num_folds, seed=self.plan.seed)
            self._test_rows[repeat] = rows
        return self._test_rows[repeat]

    @property
    def clusters(self) -> NDArray[np.int64] | None:
        """``(N,)`` the group of every column of the scores; None where each stands for itself."""
        if self.data.groups is None or self.task.units_are_groups:
            return None
        return self.data.groups[self.tested_units]

    @property
    def design(self) -> Design:
        """How repeats and test rows are crossed: on a given test set, or in folds that rotate."""
        return "fixed" if self.data.has_test else "rotating"

    @property
    def task(self) -> Task:
        """What is learned."""
        return find_task(self.data.task)

    @property
    def metric(self) -> Metric:
        """What policies are compared in."""
        return self.task.metric(self.plan.metric)

    @cached_property
    def tested_units(self) -> NDArray[np.int64]:
        """The units that can be scored, ascending: those of the test set, or all where folds rotate."""
        data = self.data
        rows = np.flatnonzero(data.is_test) if data.has_test else np.arange(len(data.label_ids))
        # A unit without anything to find (a question without a right answer) has no score.
        return self.metric.tally(data.judged(rows, data.label_ids[rows]))[0]

    @cached_property
    def guess(self) -> tuple[str, float]:
        """What needs no reading of the texts at all, in words, and its score on all rows that are tested."""
        data = self.data
        rows = np.flatnonzero(data.is_test) if data.has_test else np.arange(len(data.label_ids))
        words, predicted = self.task.guess(data.label_ids[rows], data.class_counts)
        return words, self.metric.score(data.judged(rows, predicted))

    def scores(self, architecture: str, policy: str, size: int, num_repeats: int) -> ScoreMatrix:
        """Returns ``(R, N)`` scores of the chosen models of the repeats, by unit; NaN where a unit was not tested.

        N counts :attr:`tested_units`. Where the metric is a mean over units (of accuracy: 1 where right, 0 where
        wrong), a score is what the unit adds to it; otherwise its pseudo-value among the units of the repeat.
        """
        numbers, metric = self.tested_units, self.metric
        scores = np.full((num_repeats, len(numbers)), np.nan)
        for repeat in range(num_repeats):
            choice = self.chosen(architecture, policy, repeat, size)
            if choice is None:
                raise MeltpointError(f"Repeat {repeat} of {policy} at {size} rows is not finished.")
            rows = self.test_rows(repeat)
            units, tallies = metric.tally(self.data.judged(rows, choice.predicted))
            values = tallies[:, 0] if metric.statistic is None else pseudo_values(tallies, metric.statistic)
            scores[repeat, np.searchsorted(numbers, units)] = values
        return scores
