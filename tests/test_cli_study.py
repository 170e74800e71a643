"""The study command in processes of its own: the same bytes whatever happens, and what is left when it is stopped."""

import contextlib
import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

import meltpoint
from meltpoint.randomness import generator

CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]
OPTIONS = ("--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--search", "1", "--repeats", "3", "--size", "60")
LEFT = ["drift.json", "examples.json", "model", "report.html", "run.json", "study.db", "verdict.json"]


def reviews(num_rows):
    random = generator(0, "reviews")
    for row in range(num_rows):
        cue = ("good", "bad")[row % 2]
        label = cue if row % 3 else ("good", "bad")[row % 4 // 2]
        yield f"{' '.join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)])},{label}"


@pytest.fixture(scope="module")
def data(tmp_path_factory, glove):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    path.write_text("\n".join(["text,label", *reviews(120)]) + "\n")
    return path


class Started:
    """The command line in a process of its own, with a session and a folder for temporary files of its own."""

    def __init__(self, *arguments, temporary, cwd):
        temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from meltpoint.cli import main; main()", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )

    def wait(self):
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def wait_for_trials(self, run):
        """Waits until trials have been kept in the ledger; the log grows with each."""
        log, base, since, deadline = run / "study.db-wal", -1, time.monotonic(), time.monotonic() + 90
        while True:
            assert time.monotonic() < deadline, "no trial was kept in time"
            assert self.process.poll() is None, self.process.communicate()
            size = log.stat().st_size if log.exists() else 0
            if size and base < 0 and time.monotonic() - since > 0.5:
                base = size  # what the empty ledger took, before the workers were up
            elif 0 <= base < size - 8000:
                return
            elif not size:
                since = time.monotonic()
            time.sleep(0.02)

    def survivors(self):
        """Processes of the session that still run, some seconds after its end."""
        deadline = time.monotonic() + 15
        while (alive := list(self._alive())) and time.monotonic() < deadline:
            time.sleep(0.1)
        return alive

    def _alive(self):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    yield stat.parent.name


@pytest.fixture
def start(tmp_path):
    started = []

    def call(*arguments):
        started.append(Started(*arguments, temporary=tmp_path / "temporary", cwd=tmp_path))
        return started[-1]

    yield call
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.fixture(scope="module")
def reference(data, tmp_path_factory):
    """The run folder of a study that nothing disturbed, trained in one process."""
    folder = tmp_path_factory.mktemp("reference")
    run = folder / "run"
    started = Started(
        "study", data, *OPTIONS, "--workers", 0, "--out", run, "--json", temporary=folder / "temporary", cwd=folder
    )
    code, out, err = started.wait()
    assert code == 0, err
    # --json prints the verdict, and nothing else.
    assert json.loads(out) == json.loads((run / "verdict.json").read_text())
    assert err == ""
    return run


def assert_same_results(run, reference):
    assert sorted(path.name for path in run.iterdir()) == LEFT
    assert (run / "verdict.json").read_bytes() == (reference / "verdict.json").read_bytes()
    for name in ("model.safetensors", "vocabulary.json", "config.json"):
        assert (run / "model" / name).read_bytes() == (reference / "model" / name).read_bytes()


def assert_sound(ledger):
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT count(*) FROM trials").fetchone()[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_make_no_difference(workers, data, reference, start, tmp_path):
    code, out, err = start("study", data, *OPTIONS, "--workers", workers, "--out", "run").wait()
    assert code == 0, err
    assert_same_results(tmp_path / "run", reference)
    assert list((tmp_path / "temporary").glob("meltpoint-*")) == []
    assert "verdict" in out
    assert "kept in run: study.db, verdict.json, run.json" in out
    assert "the model: meltpoint predict run/model" in out
    assert "data     reviews: 120 labelled rows" in err
    assert "coverage 100.0% of the running words" in err


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_study_goes_on_to_the_same_bytes(data, reference, start, tmp_path):
    run, arguments = tmp_path / "run", ("study", data, *OPTIONS, "--workers", 2, "--out", "run")
    killed = start(*arguments)
    killed.wait_for_trials(run)
    killed.process.kill()
    assert killed.wait()[0] == -signal.SIGKILL
    assert killed.survivors() == []
    num_trials = assert_sound(run / "study.db")
    assert num_trials > 0
    code, _, err = start(*arguments).wait()
    assert code == 2
    assert "run already holds a study. Go on with it by --resume" in err
    code, _, err = start(*arguments, "--resume").wait()
    assert code == 0, err
    assert_same_results(run, reference)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_an_interrupted_study_says_what_it_has_and_goes_on_to_the_same_bytes(data, reference, start, tmp_path):
    run, arguments = tmp_path / "run", ("study", data, *OPTIONS, "--workers", 2, "--out", "run")
    interrupted = start(*arguments)
    interrupted.wait_for_trials(run)
    # As Ctrl-C in a terminal: to the study and its workers.
    os.killpg(interrupted.process.pid, signal.SIGINT)
    code, out, err = interrupted.wait()
    assert code == 3, err
    assert "Traceback" not in err
    assert "verdict" in out
    assert "The study was interrupted" in out
    assert err.splitlines()[-1] == "interrupted; the same command with --resume goes on."
    assert interrupted.survivors() == []
    assert list((tmp_path / "temporary").glob("meltpoint-*")) == []
    left = {path.name for path in run.iterdir()}
    # Texts to show there are only once a repeat is complete.
    assert left - {"examples.json"} == {"report.html", "run.json", "study.db", "verdict.json"}
    assert json.loads((run / "verdict.json").read_text())["ended"] == "interrupted"
    assert assert_sound(run / "study.db") > 0
    code, _, err = start(*arguments, "--resume").wait()
    assert code == 0, err
    assert_same_results(run, reference)


def test_a_budget_too_small_for_one_repeat_still_ends_well(data, start, tmp_path):
    code, out, err = start("study", data, *OPTIONS, "--workers", 1, "--budget", "0.1s", "--out", "run").wait()
    assert code == 0, err
    assert "Undecided: not one repeat was completed" in " ".join(out.split())
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert (verdict["ended"], verdict["decision"], verdict["policy"]) == ("budget", "undecided", "frozen")
    assert verdict["gain"] == {"policy": None, "points": None, "low": None, "high": None}
    assert verdict["caveats"][0].startswith("The time budget ended the study")
    assert not (tmp_path / "run" / "model").exists()


def test_a_full_disk_is_one_paragraph_and_nothing_half_written(data, start, tmp_path):
    """A file may not grow beyond 16 KiB, which is less than the ledger's log needs."""
    command = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384)); "
    pytest.importorskip("resource")
    finished = subprocess.run(
        [
            *(sys.executable, "-c", command + "from meltpoint.cli import main; main()"),
            *("study", str(data), *OPTIONS, "--workers", "0", "--out", "deep/run"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 2, finished.stderr
    assert finished.stderr.splitlines()[-1].startswith("meltpoint: Cannot write the ledger")
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "deep").exists()


SCRIPT = """
import meltpoint as mp

corpus = mp.read_corpus({data!r})
texts, labels = corpus.texts, [corpus.classes[label] for label in corpus.label_ids]
options = mp.StudyOptions(policies=("fine-tuned",), search_trials=1, max_repeats=2, sizes=(60,))
run = mp.study(texts, labels, vectors="glove-6b-50d", options=options, workers=1)
print(run.verdict["schema"], run.verdict["ended"], len(run.frame()), run.folder)
"""


def test_a_script_needs_no_guard(data, tmp_path):
    """Workers are no copies of the script; neither does a file beside it take the place of a module of theirs."""
    (tmp_path / "script.py").write_text(SCRIPT.format(data=str(data)))
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "queue.py").write_text("raise RuntimeError('taken for the standard library')")
    finished = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(tmp_path / "script.py")],
        capture_output=True,
        text=True,
        cwd=beside,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    schema, _, num_trials, folder = finished.stdout.split()
    assert (schema, int(num_trials)) == ("meltpoint/verdict/2", 6)
    # The folder that nobody asked for is gone with the run.
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    "code",
    ["import meltpoint; meltpoint.open_vectors; meltpoint.read_corpus", "from meltpoint.cli import main; main()"],
    ids=["import", "--help"],
)
def test_torch_is_not_loaded_before_it_is_needed(code):
    program = f"""
import sys
sys.argv = ["meltpoint", "--help"]
try:
    {code}
except SystemExit as end:
    assert not end.code
assert not {{"torch", "sklearn", "scipy"}} & sys.modules.keys(), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)


def test_every_public_name_is_there():
    assert {name for name in meltpoint.__all__ if getattr(meltpoint, name, None) is None} == set()


def test_no_folder_of_the_package_hides_a_public_name():
    for folder in Path(meltpoint.__file__).parent.glob("*/__init__.py"):
        importlib.import_module(f"meltpoint.{folder.parent.name}")
    assert [name for name in meltpoint.__all__ if isinstance(getattr(meltpoint, name), ModuleType)] == []
    assert callable(meltpoint.study)
