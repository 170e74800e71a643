"""The drift of a trained model, and ``drift.json`` in the folder of a study."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from meltpoint.embedding.drift import measure_drift
from meltpoint.errors import DivergedError, RunFolderError
from meltpoint.handover import (
    TrainedModel,
    compare_on_benchmarks,
    compare_on_installed,
    tuned_space,
    tuned_vectors,
)
from meltpoint.report import Document, drift_document, overfitting_document, unseen_rows_document
from meltpoint.report.schema import DRIFT_SCHEMA
from meltpoint.run.folder import DRIFT, write_json
from meltpoint.studies import BASELINE, Conclusion, compare_unseen_rows
from meltpoint.vectors import Vectors

# A model that is trained only to show its drift must not take longer than this where the study's time was limited.
TWIN_SECONDS = 20.0


def model_drift(
    trained: TrainedModel,
    vectors: Vectors,
    *,
    words: Sequence[str] = (),
    benchmarks: Sequence[Path] | None = None,
    recommended: bool = True,
    overfitting: Document | None = None,
    unseen_rows: Document | None = None,
) -> Document:
    """Measures what training did to the words of a model.

    Args:
        trained: The model.
        vectors: The vectors that it was made with.
        words: Words to describe, whether they moved or not.
        benchmarks: Files of rated pairs or analogies; None for those of gensim, where it is installed.
        recommended: As in :func:`meltpoint.report.drift_document`, for this and what follows.
        overfitting: From a study.
        unseen_rows: From a study.

    Raises:
        InputError: A word has no vector, or a benchmark none of its words; or the policy starts from random rows.
        DataFileError: A benchmark cannot be read.
    """
    space = tuned_space(trained, vectors, asked=words)
    drift = measure_drift(space, seed=trained.config.seed, asked=words)
    tuned = tuned_vectors(trained, vectors)
    changes = (
        compare_on_installed(vectors, tuned)
        if benchmarks is None
        else compare_on_benchmarks(vectors, tuned, benchmarks)
    )
    return drift_document(
        space,
        drift,
        policy=trained.config.policy,
        architecture=trained.config.architecture,
        vectors=vectors.name,
        benchmarks=[
            {**asdict(change), "before": round(change.before, 4), "after": round(change.after, 4)} for change in changes
        ],
        recommended=recommended,
        overfitting=overfitting,
        unseen_rows=unseen_rows,
    )


def write_study_drift(
    folder: Path,
    trained: TrainedModel,
    vectors: Vectors,
    verdict: Document,
    conclusion: Conclusion,
    costs: Document,
    train: Callable[[str], TrainedModel],
) -> Document:
    """Writes ``drift.json`` of a study.

    It is about the model that is handed over. Where that is frozen, nothing moved; what fine-tuning would have done is
    then measured on the best other policy, whose model is trained like the one that is handed over and thrown away.
    Where the budget ended the study, that is left out if its training takes long.

    Args:
        folder: The run folder.
        trained: The model that is handed over.
        vectors: The vectors.
        verdict: The study's verdict.
        conclusion: What it rests on.
        costs: Median seconds of a training, by architecture and policy.
        train: Trains the final model of a policy.

    Returns:
        The document.
    """
    architecture, other = verdict["architecture"], verdict["gain"]["policy"]
    shown, recommended = trained, True
    if trained.config.policy == BASELINE and other is not None:
        seconds = costs.get(architecture, {}).get(other, 0.0)
        if conclusion.ending != "budget" or seconds <= TWIN_SECONDS:
            try:
                shown, recommended = train(other), False
            except DivergedError:
                shown, recommended = trained, True
    findings = conclusion.findings
    repeats = conclusion.judgement.num_repeats
    unseen = None
    if other is not None:
        # A policy that was given up has no later repeats.
        last = findings.retired.get((architecture, other), max(repeats.values()))
        gains = {
            size: compare_unseen_rows(findings, architecture, other, size, min(count, last))
            for size, count in repeats.items()
        }
        unseen = unseen_rows_document(other, gains, unit=findings.task.unit)
    document = model_drift(
        shown, vectors, recommended=recommended, overfitting=overfitting_document(verdict), unseen_rows=unseen
    )
    write_json(folder / DRIFT, document)
    return document


def read_drift(folder: Path) -> Document | None:
    """Reads the ``drift.json`` of a run folder; None where there is none.

    Raises:
        RunFolderError: It cannot be read, or is of another version.
    """
    path = folder / DRIFT
    if not path.is_file():
        return None
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
        schema = document["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"Cannot read {path}: {error!r}") from error
    if schema != DRIFT_SCHEMA:
        raise RunFolderError(f"{path} is of the schema {schema!r}; this meltpoint reads {DRIFT_SCHEMA!r}.")
    return document
