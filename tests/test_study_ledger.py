"""The ledger: what went in comes out, whatever happens to the process, the file or the disk."""

import pickle
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.studies import Ledger, TrialRecord
from meltpoint.trial import Look, Schedule, SplitSpec, TrialResult, TrialSpec

shares = st.floats(0, 1)
counts = st.integers(0, 2**40)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)

specs = st.builds(
    TrialSpec,
    study=names,
    architecture=names,
    policy=names,
    settings=st.lists(st.tuples(names, st.floats(allow_nan=False, allow_infinity=False)), max_size=3).map(tuple),
    learning_rate=shares,
    unknown=names,
    split=st.builds(
        SplitSpec,
        seed=st.integers(0, 2**63 - 1),
        repeat=counts,
        size=counts,
        num_folds=counts,
        validation_fraction=shares,
    ),
    schedule=st.builds(
        Schedule,
        batch_size=counts,
        max_steps=counts,
        evaluate_every=counts,
        patience_steps=counts,
        max_tokens=counts,
        rungs=st.lists(counts, max_size=3).map(tuple),
    ),
    search=names,
)
looks = st.lists(st.builds(Look, step=counts, score=shares, loss=st.floats(0, 1e300)), max_size=5).map(tuple)
results = st.builds(
    TrialResult,
    ending=st.sampled_from(["converged", "cut off", "dropped"]),
    validation_score=shares,
    validation_loss=st.floats(0, 1e300),
    train_score=st.none() | shares,
    test_score=st.none() | shares,
    predicted=st.none()
    | st.lists(st.integers(0, 2**15 - 1), max_size=50).map(lambda ids: np.array(ids, dtype=np.int16)),
    best_step=counts,
    steps=counts,
    trainable_parameters=counts,
    looks=looks,
    seconds=st.floats(0, 1e6),
)
done = st.builds(lambda spec, result: TrialRecord(spec=spec, result=result, seconds=result.seconds), specs, results)
diverged = st.builds(
    lambda spec, why, seconds: TrialRecord(spec=spec, result=None, failure=why, seconds=seconds),
    specs,
    names,
    st.floats(0, 1e6),
)
records = st.lists(done | diverged, max_size=8, unique_by=lambda record: record.spec.signature)


def a_record(repeat: int = 0, num_predicted: int = 3) -> TrialRecord:
    return TrialRecord(
        spec=TrialSpec(
            study="s",
            architecture="average",
            policy="frozen",
            settings=(),
            learning_rate=0.01,
            unknown="zero",
            split=SplitSpec(seed=0, repeat=repeat, size=10, num_folds=5, validation_fraction=0.2),
            schedule=Schedule(batch_size=1, max_steps=1, evaluate_every=1, patience_steps=1, max_tokens=1),
        ),
        result=TrialResult(
            ending="converged",
            validation_score=0.5,
            validation_loss=0.7,
            train_score=0.5,
            test_score=0.5,
            # Hard to compress, so that a small disk fills.
            predicted=np.random.default_rng(repeat).integers(0, 2**15, num_predicted).astype(np.int16),
            best_step=1,
            steps=1,
            trainable_parameters=1,
            seconds=1.0,
        ),
        seconds=1.0,
    )


def assert_same(found: TrialRecord, kept: TrialRecord) -> None:
    assert (found.spec, found.failure, found.seconds) == (kept.spec, kept.failure, kept.seconds)
    if kept.result is None:
        assert found.result is None
        return
    fields = set(vars(kept.result)) - {"predicted"}
    assert {name: getattr(found.result, name) for name in fields} == {
        name: getattr(kept.result, name) for name in fields
    }
    if kept.result.predicted is None:
        assert found.result.predicted is None
        return
    assert found.result.predicted.dtype == np.int16
    assert found.result.predicted.tobytes() == kept.result.predicted.tobytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=records)
def test_every_record_comes_back_whole(kept, tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "study.db"
    with closing(Ledger(path)) as ledger:
        for first in range(0, len(kept), 3):
            ledger.add(kept[first : first + 3])
    with closing(Ledger(path)) as ledger:
        found = ledger.records()
    assert list(found) == sorted(record.spec.signature for record in kept)
    for record in kept:
        assert_same(found[record.spec.signature], record)


def test_the_first_result_of_a_trial_stands(tmp_path):
    first, second = a_record(num_predicted=3), a_record(num_predicted=4)
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        ledger.add([first])
        ledger.add([second])
        (found,) = ledger.records().values()
    assert_same(found, first)


def test_a_closed_ledger_is_one_plain_file(tmp_path):
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        ledger.add([a_record()])
        assert (tmp_path / "study.db-wal").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_a_second_study_on_the_folder_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "study.db"
    with closing(Ledger(path)) as ledger:
        ledger.add([a_record(0)])
        with pytest.raises(RunFolderError, match=r"Another study is writing to .*Wait for it, or choose another"):
            Ledger(path)
        ledger.add([a_record(1)])
    with closing(Ledger(path)) as ledger:
        assert len(ledger.records()) == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"no database, but long enough to be looked at" * 40), "is not a ledger"),
        (lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)), "damaged"),
        (lambda path: alter(path, "UPDATE trials SET predicted = x'00'"), "damaged"),
        (lambda path: alter(path, "UPDATE trials SET spec = 'no json'"), "damaged"),
        (lambda path: alter(path, "UPDATE trials SET spec = '{}'"), "damaged"),
        (lambda path: alter(path, "UPDATE study SET value = '99' WHERE key = 'schema_version'"), "version 99; this"),
        (
            lambda path: path.unlink() or write_version_1(path),
            "has ledger version 1; this meltpoint writes version 4. Use",
        ),
    ],
    ids=["foreign", "overwritten", "predictions", "spec", "empty spec", "newer version", "version 1"],
)
def test_a_damaged_ledger_is_told_from_a_sound_one(damage, message, tmp_path):
    path = tmp_path / "study.db"
    with closing(Ledger(path)) as ledger:
        ledger.add([a_record()])
    damage(path)
    with pytest.raises(RunFolderError, match=message), closing(Ledger(path)) as ledger:
        ledger.records()


def alter(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def write_version_1(path):
    """Makes a ledger as meltpoint 0.1.0 did, as far as it is looked at: trials had no looks and no ending."""
    alter(path, "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    alter(path, "INSERT INTO study VALUES ('schema_version', '1')")
    alter(path, "CREATE TABLE trials (signature TEXT PRIMARY KEY, converged INTEGER, predicted BLOB) WITHOUT ROWID")


@pytest.mark.parametrize("moment", ["INSERT", "COMMIT"])
def test_a_search_is_kept_whole_or_not_at_all_though_the_process_is_killed(moment, tmp_path):
    path, finished = tmp_path / "study.db", [a_record(repeat) for repeat in range(5)]
    script = f"""
import os, pickle, signal, sys
from pathlib import Path
from meltpoint.studies import Ledger

first, second = pickle.load(sys.stdin.buffer)
ledger = Ledger(Path({str(path)!r}))
ledger.add(first)
statements = []

def kill(statement):
    statements.append(statement)
    # Of the insertions, the second of three.
    if statement.startswith({moment!r}) and len(statements) > 2:
        os.kill(os.getpid(), signal.SIGKILL)

ledger._connection.set_trace_callback(kill)
ledger.add(second)
"""
    given = pickle.dumps((finished[:2], finished[2:]))
    process = subprocess.run([sys.executable, "-c", script], input=given, capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    with closing(Ledger(path)) as ledger:
        assert set(ledger.records()) == {record.spec.signature for record in finished[:2]}
        ledger.add(finished[2:])
        assert set(ledger.records()) == {record.spec.signature for record in finished}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_search_that_does_not_fit_leaves_none_of_its_trials(tmp_path):
    path, small, large = tmp_path / "study.db", a_record(0), [a_record(1), a_record(2, num_predicted=500_000)]
    with closing(Ledger(path)) as ledger:
        ledger.add([small])
        ledger._connection.execute("PRAGMA max_page_count = 40")
        with pytest.raises(DiskError, match="full"):
            ledger.add(large)
        assert set(ledger.records()) == {small.spec.signature}


def test_a_full_disk_is_an_error_that_keeps_what_was_finished(tmp_path):
    path = tmp_path / "study.db"
    kept = 0
    with closing(Ledger(path)) as ledger:
        # SQLite then fails as it does where the disk has no page left.
        ledger._connection.execute("PRAGMA max_page_count = 40")

        def fill():
            nonlocal kept
            for kept in range(1000):
                ledger.add([a_record(kept, num_predicted=5000)])

        with pytest.raises(DiskError, match=r"Cannot write the ledger .*full.*finished before are kept.*--resume"):
            fill()
    assert kept > 2
    with closing(Ledger(path)) as ledger:
        assert len(ledger.records()) == kept
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_folder_that_cannot_be_written_is_a_disk_error(tmp_path):
    with pytest.raises(DiskError, match="Cannot write the ledger"):
        Ledger(tmp_path / "absent" / "study.db")


def test_facts_about_the_study_are_kept_and_replaced(tmp_path):
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        assert ledger.read("plan") is None
        ledger.write("plan", "one")
        ledger.write("plan", "two")
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        assert ledger.read("plan") == "two"
