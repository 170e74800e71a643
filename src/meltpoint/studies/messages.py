"""What a worker answers: one JSON line per trial."""

import base64
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from meltpoint.errors import InputError, MeltpointError
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import TrialResult, TrialSpec


def encode_answer(record: TrialRecord) -> str:
    """Writes a finished trial as one line, without its spec: the asker has it."""
    result: dict[str, Any] | None = None
    if record.result is not None:
        result = asdict(record.result)
        result["predicted"] = base64.b64encode(record.result.predicted.astype("<i2").tobytes()).decode()
    return json.dumps({"result": result, "failure": record.failure, "seconds": record.seconds})


def encode_error(error: Exception, trace: str) -> str:
    """Writes the error that keeps a trial from running at all."""
    return json.dumps({"error": str(error), "input": isinstance(error, InputError), "trace": trace})


def decode_answer(line: str, spec: TrialSpec) -> TrialRecord:
    """Reads an answer to ``spec``.

    Raises:
        InputError: The trial cannot be run with what the user gave.
        MeltpointError: The trial failed in a way that was not foreseen; the message holds the traceback.
    """
    answer = json.loads(line)
    if "error" in answer:
        if answer["input"]:
            raise InputError(answer["error"])
        raise MeltpointError(
            f"Training {spec.architecture} / {spec.policy} failed: {answer['error']}\n{answer['trace']}"
        )
    result = answer["result"]
    if result is not None:
        predicted = np.frombuffer(base64.b64decode(result["predicted"]), dtype="<i2").astype(np.int16)
        result = TrialResult(**{**result, "predicted": predicted})
    return TrialRecord(spec=spec, result=result, failure=answer["failure"], seconds=answer["seconds"])
