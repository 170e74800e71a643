"""What a study goes through: killed with its workers, a full disk, a folder that cannot be written, a rival."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.randomness import generator
from meltpoint.run import StudyOptions, prepare_material, run_study, trial_frame
from meltpoint.run.folder import claim_folder
from meltpoint.studies import Ledger, TrialRecord
from meltpoint.studies.executors.data_folder import DataFolder, remove_ownerless
from meltpoint.text import corpus_from_lists, read_corpus, tokenizer_for
from meltpoint.trial import Schedule, SplitSpec, TrialResult, TrialSpec, prepare_data

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [f"{cue} {noun}" for cue in ("great", "fine", "dull", "weak") for noun in ("film", "plot", "scene")]
OPTIONS = ("--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--search", "2", "--repeats", "2", "--size", "10")


def a_record(repeat=0, num_predicted=3):
    schedule = Schedule(batch_size=1, max_steps=1, evaluate_every=1, patience_steps=1, max_tokens=1)
    split = SplitSpec(seed=0, repeat=repeat, size=10, num_folds=5, validation_fraction=0.2)
    spec = TrialSpec(
        study="s",
        architecture="average",
        policy="frozen",
        settings=(),
        learning_rate=0.01,
        unknown="zero",
        split=split,
        schedule=schedule,
    )
    result = TrialResult(
        ending="converged",
        validation_score=0.5,
        validation_loss=0.7,
        train_score=0.5,
        test_score=0.5,
        # Hard to compress, so that a small disk fills.
        predicted=generator(repeat, "predicted").integers(0, 2**15, num_predicted).astype(np.int16),
        best_step=1,
        steps=1,
        trainable_parameters=1,
        seconds=1.0,
    )
    return TrialRecord(spec=spec, result=result, seconds=1.0)


def count_sound(ledger):
    """Returns how many trials a ledger has, which must be sound."""
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT count(*) FROM trials").fetchone()[0]


def python(program, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def study(data, *arguments, before="", cwd):
    process = python(f"{before}\nfrom meltpoint.cli import main; main()", "study", data, *OPTIONS, *arguments, cwd=cwd)
    _, errors = process.communicate(timeout=200)
    return process.returncode, errors


@pytest.fixture(scope="module")
def data(tmp_path_factory, glove):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    labels = [("good", "bad")[(row + row // 3) % 2] for row in range(len(TEXTS))]
    lines = [f"{text} {number},{label}" for number in range(3) for text, label in zip(TEXTS, labels, strict=True)]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def trial_data(glove):
    corpus = corpus_from_lists(TEXTS, ["good", "bad"] * (len(TEXTS) // 2))
    return prepare_data(corpus, glove, tokenizer_for(glove))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own: ``remount`` changes its options. Only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        if shutil.which("mount") is None:
            pytest.skip("there is no mount here")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")

    mount("size=512k")
    yield folder, lambda options: mount(f"remount,{options}")
    subprocess.run(["umount", str(folder)], check=True)


# ------------------------------------------------------------------ the disk


def test_a_full_disk_keeps_what_was_finished_and_goes_on_when_there_is_room(small_disk):
    folder, remount = small_disk
    kept = 0

    def fill():
        nonlocal kept
        for kept in range(1000):
            ledger.add([a_record(kept, num_predicted=5000)])

    with closing(Ledger(folder / "study.db")) as ledger, pytest.raises(DiskError, match=r"full.*go on with --resume"):
        fill()
    assert kept > 2
    remount("size=8m")
    assert count_sound(folder / "study.db") == kept
    with closing(Ledger(folder / "study.db")) as ledger:
        ledger.add([a_record(kept, num_predicted=5000)])
        assert len(ledger.records()) == kept + 1


def test_a_disk_that_fills_in_the_midst_of_a_study(data, glove, tmp_path):
    """No file may grow beyond 90 KB: room for the first searches and not for the last."""
    pytest.importorskip("resource")
    corpus = read_corpus(data)
    options = StudyOptions(policies=("fine-tuned",), search_trials=2, max_repeats=2, sizes=(10,))
    material = prepare_material(corpus, glove, tokenizer_for(glove))
    run_study(material, options, tmp_path / "undisturbed", workers=0)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))"
    code, errors = study(data, "--workers", 0, "--out", "run", before=limit, cwd=tmp_path)
    assert code == 2, errors
    assert errors.splitlines()[-1].startswith("meltpoint: Cannot write the ledger")
    assert count_sound(tmp_path / "run" / "study.db") > 0
    code, errors = study(data, "--workers", 0, "--out", "run", "--resume", cwd=tmp_path)
    assert code == 0, errors
    assert (tmp_path / "run" / "verdict.json").read_bytes() == (tmp_path / "undisturbed" / "verdict.json").read_bytes()


def test_a_read_only_disk_is_a_disk_error(small_disk):
    folder, remount = small_disk
    with closing(Ledger(folder / "study.db")) as ledger:
        ledger.add([a_record()])
    before = (folder / "study.db").read_bytes()
    remount("ro")
    with pytest.raises(DiskError, match=r"Cannot write the ledger .*check the permissions of the folder"):
        Ledger(folder / "study.db")
    with pytest.raises(DiskError, match="Cannot make the folder"):
        claim_folder(folder / "run", resume=False)
    assert (folder / "study.db").read_bytes() == before
    assert len(trial_frame(folder)) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_disk_error(tmp_path):
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        ledger.add([a_record()])
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(DiskError, match=r"Cannot write the ledger"),
            closing(Ledger(tmp_path / "study.db")) as ledger,
        ):
            ledger.add([a_record(1)])
    finally:
        tmp_path.chmod(0o700)
    assert count_sound(tmp_path / "study.db") == 1


# ------------------------------------------------------------------ rivals and older versions

RIVAL = """
import sys
from pathlib import Path
from meltpoint.errors import RunFolderError
from meltpoint.studies import Ledger
try:
    Ledger(Path(sys.argv[1]))
except RunFolderError as error:
    print(error)
"""


def test_a_second_process_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "study.db"
    with closing(Ledger(path)) as ledger:
        ledger.add([a_record(0)])
        out, errors = python(RIVAL, path).communicate(timeout=100)
        assert out.startswith(f"Another study is writing to {tmp_path}. Wait for it"), errors
        ledger.add([a_record(1)])
    assert count_sound(path) == 2


def test_a_ledger_of_the_first_version_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute("CREATE TABLE trials (signature TEXT PRIMARY KEY, converged INTEGER) WITHOUT ROWID")
        connection.execute("INSERT INTO study VALUES ('schema_version', '1')")
    before = path.read_bytes()
    with pytest.raises(
        RunFolderError, match=r"has ledger version 1; this meltpoint writes version 4\. Use the version"
    ):
        Ledger(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["study.db"]
    with pytest.raises(RunFolderError, match="expected version 4, found 1"):
        trial_frame(tmp_path)


# ------------------------------------------------------------------ kill -9

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[2]).parent))
from test_study_hardening import a_record
from meltpoint.studies import Ledger
ledger = Ledger(Path(sys.argv[1]))
for repeat in range(3):
    ledger.add([a_record(repeat)])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_what_was_added_survives_a_kill_and_can_be_read_at_once(tmp_path):
    process = python(KILLED, tmp_path / "study.db", __file__)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, errors
    assert (tmp_path / "study.db-wal").exists()
    assert len(trial_frame(tmp_path)) == 3
    with closing(Ledger(tmp_path / "study.db")) as ledger:
        assert len(ledger.records()) == 3
    assert count_sound(tmp_path / "study.db") == 3


OWNER = """
import os, signal, sys
from meltpoint.studies.executors import data_folder

class Data:
    def save(self, folder):
        (folder / "ids.npy").write_bytes(b"some data")

folder = data_folder.DataFolder(Data())
print(folder.path, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
def test_the_next_study_removes_the_data_of_one_that_was_killed_with_its_workers(trial_data, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    owner = python(OWNER, env={**os.environ, "TMPDIR": str(tmp_path)})
    theirs = Path(owner.stdout.readline().strip())
    assert theirs.parent == tmp_path
    ours = DataFolder(trial_data)
    remove_ownerless()
    # The owners live.
    assert (theirs / "ids.npy").exists()
    owner.communicate("die\n", timeout=60)
    assert (theirs / "ids.npy").exists()
    remove_ownerless()
    assert not theirs.exists()
    assert (ours.path / "ids.npy").exists()
    ours.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_whose_study_is_gone_removes_the_data_and_leaves(trial_data, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = DataFolder(trial_data)
    command = [sys.executable, "-m", "meltpoint.studies.worker", str(folder.path), "cpu"]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    time.sleep(0.1)
    for worker in workers:
        worker.communicate(timeout=60)
    assert not folder.path.exists()
    folder.remove()


# ------------------------------------------------------------------ the whole study


def torment(num_kills, timeout):
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "kill_and_resume.py"), "--kills", str(num_kills)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "every ledger was sound, every verdict the same"
    return sum(line.endswith(" sound") for line in lines)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups here")
@pytest.mark.parametrize(
    ("num_kills", "timeout"), [(2, 300), pytest.param(50, 3600, marks=pytest.mark.slow)], ids=["2 kills", "50 kills"]
)
def test_kills_at_random_moments_change_nothing(num_kills, timeout, glove, shared_data):
    assert torment(num_kills, timeout) == num_kills
