"""A whole study: from labelled texts and vectors to a run folder with verdict, ledger and model."""

import json
import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from meltpoint.errors import DiskError, InputError, RunFolderError
from meltpoint.handover import TrainedModel, final_recipe, load_model, save_model, train_final, versions
from meltpoint.report import VERDICT_SCHEMA, Document, verdict_document
from meltpoint.run.costs import needed_minutes, seconds_per_training
from meltpoint.run.drifting import write_study_drift
from meltpoint.run.examples import keep_changed_examples
from meltpoint.run.folder import LEDGER, MODEL, RUN, VERDICT, claim_folder, release_folder, write_json
from meltpoint.run.options import StudyOptions, make_plan
from meltpoint.run.placing import Place, choose_place, find_device
from meltpoint.run.reporting import write_report
from meltpoint.run.results import prediction_frame, trial_frame
from meltpoint.studies import (
    Conclusion,
    Findings,
    Ledger,
    Snapshot,
    StudyPlan,
    conduct,
)
from meltpoint.studies.executors import remove_ownerless
from meltpoint.tasks import find_task
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import Corpus, Coverage, Tokenizer, corpus_from_lists, measure_coverage, tokenizer_for
from meltpoint.trial import TrialData, prepare_data
from meltpoint.vectors import Vectors, open_vectors

# Kept back from the budget for training the model that is handed over.
FINAL_SHARE = 0.05
FINAL_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a study is made on.

    Attributes:
        corpus: The labelled texts.
        vectors: The pretrained vectors.
        tokenizer: Cuts the texts for them.
        data: The texts as trials read them.
        coverage: How much of the training rows the vectors know.
    """

    corpus: Corpus
    vectors: Vectors
    tokenizer: Tokenizer
    data: TrialData
    coverage: Coverage


def prepare_material(corpus: Corpus, vectors: Vectors, tokenizer: Tokenizer) -> Material:
    """Tokenises, gathers the pretrained rows, and measures coverage on the rows that are not of a given test set."""
    data = prepare_data(corpus, vectors, tokenizer)
    counts = data.packed.counts(np.flatnonzero(~corpus.is_test))
    return Material(
        corpus=corpus,
        vectors=vectors,
        tokenizer=tokenizer,
        data=data,
        coverage=measure_coverage(vectors, data.packed.lexicon, counts),
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished, or interrupted, study in its folder.

    Attributes:
        folder: Where it is.
        verdict: What ``verdict.json`` holds.
        costs: Median seconds of one training, by architecture and policy, at the largest size.
        needed_minutes: That the further repeats take here which would decide an undecided study; None where it is
            decided, or repeats are not what it lacks.
    """

    folder: Path
    verdict: Document
    costs: Document
    needed_minutes: float | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Run":
        """Opens a run folder.

        Raises:
            RunFolderError: It holds no verdict.
        """
        path = Path(folder)
        try:
            verdict = json.loads((path / VERDICT).read_text(encoding="utf-8"))
            schema = verdict["schema"]
            described = json.loads((path / RUN).read_text(encoding="utf-8"))
            costs, minutes = described["seconds_per_training"], described.get("needed_minutes")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"{path} is not the folder of a finished study: {error}") from error
        if schema != VERDICT_SCHEMA:
            raise RunFolderError(
                f"{path / VERDICT} is of the schema {schema!r}; this meltpoint reads {VERDICT_SCHEMA!r}. Use the "
                f"version of meltpoint that {RUN} names."
            )
        return cls(folder=path, verdict=verdict, costs=costs, needed_minutes=minutes)

    def report(self, form: str = "html") -> Path:
        """Writes ``report.html`` (or ``report.md``) into the folder of the run, and returns the file.

        Raises:
            RunFolderError: A part of the folder cannot be read.
            DiskError: The file cannot be written.
        """
        return write_report(self.folder, self.verdict, form=form)

    def frame(self) -> pl.DataFrame:
        """Returns every finished trial, a row each: :func:`meltpoint.run.trial_frame`."""
        return trial_frame(self.folder)

    def predictions(self) -> pl.DataFrame:
        """Returns what the chosen trials predicted, a row each: :func:`meltpoint.run.prediction_frame`."""
        return prediction_frame(self.folder)

    def model(self) -> TrainedModel:
        """Loads the model that the study handed over.

        Raises:
            RunFolderError: There is none: the study was interrupted, or had no time for a single repeat.
        """
        return load_model(self.folder / MODEL)


def study(
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    vectors: Vectors | str,
    task: str = CLASSIFY.name,
    second_texts: Sequence[str] | None = None,
    test_texts: Sequence[object] | None = None,
    test_labels: Sequence[object] | None = None,
    test_second_texts: Sequence[str] | None = None,
    test_groups: Sequence[object] | None = None,
    groups: Sequence[object] | None = None,
    options: StudyOptions | None = None,
    out: str | os.PathLike[str] | None = None,
    budget_seconds: float | None = None,
    workers: int | None = None,
    ray: str | None = None,
    device: str = "cpu",
    keep_examples: bool = True,
) -> Run:
    """Measures whether the embedding should be frozen or fine-tuned for these texts, and trains the model.

    Args:
        texts: N labelled texts; questions, for ranking; lists of tokens, for tagging.
        labels: N labels of any kind; lists of labels (multilabel), 0 or 1 (rank), lists of tags (tag).
        vectors: Opened vectors, or what :func:`meltpoint.open_vectors` takes.
        task: ``classify``, ``multilabel``, ``rank`` or ``tag``.
        second_texts: N second texts, for ranking: the candidates.
        test_texts: A test set of its own; without one, test folds rotate over the texts.
        test_labels: Its labels.
        test_second_texts: Its second texts.
        test_groups: Its groups, for ranking.
        groups: N groups; rows of a group stay on one side of every split.
        options: Architectures, policies, sizes and so on; the defaults otherwise.
        out: Run folder; by default a temporary one, which lives as long as the run that is returned.
        budget_seconds: Stop after so long.
        workers: Worker processes; by default one per core, 0 trains in this process.
        ray: Train on a Ray cluster instead: ``HOST:PORT`` of its head, or ``auto``.
        device: ``cpu``, ``cuda`` or ``auto``.
        keep_examples: Keep the texts on which the policies differ in the run folder, for the report.

    Returns:
        The run, with its verdict.

    Raises:
        InputError: Something given cannot be used; the message says what and why.
    """
    learned = find_task(task)
    corpus = corpus_from_lists(
        texts,
        labels,
        second_texts=second_texts,
        groups=groups,
        test_texts=test_texts,
        test_labels=test_labels,
        test_second_texts=test_second_texts,
        test_groups=test_groups,
        targets=learned.targets,
    )
    opened = open_vectors(vectors) if isinstance(vectors, str) else vectors
    material = prepare_material(corpus, opened, tokenizer_for(opened, learned.tokenizer(opened.tokenizer)))
    chosen = options or StudyOptions()
    where: dict[str, Any] = {"workers": workers, "ray": ray, "device": device, "keep_examples": keep_examples}
    if out is not None:
        return run_study(material, chosen, Path(out), budget_seconds=budget_seconds, **where)[0]
    folder = tempfile.mkdtemp(prefix="meltpoint-run-")
    try:
        run, _ = run_study(material, chosen, Path(folder), budget_seconds=budget_seconds, **where)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def run_study(
    material: Material,
    options: StudyOptions,
    out: Path,
    *,
    resume: bool = False,
    budget_seconds: float | None = None,
    workers: int | None = None,
    ray: str | None = None,
    device: str = "cpu",
    watch: Callable[[Snapshot], None] = lambda _: None,
    keep_examples: bool = True,
) -> tuple[Run, Conclusion]:
    """Measures, hands the model over and keeps examples: :func:`measure`, then :func:`hand_over`."""
    run, conclusion = measure(
        material,
        options,
        out,
        resume=resume,
        budget_seconds=budget_seconds,
        workers=workers,
        ray=ray,
        device=device,
        watch=watch,
    )
    hand_over(material, run, conclusion, device=device)
    if keep_examples:
        keep_changed_examples(out, run.verdict, material.corpus)
    return run, conclusion


def measure(
    material: Material,
    options: StudyOptions,
    out: Path,
    *,
    resume: bool = False,
    budget_seconds: float | None = None,
    workers: int | None = None,
    ray: str | None = None,
    device: str = "cpu",
    watch: Callable[[Snapshot], None] = lambda _: None,
) -> tuple[Run, Conclusion]:
    """Runs a study into a folder: ledger, verdict.json, run.json. Where the input is wrong, no folder is left behind.

    Args:
        material: Texts and vectors.
        options: The options.
        out: The run folder.
        resume: Go on with the study in the folder.
        budget_seconds: Stop after so long; a twentieth of it, at most a minute, is kept for the final training.
        workers: Worker processes; by default one per core, 0 trains in this process.
        ray: Train on a Ray cluster instead: ``HOST:PORT`` of its head, or ``auto``.
        device: ``cpu``, ``cuda`` or ``auto``: a card where there is one and neither workers nor Ray are asked for.
        watch: Called several times a second.

    Returns:
        The run, and how the study ended.
    """
    started = time.time()
    options.check(find_task(material.corpus.task))
    place = choose_place(workers=workers, ray=ray, device=device)
    plan = make_plan(options, material.corpus, material.vectors, material.tokenizer.name, material.data)

    remove_ownerless()
    made = claim_folder(out, resume=resume)
    findings = Findings(plan, material.data, {})
    try:
        with closing(Ledger(out / LEDGER)) as ledger:
            _check_plan(ledger, plan, out)
            findings.records.update(ledger.records())
            conclusion = conduct(
                findings,
                ledger,
                lambda: place.executor(material.data),
                num_workers=max(1, place.num_workers),
                budget_seconds=_study_budget(budget_seconds),
                watch=watch,
            )
            _keep_test_rows(ledger, findings, material.corpus)
    except RunFolderError:
        # What is there is somebody else's.
        raise
    except (InputError, DiskError):
        if not resume and not findings.records:
            release_folder(out, made)
        raise
    verdict = verdict_document(conclusion, material.corpus, material.vectors, material.coverage)
    costs = seconds_per_training(conclusion.findings)
    minutes = needed_minutes(conclusion, place)
    write_json(out / VERDICT, verdict)
    write_json(out / RUN, _run_document(started, place, costs, minutes, conclusion))
    return Run(folder=out, verdict=verdict, costs=costs, needed_minutes=minutes), conclusion


def has_model_to_hand_over(conclusion: Conclusion) -> bool:
    """Whether a study has a recommendation to train: not if it was interrupted, or no repeat was completed."""
    return conclusion.judgement.best is not None and conclusion.ending != "interrupted"


def hand_over(material: Material, run: Run, conclusion: Conclusion, *, device: str = "cpu") -> Document | None:
    """Trains the recommended model on all rows, into the folder of the run, and writes what training moved.

    Returns:
        What ``drift.json`` holds; None where there is no model to train.
    """
    if not has_model_to_hand_over(conclusion):
        return None
    findings, architecture = conclusion.findings, run.verdict["architecture"]
    num_repeats = conclusion.judgement.num_repeats[findings.plan.sizes[-1]]

    def train(policy: str) -> TrainedModel:
        return train_final(
            findings,
            material.vectors,
            material.tokenizer.name,
            material.corpus.classes,
            final_recipe(findings, architecture, policy, num_repeats),
            device=find_device(device),
        )

    trained = train(run.verdict["policy"])
    save_model(trained, run.folder / MODEL)
    return write_study_drift(run.folder, trained, material.vectors, run.verdict, conclusion, run.costs, train)


def _check_plan(ledger: Ledger, plan: StudyPlan, out: Path) -> None:
    """Keeps the plan in a new ledger; refuses to go on with another one, unless it only goes further."""
    kept = ledger.read("plan")
    if kept is None:
        ledger.write("plan", plan.to_json())
        return
    before, now = json.loads(kept), json.loads(plan.to_json())
    if before == now:
        return
    further = {
        "max_repeats": max(before["max_repeats"], plan.max_repeats),
        "until": "repeats" if before.get("until") == "repeats" else plan.until,
    }
    if before | further == now:
        # More repeats are more of the same study: its looks have spent what they would have spent anyway.
        ledger.write("plan", plan.to_json())
        return
    names = {"study": "data, vectors or tokenizer", "max_repeats": "repeats", "rope_points": "rope"}
    differences = [
        names.get(key, key) if key == "study" else f"{names.get(key, key)} (was {before.get(key)}, now {now[key]})"
        for key in now
        if before.get(key) != now[key]
    ]
    raise RunFolderError(
        f"{out} holds a study with other settings: {'; '.join(differences)}. Resume with the command that began it, "
        "or choose another folder with --out."
    )


def _keep_test_rows(ledger: Ledger, findings: Findings, corpus: Corpus) -> None:
    """Keeps what the predictions in the ledger are for; who reads them later has the run folder alone."""
    labels = findings.data.label_ids
    repeats = {record.spec.split.repeat for record in findings.records.values()}
    rows = {repeat: findings.test_rows(repeat) for repeat in sorted(repeats)}
    ledger.keep_test_rows({repeat: (numbers, labels[numbers]) for repeat, numbers in rows.items()})
    ledger.write("classes", json.dumps(corpus.classes))
    ledger.write("task", corpus.task)


def _study_budget(budget_seconds: float | None) -> float | None:
    if budget_seconds is None:
        return None
    return budget_seconds - min(FINAL_SECONDS, FINAL_SHARE * budget_seconds)


def _run_document(
    started: float, place: Place, costs: Document, minutes: float | None, conclusion: Conclusion
) -> dict[str, Any]:
    """What varies between machines and runs, and so stays out of the verdict."""
    return {
        "schema": "meltpoint/run/1",
        "command": sys.argv,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "trials": len(conclusion.findings.records),
        "trial_seconds": round(sum(record.seconds for record in conclusion.findings.records.values()), 1),
        "seconds_per_training": costs,
        "needed_minutes": minutes,
        **place.describe(),
        "versions": versions(),
    }
