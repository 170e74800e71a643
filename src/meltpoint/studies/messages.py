"""What a study asks of a worker and what it answers: one JSON line each per search."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from meltpoint.errors import InputError, MeltpointError
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import Look, TrialResult, TrialSpec


def encode_search(specs: Sequence[TrialSpec]) -> str:
    """Writes the trials of a search as one line."""
    return json.dumps([json.loads(spec.to_json()) for spec in specs])


def decode_search(line: str) -> tuple[TrialSpec, ...]:
    """Reads :func:`encode_search` back."""
    return tuple(TrialSpec.from_json(json.dumps(fields)) for fields in json.loads(line))


def encode_answer(records: Sequence[TrialRecord]) -> str:
    """Writes finished trials as one line, without their specs: the asker has them."""
    return json.dumps({"trials": [_encode(record) for record in records]})


def _encode(record: TrialRecord) -> dict[str, Any]:
    result: dict[str, Any] | None = None
    if record.result is not None:
        result = asdict(record.result)
        if record.result.predicted is not None:
            predicted = record.result.predicted
            content = base64.b64encode(predicted.astype("<i2").tobytes()).decode()
            result["predicted"] = {"shape": predicted.shape, "content": content}
    return {"result": result, "failure": record.failure, "seconds": record.seconds}


def encode_error(error: Exception, trace: str) -> str:
    """Writes the error that keeps a search from running at all."""
    return json.dumps({"error": str(error), "input": isinstance(error, InputError), "trace": trace})


def decode_answer(line: str, specs: Sequence[TrialSpec]) -> list[TrialRecord]:
    """Reads an answer to ``specs``.

    Raises:
        InputError: The trials cannot be run with what the user gave.
        MeltpointError: A trial failed in a way that was not foreseen; the message holds the traceback.
    """
    answer = json.loads(line)
    if "error" in answer:
        if answer["input"]:
            raise InputError(answer["error"])
        raise MeltpointError(
            f"Training {specs[0].architecture} / {specs[0].policy} failed: {answer['error']}\n{answer['trace']}"
        )
    return [_decode(spec, found) for spec, found in zip(specs, answer["trials"], strict=True)]


def _decode(spec: TrialSpec, found: dict[str, Any]) -> TrialRecord:
    result = found["result"]
    if result is not None:
        looks = tuple(Look(**look) for look in result["looks"])
        predicted = result["predicted"]
        if predicted is not None:
            numbers = np.frombuffer(base64.b64decode(predicted["content"]), dtype="<i2").astype(np.int16)
            predicted = numbers.reshape(predicted["shape"])
        result = TrialResult(**{**result, "looks": looks, "predicted": predicted})
    return TrialRecord(spec=spec, result=result, failure=found["failure"], seconds=found["seconds"])
