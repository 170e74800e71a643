"""Whole studies in this process: the run that comes back, resuming, and what a failure leaves."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import meltpoint as mp
from meltpoint.errors import DiskError, InputError, RunFolderError
from meltpoint.randomness import generator
from meltpoint.run import Place, Run, StudyOptions, prepare_material, run_study
from meltpoint.run.costs import needed_minutes, seconds_per_repeat
from meltpoint.studies import Findings, Ledger, recording
from meltpoint.text import corpus_from_lists, tokenizer_for

CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]
OPTIONS = StudyOptions(policies=("fine-tuned",), search_trials=1, max_repeats=2, sizes=(40, 60))

FILES = ["drift.json", "examples.json", "model", "run.json", "study.db", "verdict.json"]


@pytest.fixture(scope="module")
def labelled():
    random = generator(0, "reviews")
    labels = [("good", "bad")[row % 2] for row in range(100)]
    cues = [label if row % 3 else "good" for row, label in enumerate(labels)]
    return [" ".join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)]) for cue in cues], labels


@pytest.fixture(scope="module")
def material(labelled, glove):
    return prepare_material(corpus_from_lists(*labelled), glove, tokenizer_for(glove))


@pytest.fixture(scope="module")
def run(labelled, glove, tmp_path_factory):
    texts, labels = labelled
    folder = tmp_path_factory.mktemp("runs") / "odd name? #1 [b]"
    return mp.study(texts, labels, vectors=glove, options=OPTIONS, out=folder, workers=0)


def test_a_run_holds_its_files_and_nothing_else(run):
    assert sorted(path.name for path in run.folder.iterdir()) == FILES
    assert json.loads((run.folder / "verdict.json").read_text(encoding="utf-8")) == run.verdict
    assert run.costs.keys() == {"average", "tf-idf"}
    machine = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert machine["schema"] == "meltpoint/run/1"
    assert machine["needed_minutes"] == run.needed_minutes
    assert machine["versions"].keys() == {"meltpoint", "torch", "numpy", "python"}


@pytest.fixture(scope="module")
def concluded(material, tmp_path_factory):
    return run_study(material, OPTIONS, tmp_path_factory.mktemp("concluded") / "run", workers=0)[1]


@pytest.mark.parametrize(
    ("repeats", "place", "share"),
    [(1, Place(), 1.0), (6, Place(num_workers=4), 1.5), (None, Place(), None), (6, Place(ray="auto"), None)],
    ids=["in this process", "four workers", "no repeats would", "a cluster of unknown size"],
)
def test_the_minutes_that_would_decide_are_repeats_times_the_seconds_of_one(repeats, place, share, concluded):
    best = concluded.judgement.best
    needing = replace(best, decision=replace(best.decision, needed_repeats=repeats))
    conclusion = replace(concluded, judgement=replace(concluded.judgement, best=needing))
    seconds = seconds_per_repeat(concluded.findings)
    assert needed_minutes(conclusion, place) == (share and round(share * seconds / 60, 2))


def test_a_repeat_costs_what_is_still_trained_in_it(concluded):
    findings = concluded.findings
    records = list(findings.records.values())

    def seconds(repeat, *without):
        return sum(r.seconds for r in records if r.spec.split.repeat == repeat and r.spec.policy not in without)

    assert seconds_per_repeat(findings) == pytest.approx((seconds(0) + seconds(1)) / 2)
    after = Findings(findings.plan, findings.data, findings.records)
    after.retired["average", "fine-tuned"] = 2
    assert seconds_per_repeat(after) == pytest.approx((seconds(0, "fine-tuned") + seconds(1, "fine-tuned")) / 2)
    assert seconds_per_repeat(Findings(findings.plan, findings.data, {})) is None


def test_the_minutes_are_read_with_the_run_and_stay_out_of_the_verdict(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "copy")
    described = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "copy" / "run.json").write_text(json.dumps({**described, "needed_minutes": 2.5}), encoding="utf-8")
    assert Run.open(tmp_path / "copy").needed_minutes == 2.5
    assert "minutes" not in (run.folder / "verdict.json").read_text(encoding="utf-8")


def test_every_trial_is_a_row_of_the_frame(run):
    frame = run.frame()
    assert frame.columns == [
        *("signature", "architecture", "policy", "size", "repeat", "learning_rate", "C", "ending"),
        *("validation_score", "validation_loss", "train_score", "test_score"),
        *("best_step", "steps", "trainable_parameters", "looks", "seconds", "failure"),
    ]
    assert len(frame) == 12
    assert sorted(frame["policy"].unique()) == ["fine-tuned", "frozen", "tf-idf"]
    assert frame["ending"].unique().to_list() == ["converged"]
    assert frame["signature"].is_unique().all()
    # Reading it leaves nothing in the folder.
    assert sorted(path.name for path in run.folder.iterdir()) == FILES


def test_a_run_can_be_opened_again(run):
    opened = Run.open(run.folder)
    assert (opened.verdict, opened.costs) == (run.verdict, run.costs)
    assert opened.frame().equals(run.frame())
    assert opened.model().config.policy == run.verdict["policy"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("verdict.json", None, "is not the folder of a finished study"),
        ("verdict.json", "{", "is not the folder of a finished study"),
        ("verdict.json", "[]", "is not the folder of a finished study"),
        ("verdict.json", '{"schema": "meltpoint/verdict/99"}', "schema 'meltpoint/verdict/99'; this meltpoint reads"),
        ("run.json", None, "is not the folder of a finished study"),
        ("run.json", "{}", "is not the folder of a finished study"),
    ],
)
def test_a_damaged_run_is_told(file, content, message, run, tmp_path):
    for name in ("verdict.json", "run.json"):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_text(content)
    with pytest.raises(RunFolderError, match=message):
        Run.open(tmp_path)


def test_a_run_without_its_ledger_has_no_frame(run, tmp_path):
    for name in ("verdict.json", "run.json"):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    with pytest.raises(RunFolderError, match="Cannot read the ledger"):
        Run.open(tmp_path).frame()
    assert not (tmp_path / "study.db").exists()


def test_a_finished_study_resumes_to_itself_without_training(material, run, monkeypatch):
    before = {path.name: path.read_bytes() for path in run.folder.glob("verdict.json")}
    monkeypatch.setattr(recording, "run_search", failing(AssertionError("nothing is left to train")))
    again, conclusion = run_study(material, OPTIONS, run.folder, resume=True, workers=0)
    assert conclusion.ending == run.verdict["ended"]
    assert again.verdict == run.verdict
    assert {path.name: path.read_bytes() for path in run.folder.glob("verdict.json")} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, r"other settings: seed \(was 0, now 1\)\. Resume with the command that began it"),
        ({"max_repeats": 3, "rope_points": 1.0}, r"repeats \(was 2, now 3\); rope \(was 0\.5, now 1\.0\)"),
        ({"policies": ("scaled",)}, r"policies \(was \['frozen', 'fine-tuned'\], now \['frozen', 'scaled'\]\)"),
    ],
)
def test_other_settings_are_named(changes, message, material, run):
    trials = run.frame()
    with pytest.raises(RunFolderError, match=message):
        run_study(material, replace(OPTIONS, **changes), run.folder, resume=True, workers=0)
    assert run.frame().equals(trials)


def test_a_study_may_go_further_but_not_back(material, tmp_path):
    options = replace(OPTIONS, sizes=(40,))
    run_study(material, options, tmp_path, workers=0)
    run_study(material, replace(options, until="repeats"), tmp_path, resume=True, workers=0)
    further, _ = run_study(material, replace(options, until="repeats", max_repeats=3), tmp_path, resume=True, workers=0)
    assert further.verdict["design"]["repeats"] == {"40": 3}
    with pytest.raises(RunFolderError, match=r"settings: until \(was repeats, now decided\)"):
        run_study(material, replace(options, max_repeats=3), tmp_path, resume=True, workers=0)
    with pytest.raises(InputError, match=r"--until must be one of decided, repeats; found 'never'"):
        run_study(material, replace(options, until="never"), tmp_path, resume=True, workers=0)


def test_other_data_are_named(labelled, glove, run):
    texts, labels = labelled
    other = prepare_material(corpus_from_lists([*texts[1:], "new"], labels), glove, tokenizer_for(glove))
    with pytest.raises(RunFolderError, match="other settings: data, vectors or tokenizer"):
        run_study(other, OPTIONS, run.folder, resume=True, workers=0)


def test_two_studies_on_one_folder_do_not_mix(material, run):
    with closing(Ledger(run.folder / "study.db")) as ledger:
        num_trials = len(ledger.records())
        with pytest.raises(RunFolderError, match="Another study is writing to"):
            run_study(material, OPTIONS, run.folder, resume=True, workers=0)
        assert len(ledger.records()) == num_trials


def test_a_damaged_ledger_is_not_resumed(material, tmp_path):
    (tmp_path / "study.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RunFolderError, match="is not a ledger of meltpoint, or it is damaged"):
        run_study(material, OPTIONS, tmp_path, resume=True, workers=0)
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_a_failure_before_the_first_trial_leaves_nothing(material, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "run_search", failing(InputError("cannot train this")))
    with pytest.raises(InputError, match="cannot train this"):
        run_study(material, OPTIONS, tmp_path / "a" / "b", workers=0)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_afterwards_keeps_the_finished_searches(material, tmp_path, monkeypatch):
    run_search, calls = recording.run_search, []

    def second_fails(specs, data, **where):
        calls.append(specs)
        if len(calls) == 2:
            raise InputError("cannot train this")
        return run_search(specs, data, **where)

    monkeypatch.setattr(recording, "run_search", second_fails)
    options = replace(OPTIONS, search_trials=2, sizes=(20,))
    with pytest.raises(InputError, match="cannot train this"):
        run_study(material, options, tmp_path / "run", workers=0)
    with closing(sqlite3.connect(tmp_path / "run" / "study.db")) as connection:
        found = connection.execute("SELECT signature FROM trials").fetchall()
    assert sorted(found) == sorted((spec.signature,) for spec in calls[0])


def test_no_space_for_the_verdict_keeps_the_study(material, run, tmp_path, monkeypatch):
    (tmp_path / "study.db").write_bytes((run.folder / "study.db").read_bytes())
    monkeypatch.setattr("os.fsync", failing(OSError(28, "No space left on device")))
    with pytest.raises(DiskError, match=r"Cannot write .*verdict\.json: .*No space left"):
        run_study(material, OPTIONS, tmp_path, resume=True, workers=0)
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def test_a_temporary_run_lives_as_long_as_its_object(labelled, glove, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = mp.study(*labelled, vectors=glove, options=OPTIONS, workers=0, budget_seconds=0.01)
    assert run.folder.is_dir()
    assert run.verdict["ended"] == "budget"
    with pytest.raises(RunFolderError, match="is not a model folder"):
        run.model()
    del run
    assert list(Path(tmp_path).iterdir()) == []


def test_a_temporary_run_that_fails_is_removed(labelled, glove, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError, match="--workers must be at least 0"):
        mp.study(*labelled, vectors=glove, options=OPTIONS, workers=-1)
    assert list(Path(tmp_path).iterdir()) == []


def test_a_given_test_set_is_the_test_set(labelled, glove, tmp_path):
    texts, labels = labelled
    run = mp.study(
        texts[:70],
        labels[:70],
        test_texts=texts[70:],
        test_labels=labels[70:],
        vectors=glove,
        options=replace(OPTIONS, sizes=(40,)),
        out=tmp_path / "run",
        workers=0,
    )
    assert run.verdict["design"]["test"] == "given test set"
    assert (run.verdict["data"]["train_rows"], run.verdict["data"]["test_rows"]) == (70, 30)
    assert run.verdict["sizes"][-1]["test_rows"] == 30
    assert run.model().config.rows == 70
