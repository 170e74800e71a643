"""The conduct of a study: start trials, keep their results, look, stop."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meltpoint.studies.course import Course, Ending
from meltpoint.studies.executors import Executor
from meltpoint.studies.findings import Findings
from meltpoint.studies.judging import Judgement
from meltpoint.studies.ledger import Ledger
from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import TrialSpec

TICK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A study as it stands, for whoever watches.

    Attributes:
        findings: What was found so far.
        running: The searches that are being trained.
        num_done: Finished trials, of this run and of earlier ones.
        num_planned: Trials if the study goes on to its last repeat with the policies that it has not given up.
        elapsed_seconds: Since this run began.
        budget_seconds: What this run may take, or None.
        seconds_left: How long the study goes on at most, estimated from the trials so far; None before the first.
    """

    findings: Findings
    running: tuple[Search, ...]
    num_done: int
    num_planned: int
    elapsed_seconds: float
    budget_seconds: float | None
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """How a study ended.

    Attributes:
        ending: ``decided``, ``out of reach`` of a decision by more repeats, all ``repeats`` done, ``budget`` spent,
            or ``interrupted``.
        judgement: The comparisons and decisions at the end.
        findings: What they rest on.
    """

    ending: Ending
    judgement: Judgement
    findings: Findings


def conduct(
    findings: Findings,
    ledger: Ledger,
    make_executor: Callable[[], Executor],
    *,
    num_workers: int,
    budget_seconds: float | None = None,
    watch: Callable[[Snapshot], None] = lambda _: None,
) -> Conclusion:
    """Runs the trials of a plan until the verdict is clear, the repeats are done or the time is up.

    Looks are taken after fixed numbers of complete repeats, in order, and the verdict of a look rests on those repeats
    alone: what other trials have finished meanwhile, and in which order, makes no difference. Policies that are found
    hopeless are trained no more.

    Args:
        findings: The plan, the data, and the trials finished in earlier runs.
        ledger: Keeps each trial as it finishes.
        make_executor: Starts the workers; not called where no trial is left to run.
        num_workers: How many searches run at a time, at least, for the estimate of the time left.
        budget_seconds: Stop after so long, or None.
        watch: Called several times a second.

    Returns:
        The verdict at the end.
    """
    plan = findings.plan
    started = time.monotonic()
    searches = [search for repeat in range(plan.max_repeats) for search in plan.searches(repeat)]
    course = Course(findings, ledger)

    def conclude(ending: Ending, judgement: Judgement) -> Conclusion:
        return Conclusion(ending=ending, judgement=judgement, findings=findings)

    if end := course.take_looks():
        return conclude(*end)
    # A search is kept whole or not at all; whether it is still wanted is asked when its turn comes.
    todo = (search for search in searches if course.wants(search))
    with make_executor() as executor:
        try:
            for records in _results(executor, todo, started, budget_seconds):
                if records is not None:
                    ledger.add(records)
                    findings.records.update({record.spec.signature: record for record in records})
                    if end := course.take_looks():
                        return conclude(*end)
                elapsed = time.monotonic() - started
                left = [spec for search in searches if course.wants(search) for spec in search]
                watch(
                    Snapshot(
                        findings=findings,
                        running=executor.running,
                        num_done=len(findings.records),
                        num_planned=len(findings.records) + len(left),
                        elapsed_seconds=elapsed,
                        budget_seconds=budget_seconds,
                        seconds_left=_seconds_left(
                            findings, left, max(num_workers, len(executor.running)), elapsed, budget_seconds
                        ),
                    )
                )
        except KeyboardInterrupt:
            return conclude("interrupted", course.stop("interrupted"))
    return conclude("budget", course.stop("budget"))


def _results(
    executor: Executor, todo: Iterator[Search], started: float, budget_seconds: float | None
) -> Iterator[list[TrialRecord] | None]:
    """Keeps the executor busy; yields the results of each search, None at a tick without one; ends with the time."""
    waiting = next(todo, None)
    while waiting is not None or executor.running:
        if budget_seconds is not None and time.monotonic() - started >= budget_seconds:
            return
        while waiting is not None and executor.has_room:
            executor.start(waiting)
            waiting = next(todo, None)
        yield executor.finished(TICK_SECONDS)


def _seconds_left(
    findings: Findings,
    left: list[TrialSpec],
    num_workers: int,
    elapsed_seconds: float,
    budget_seconds: float | None,
) -> float | None:
    """Estimates the time to the last repeat from the mean cost of like trials, capped by the budget."""
    costs: dict[tuple[str, str, int], list[float]] = {}
    for record in findings.records.values():
        costs.setdefault(_kind(record.spec), []).append(record.seconds)
    if not costs:
        return None if budget_seconds is None else budget_seconds - elapsed_seconds
    means = {kind: sum(seconds) / len(seconds) for kind, seconds in costs.items()}
    typical = sum(means.values()) / len(means)
    seconds = sum(means.get(_kind(spec), typical) for spec in left) / num_workers
    return seconds if budget_seconds is None else min(seconds, max(0.0, budget_seconds - elapsed_seconds))


def _kind(spec: TrialSpec) -> tuple[str, str, int]:
    return (spec.architecture, spec.policy, spec.split.size)
