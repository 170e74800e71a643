"""The course of a study: start trials, keep their results, look, stop."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from meltpoint.studies.executors import Executor
from meltpoint.studies.findings import Findings
from meltpoint.studies.judging import Judgement, judge
from meltpoint.studies.ledger import Ledger
from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import TrialSpec
from meltpoint.verdict import default_looks, look_levels

Ending = Literal["decided", "repeats", "budget", "interrupted"]
TICK_SECONDS = 0.2
LOOKS = "looks"
"""The fact in the ledger that says at which repeats a stopped study has been looked at."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A study as it stands, for whoever watches.

    Attributes:
        findings: What was found so far.
        running: The searches that are being trained.
        num_done: Finished trials, of this run and of earlier ones.
        num_planned: Trials if the study goes on to its last repeat.
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
        ending: ``decided``, all ``repeats`` done, ``budget`` spent, or ``interrupted``.
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
    alone: what other trials have finished meanwhile, and in which order, makes no difference. The end of the budget is
    a look, too, and is kept in the ledger: if the study goes on, later looks spend what is left. Ctrl-C is none, for
    whoever presses it may have seen the results: the verdict is then that of the last look.

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
    looks = planned_looks(ledger, plan.max_repeats)
    searches = [search for repeat in range(plan.max_repeats) for search in plan.searches(repeat)]
    planned = [spec for search in searches for spec in search]
    taken: list[int] = []

    def take_looks() -> Conclusion | None:
        complete = min(findings.complete_repeats(size) for size in plan.sizes)
        for look in looks[len(taken) :]:
            if look > complete:
                return None
            taken.append(look)
            judgement = judge(findings, dict.fromkeys(plan.sizes, look), level=look_levels(taken)[look])
            if judgement.enough or look == plan.max_repeats:
                ending: Ending = "decided" if judgement.enough else "repeats"
                keep_looks(ledger, taken)
                return Conclusion(ending=ending, judgement=judgement, findings=findings)
        return None

    def stop_early(ending: Ending) -> Conclusion:
        complete = {size: findings.complete_repeats(size) for size in plan.sizes}
        largest = complete[plan.sizes[-1]]
        if taken and (ending == "interrupted" or largest <= taken[-1]):
            # Not a look of its own: the verdict stays that of the last one.
            complete = dict.fromkeys(plan.sizes, taken[-1])
            level = look_levels(taken)[taken[-1]]
        else:
            paid = [*taken, max(largest, 1)]
            level = look_levels(paid)[paid[-1]]
            if ending == "budget" and largest:
                keep_looks(ledger, paid)
        return Conclusion(ending=ending, judgement=judge(findings, complete, level=level), findings=findings)

    if conclusion := take_looks():
        return conclusion
    # A search is kept whole or not at all.
    todo = iter([search for search in searches if search[0].signature not in findings.records])
    with make_executor() as executor:
        try:
            for records in _results(executor, todo, started, budget_seconds):
                if records is not None:
                    ledger.add(records)
                    findings.records.update({record.spec.signature: record for record in records})
                    if conclusion := take_looks():
                        return conclusion
                elapsed = time.monotonic() - started
                watch(
                    Snapshot(
                        findings=findings,
                        running=executor.running,
                        num_done=len(findings.records),
                        num_planned=len(planned),
                        elapsed_seconds=elapsed,
                        budget_seconds=budget_seconds,
                        seconds_left=_seconds_left(
                            findings, planned, max(num_workers, len(executor.running)), elapsed, budget_seconds
                        ),
                    )
                )
        except KeyboardInterrupt:
            return stop_early("interrupted")
    return stop_early("budget")


def planned_looks(ledger: Ledger, max_repeats: int) -> tuple[int, ...]:
    """Returns the repeats after which to look: those at which the study was stopped before, and the usual ones after.

    A look once taken stays one: what it spent is spent.
    """
    kept = tuple(json.loads(ledger.read(LOOKS) or "[]"))
    return (*kept, *(look for look in default_looks(max_repeats) if look > max(kept, default=0)))


def keep_looks(ledger: Ledger, taken: Sequence[int]) -> None:
    """Keeps which looks a stopped study has taken."""
    ledger.write(LOOKS, json.dumps(list(taken)))


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
    planned: list[TrialSpec],
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
    rest = sum(means.get(_kind(spec), typical) for spec in planned if spec.signature not in findings.records)
    left = rest / num_workers
    return left if budget_seconds is None else min(left, max(0.0, budget_seconds - elapsed_seconds))


def _kind(spec: TrialSpec) -> tuple[str, str, int]:
    return (spec.architecture, spec.policy, spec.split.size)
