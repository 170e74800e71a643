"""A trial, run and recorded."""

import time
from dataclasses import dataclass

from meltpoint.errors import DivergedError
from meltpoint.trial import TrialData, TrialResult, TrialSpec, run_trial


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A finished trial: its result, or the reason why there is none."""

    spec: TrialSpec
    result: TrialResult | None
    failure: str | None = None
    seconds: float = 0.0


def run_one(spec: TrialSpec, data: TrialData) -> TrialRecord:
    """Runs a trial and records it; a training that diverges is a finding, not an error."""
    started = time.perf_counter()
    try:
        result = run_trial(spec, data)
    except DivergedError as error:
        return TrialRecord(spec=spec, result=None, failure=str(error), seconds=time.perf_counter() - started)
    return TrialRecord(spec=spec, result=result, seconds=result.seconds)
