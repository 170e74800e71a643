"""Trials, run and recorded."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from meltpoint.errors import InputError, MeltpointError
from meltpoint.models import ARCHITECTURES
from meltpoint.trial import TFIDF, Divergence, TrialData, TrialResult, TrialSpec, run_search


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A finished trial: its result, or the reason why there is none."""

    spec: TrialSpec
    result: TrialResult | None
    failure: str | None = None
    seconds: float = 0.0


def record_search(specs: Sequence[TrialSpec], data: TrialData, *, device: str = "cpu") -> list[TrialRecord]:
    """Runs the trials of a search and records them; a training that diverges is a finding, not an error.

    Raises:
        InputError: They cannot be run with what the user gave; the message names the line of their architecture.
    """
    try:
        found = run_search(specs, data, device=torch.device(device))
    except MeltpointError:
        raise
    except Exception as error:
        architecture = specs[0].architecture
        module_name = architecture.partition(":")[0]
        if module_name in ARCHITECTURES or architecture == TFIDF:
            raise
        raise InputError(
            f"The architecture {architecture} failed at {_place(error, module_name)}: {type(error).__name__}: "
            f"{error}. It must be a callable (embedding, num_outputs) -> nn.Module whose module takes token ids of "
            "shape (batch, tokens), padded with 0."
        ) from error
    return [_record(spec, outcome) for spec, outcome in zip(specs, found, strict=True)]


def _record(spec: TrialSpec, outcome: TrialResult | Divergence) -> TrialRecord:
    if isinstance(outcome, Divergence):
        return TrialRecord(spec=spec, result=None, failure=outcome.reason, seconds=outcome.seconds)
    return TrialRecord(spec=spec, result=outcome, seconds=outcome.seconds)


def _place(error: Exception, module_name: str) -> str:
    """Returns file and line of the last frame in the user's module, or of the last frame of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own_file = getattr(sys.modules.get(module_name), "__file__", None)
    frame = next((frame for frame in reversed(frames) if frame.filename == own_file), frames[-1])
    return f"{frame.filename}:{frame.lineno}"
