"""A trial, run and recorded."""

import sys
import time
import traceback
from dataclasses import dataclass

from meltpoint.errors import DivergedError, InputError, MeltpointError
from meltpoint.models import ARCHITECTURES
from meltpoint.trial import TFIDF, TrialData, TrialResult, TrialSpec, run_trial


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A finished trial: its result, or the reason why there is none."""

    spec: TrialSpec
    result: TrialResult | None
    failure: str | None = None
    seconds: float = 0.0


def run_one(spec: TrialSpec, data: TrialData) -> TrialRecord:
    """Runs a trial and records it; a training that diverges is a finding, not an error.

    Raises:
        InputError: The trial cannot be run with what the user gave; the message names the line of their architecture.
    """
    started = time.perf_counter()
    try:
        result = run_trial(spec, data)
    except DivergedError as error:
        return TrialRecord(spec=spec, result=None, failure=str(error), seconds=time.perf_counter() - started)
    except MeltpointError:
        raise
    except Exception as error:
        module_name = spec.architecture.partition(":")[0]
        if module_name in ARCHITECTURES or spec.architecture == TFIDF:
            raise
        raise InputError(
            f"The architecture {spec.architecture} failed at {_place(error, module_name)}: {type(error).__name__}: "
            f"{error}. It must be a callable (embedding, num_outputs) -> nn.Module whose module takes token ids of "
            "shape (batch, tokens), padded with 0."
        ) from error
    return TrialRecord(spec=spec, result=result, seconds=result.seconds)


def _place(error: Exception, module_name: str) -> str:
    """Returns file and line of the last frame in the user's module, or of the last frame of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own_file = getattr(sys.modules.get(module_name), "__file__", None)
    frame = next((frame for frame in reversed(frames) if frame.filename == own_file), frames[-1])
    return f"{frame.filename}:{frame.lineno}"
