"""The ledger as frames: every trial, every prediction of a chosen one; on the command line and in MLflow."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import meltpoint as mp
from meltpoint.cli.main import main
from meltpoint.errors import DiskError, InputError, MeltpointError, RunFolderError
from meltpoint.run import Run, Tracker, prediction_frame, prepare_material, run_study, trial_frame, write_frame
from meltpoint.studies import Ledger, TrialRecord
from meltpoint.text import corpus_from_lists, tokenizer_for

CUES, NOUNS = ["great", "fine", "lovely", "warm", "dull", "weak", "poor", "awful"], ["film", "plot", "scene"]
TEXTS = [f"{cue} {noun}" for cue in CUES for noun in NOUNS]
LABELS = [("good", "bad")[(row + row // len(NOUNS)) % 2] for row in range(len(TEXTS))]
OPTIONS = mp.StudyOptions(
    policies=("decayed",), search_trials=2, max_repeats=2, num_folds=2, sizes=(10,), rope_points=0
)


@pytest.fixture(scope="module")
def material(glove):
    return prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))


@pytest.fixture(scope="module")
def studied(material, tmp_path_factory):
    return run_study(material, OPTIONS, tmp_path_factory.mktemp("runs") / "run", workers=0)


@pytest.fixture
def run(studied):
    return studied[0]


def call(*arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


def test_every_trial_is_a_row_with_its_configuration_in_columns(run):
    frame = run.frame()
    assert len(frame) == 2 * 3 * 2  # repeats, of policies and the control, of configurations
    assert frame["signature"].is_unique().all()
    assert frame["repeat"].to_list() == sorted(frame["repeat"])
    knobs = frame.select("policy", "C", "weight_decay", "learning_rate").unique().sort("policy", "learning_rate", "C")
    decayed = knobs.filter(policy="decayed")
    assert decayed["C"].to_list() == [None, None]
    assert sorted(decayed["weight_decay"]) == [1e-6, 1e-5]
    assert knobs.filter(policy="tf-idf")["C"].to_list() == [0.1, 300.0]
    assert knobs.filter(policy="frozen")["weight_decay"].to_list() == [None, None]
    trained = frame.filter(pl.col("policy") != "tf-idf")
    assert (trained["looks"] > 1).all()
    assert set(trained["ending"]) <= {"converged", "dropped"}
    assert (frame["seconds"] > 0).all()


def test_a_training_that_diverged_is_a_row(run, tmp_path):
    shutil.copy(run.folder / "study.db", tmp_path)
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        spec = next(record.spec for record in ledger.records().values() if record.spec.policy == "decayed")
        lost = TrialRecord(spec=replace(spec, learning_rate=9e9), result=None, failure="not finite", seconds=1.5)
        ledger.add([lost])
    (row,) = trial_frame(tmp_path).filter(ending="diverged").to_dicts()
    assert (row["learning_rate"], row["failure"], row["seconds"]) == (9e9, "not finite", 1.5)
    assert (row["validation_score"], row["looks"], row["steps"]) == (None, None, None)


def test_predictions_are_those_that_the_verdict_rests_on(run, studied, material):
    frame = run.predictions()
    assert frame.columns == ["repeat", "size", "architecture", "policy", "row", "label", "predicted", "right"]
    _, conclusion = studied
    for (repeat, architecture, policy), cell in frame.group_by("repeat", "architecture", "policy"):
        chosen = conclusion.findings.chosen(architecture, policy, repeat, 10)
        assert cell["row"].to_list() == conclusion.findings.test_rows(repeat).tolist()
        assert cell["label"].to_list() == [LABELS[row] for row in cell["row"]]
        assert cell["predicted"].to_list() == [material.corpus.classes[number] for number in chosen.predicted]
        assert cell["right"].mean() == pytest.approx(chosen.test_score)
    # Two folds: every row is tested once under every policy.
    assert len(frame) == 3 * len(TEXTS)


def test_rows_of_a_test_set_stand_behind_the_others(glove, tmp_path):
    corpus = corpus_from_lists(TEXTS, LABELS, test_texts=TEXTS[:6], test_labels=LABELS[:6])
    material = prepare_material(corpus, glove, tokenizer_for(glove))
    run_study(material, replace(OPTIONS, search_trials=1), tmp_path / "run", workers=0)
    frame = prediction_frame(tmp_path / "run")
    assert sorted(frame["row"].unique()) == list(range(len(TEXTS), len(TEXTS) + 6))
    first = frame.filter(pl.col("repeat") == 0, policy="frozen")
    assert first["label"].to_list() == LABELS[:6]


@pytest.mark.parametrize("classes", [2, 128, 129, 32_768])
def test_predictions_take_as_few_bytes_as_the_classes_allow(classes, run, tmp_path):
    shutil.copy(run.folder / "study.db", tmp_path)
    predicted = (np.arange(2000) % classes).astype(np.int16)
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        record = next(record for record in ledger.records().values() if record.result.predicted is not None)
        spec = replace(record.spec, learning_rate=1.0)
        ledger.add([TrialRecord(spec=spec, result=replace(record.result, predicted=predicted), seconds=1.0)])
        found = ledger.records()[spec.signature].result.predicted
    assert found.dtype == np.int16
    assert found.tolist() == predicted.tolist()
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        (packed,) = connection.execute("SELECT predicted FROM trials WHERE signature = ?", (spec.signature,)).fetchone()
    assert packed[0] == (1 if classes <= 128 else 2)


@pytest.mark.parametrize(
    ("suffix", "read"), [(".csv", pl.read_csv), (".parquet", pl.read_parquet), (".jsonl", pl.read_ndjson)]
)
def test_a_frame_is_written_as_the_suffix_says(suffix, read, run, tmp_path):
    path = tmp_path / f"trials{suffix}"
    path.write_text("what stood there before")
    write_frame(run.frame(), path)
    again = read(path)
    assert again.columns == run.frame().columns
    assert again["validation_loss"].to_list() == run.frame()["validation_loss"].to_list()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_another_suffix_is_refused(run, tmp_path):
    with pytest.raises(
        InputError, match=r"--to must name a file that ends in \.csv, \.parquet, \.jsonl; found 'a\.xls'"
    ):
        write_frame(run.frame(), tmp_path / "a.xls")


def test_a_place_that_cannot_be_written_is_a_disk_error(run, tmp_path):
    with pytest.raises(DiskError, match=r"Cannot write .*absent.*trials\.csv"):
        write_frame(run.frame(), tmp_path / "absent" / "trials.csv")


def test_the_command_shows_a_line_for_each_policy(run, monkeypatch, capsys):
    assert call("results", run.folder, monkeypatch=monkeypatch) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    # The headings take two lines; endings that no trial has are left out.
    assert lines[1][:4] == ["size", "architecture", "policy", "trials"]
    assert [line[:4] for line in lines[2:]] == [
        ["10", "average", "decayed", "4"],
        ["10", "average", "frozen", "4"],
        ["10", "tf-idf", "tf-idf", "4"],
    ]
    assert call("results", run.folder, "--predictions", monkeypatch=monkeypatch) == 0
    assert "right" in capsys.readouterr().out


def test_the_command_prints_json(run, monkeypatch, capsys):
    assert call("results", run.folder, "--json", monkeypatch=monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == run.frame().to_dicts()


def test_the_command_writes_a_file(run, tmp_path, monkeypatch, capsys):
    path = tmp_path / "predictions.parquet"
    assert call("results", run.folder, "--predictions", "--to", path, monkeypatch=monkeypatch) == 0
    assert "72 rows, 8 columns" in " ".join(capsys.readouterr().out.split())
    assert pl.read_parquet(path).equals(run.predictions())


def test_reading_waits_for_no_study_that_writes(run, tmp_path):
    shutil.copy(run.folder / "study.db", tmp_path)
    with (
        closing(Ledger(tmp_path / "study.db")),
        pytest.raises(RunFolderError, match=r"a study is writing to it, and has it to itself until it ends"),
    ):
        trial_frame(tmp_path)
    assert trial_frame(tmp_path).equals(run.frame())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "there is none. Give the folder of a study"),
        (lambda path: path.write_bytes(b"no database" * 1000), "it is damaged"),
        (lambda path: path.write_bytes(b""), "expected version 4, found none"),
        (lambda path: alter(path, "UPDATE study SET value = '1' WHERE key = 'schema_version'"), "version 4, found 1"),
        (lambda path: alter(path, "UPDATE trials SET predicted = x'0312'"), "it is damaged"),
        (lambda path: alter(path, "UPDATE trials SET spec = '{}'"), "it is damaged"),
    ],
    ids=["absent", "foreign", "empty", "version", "predictions", "spec"],
)
def test_a_ledger_that_cannot_be_read_is_told(damage, message, run, tmp_path):
    shutil.copy(run.folder / "study.db", tmp_path)
    damage(tmp_path / "study.db")
    with pytest.raises(RunFolderError, match=message):
        trial_frame(tmp_path)


def alter(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_study_that_was_killed_has_trials_and_not_yet_predictions(run, tmp_path):
    shutil.copy(run.folder / "study.db", tmp_path)
    alter(tmp_path / "study.db", "DELETE FROM test_rows")
    alter(tmp_path / "study.db", "DELETE FROM study WHERE key = 'classes'")
    assert len(trial_frame(tmp_path)) == len(run.frame())
    with pytest.raises(RunFolderError, match=r"not yet the rows that they are for.*Go on with --resume"):
        prediction_frame(tmp_path)


def test_a_study_without_a_trial_has_empty_frames(material, tmp_path):
    run, _ = run_study(material, OPTIONS, tmp_path / "run", workers=0, budget_seconds=1e-6)
    assert run.frame().is_empty()
    assert run.predictions().is_empty()


@pytest.fixture
def mlflow():
    pytest.importorskip("mlflow.tracking", reason="the extra mlflow is not installed")
    pytest.importorskip("sqlalchemy", reason="the extra mlflow is not installed")
    pytest.importorskip("alembic", reason="the extra mlflow is not installed")


def test_a_study_is_logged_to_mlflow(mlflow, run, tmp_path):
    tracker = Tracker(str(tmp_path / "store"))
    number = tracker.log(run.folder, run.verdict)
    logged = tracker._client.get_run(number)
    assert logged.info.status == "FINISHED"
    assert logged.info.run_name == run.folder.name
    assert logged.data.params["policies"] == "frozen, decayed"
    assert logged.data.params["seed"] == "0"
    assert logged.data.metrics["gain_points"] == run.verdict["gain"]["points"]
    assert logged.data.metrics["score_frozen"] == run.verdict["policies"][0]["score"]
    assert logged.data.tags["meltpoint.decision"] == run.verdict["decision"]
    folder = tmp_path / "store" / "artifacts" / number / "artifacts"
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "trials.csv", "verdict.json"]
    assert (folder / "verdict.json").read_bytes() == (run.folder / "verdict.json").read_bytes()
    assert len(pl.read_csv(folder / "trials.csv")) == len(run.frame())
    # A second study goes into the same experiment.
    assert Tracker(str(tmp_path / "store"))._experiment == tracker._experiment


def test_a_place_that_mlflow_cannot_use_is_told_before_anything_is_trained(mlflow, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"--mlflow .*file: expected the URI of an MLflow server or database, or a folder"
    ):
        Tracker(str(tmp_path / "file"))


def test_a_study_that_cannot_be_logged_is_complete_all_the_same(mlflow, run, tmp_path):
    tracker = Tracker(str(tmp_path / "store"))
    with pytest.raises(MeltpointError, match=r"is complete, but it could not be logged .*--resume logs it"):
        tracker.log(tmp_path / "absent", run.verdict)


def test_mlflow_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(InputError, match=r"--mlflow needs the package mlflow.*pip install 'meltpoint\[mlflow\]'"):
        Tracker("anywhere")


def test_a_run_is_opened_with_its_frames(run):
    opened = Run.open(run.folder)
    assert opened.frame().equals(run.frame())
    assert opened.predictions().equals(run.predictions())
