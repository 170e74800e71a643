"""Damaged and hostile files: a result or one kind of error, whatever the bytes; and that the judge has eyes."""

import os
import pickle
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from meltpoint.errors import DiskError, VectorFileError

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CASES_PER_READER = 80


@pytest.fixture(scope="module", autouse=True)
def _benchmarks_importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield


def report(findings):
    """What is said of defects: each can be tried again from its reader, seed and number."""
    from fuzz_vectors import distinct

    return "\n".join(f"{defect.request}: {defect.outcome}" for defect, _ in distinct(findings.defects))


def test_every_reader_survives():
    from fuzz_vectors import fuzz
    from fuzzing.samples import SAMPLES

    findings = fuzz(list(SAMPLES), cases=CASES_PER_READER * len(SAMPLES), seed=1, seconds_per_case=30)
    assert not findings.defects, report(findings)
    for reader, outcomes in findings.outcomes.items():
        assert outcomes.total() == CASES_PER_READER
        assert outcomes["refused"] > CASES_PER_READER / 4, reader
        assert reader == "pickles" or outcomes["read"] + outcomes["exact"] > 0, reader


@pytest.mark.slow
def test_every_reader_survives_long():
    from fuzz_vectors import fuzz
    from fuzzing.samples import SAMPLES

    findings = fuzz(list(SAMPLES), cases=20_000, seed=2, seconds_per_case=30)
    assert not findings.defects, report(findings)


def test_what_nests_or_promises_too_much_is_refused():
    from fuzz_vectors import explode

    names = ["deep tokenizer.json", "deep strings.json", "deep key2row", "deep safetensors header"]
    findings = explode([*names, "key2row of 2**32 keys"], seconds_per_case=60)
    assert not findings.defects, report(findings)
    assert findings.outcomes["bombs"] == {"refused": 5}


@pytest.mark.slow
def test_bombs_are_refused():
    from fuzz_vectors import explode
    from fuzzing.bombs import BOMBS

    findings = explode(list(BOMBS))
    assert not findings.defects, report(findings)
    assert findings.outcomes["bombs"] == {"refused": len(BOMBS)}


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Judges a plain text file under a substitute for ``open_vectors``."""
    from fuzzing import judging
    from fuzzing.cases import Case

    watch = judging.Watch(tmp_path / "work")
    monkeypatch.setenv("MELTPOINT_CACHE", "")  # the judge sets it; so it is put back

    def judge(substitute):
        monkeypatch.setattr(judging, "open_vectors", substitute)
        case = Case(reader="GloVe text", target="v.txt", entries={"v.txt": b"a 1\nb 2\n"})
        return judging.judge(case, tmp_path / "work", watch)

    return judge


class Unpickled:
    def __reduce__(self):
        return os.getcwd, ()


def raise_(error):
    raise error


def warn(path):
    warnings.warn("careless", RuntimeWarning, stacklevel=1)
    raise VectorFileError(f"{path}: refused")


def refuse_after(action):
    def substitute(path):
        action(path.parents[2] / "elsewhere")
        raise VectorFileError(f"{path}: refused")

    return substitute


def leave_half_a_store(path):
    (path.parents[1] / "cache" / "vectors" / "half").mkdir(parents=True)
    raise VectorFileError(f"{path}: refused")


@pytest.mark.parametrize(
    ("kind", "substitute"),
    [
        ("refused", lambda path: raise_(VectorFileError(f"{path}: refused"))),
        ("nameless", lambda path: raise_(VectorFileError("refused"))),
        ("DiskError", lambda path: raise_(DiskError(f"{path}: full"))),
        ("KeyError", lambda path: raise_(KeyError("x"))),
        ("SystemExit", lambda path: raise_(SystemExit)),
        ("memory", lambda path: raise_(MemoryError)),
        ("warned", warn),
        ("left behind", leave_half_a_store),
        ("trespassed", refuse_after(lambda path: pickle.loads(pickle.dumps(Unpickled())))),
        ("trespassed", refuse_after(lambda path: subprocess.run([sys.executable, "-c", ""], check=True))),
        ("trespassed", refuse_after(lambda path: path.write_bytes(b""))),
        ("trespassed", refuse_after(lambda path: path.unlink(missing_ok=True))),
    ],
)
def test_judge_sees(judged, kind, substitute):
    assert judged(substitute).kind == kind


def test_judge_compares_what_is_read(judged):
    from meltpoint.vectors import open_vectors

    assert judged(open_vectors).kind == "read"


def test_unharmed_files_are_exact():
    from fuzzing.mutations import make_case

    case = make_case("GloVe text", seed=0, number=0)
    assert case == make_case("GloVe text", seed=0, number=0) != make_case("GloVe text", seed=0, number=1)
    cases = [make_case("GloVe text", seed=0, number=number) for number in range(200)]
    unharmed = [case for case in cases if case.expected is not None]
    assert 0 < len(unharmed) < 30
    lines = unharmed[0].entries["v.txt"].decode().removesuffix("\n").split("\n")
    assert [line.split(" ")[0] for line in lines] == unharmed[0].expected.words
    numbers = np.array([[float(number) for number in line.split(" ")[1:]] for line in lines], dtype="<f4")
    assert numbers.tobytes() == unharmed[0].expected.numbers


def test_case_survives_being_kept():
    from fuzzing.cases import Case, Folder, Link, Pipe, Table

    entries = {"a": b"\x00\xff", "b": Link(to="../c"), "d": Pipe(), "e/f": Folder()}
    table = Table(words=["\u00e9", ""], numbers=bytes(8))
    case = Case(reader="x", target="a", entries=entries, options={"dim": 3}, expected=table)
    assert Case.from_json(case.to_json()) == case


def test_hang_and_crash_are_seen(monkeypatch, tmp_path):
    from fuzzing.cases import Case
    from fuzzing.workers import Worker

    path = tmp_path / "case.json"
    path.write_text(Case(reader="GloVe text", target="v.txt", entries={"v.txt": b"a 1\n"}).to_json())
    with Worker(["GloVe text"], seconds_per_case=20) as worker:
        assert worker.judge({"file": str(path)}).kind == "read"
        started = worker._process
        os.kill(started.pid, 19)  # SIGSTOP: it will not answer
        monkeypatch.setattr(worker, "_seconds_per_case", 0.2)
        assert worker.judge({"file": str(path)}).kind == "hang"
        assert started.poll() is not None
        monkeypatch.setattr(worker, "_seconds_per_case", 20)
        assert worker.judge({"file": str(path)}).kind == "read"
        worker._process.kill()
        time.sleep(0.2)
        assert worker.judge({"file": str(path)}).kind == "crash"


def test_command_prints_a_table_and_keeps_defects(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "fuzz_vectors.py"), "--cases", "8", "--reader", "GloVe text"]
    done = subprocess.run([*command, "--keep", str(tmp_path)], capture_output=True, text=True, check=True)
    assert "--cases 8" in done.stdout.split("\n")[0]
    assert "\n| reader | cases | exact | read | refused |\n|---|---:|" in done.stdout
    assert "| all | 8 |" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_kept_case_is_replayed(tmp_path):
    from fuzz_vectors import Defect
    from fuzzing.judging import Outcome

    request = {"reader": "GloVe text", "seed": 0, "number": 0}
    path = Defect(request=request, outcome=Outcome(kind="hang")).keep(tmp_path)
    assert path.name == "GloVe-text-0-0.json"
    command = [sys.executable, str(BENCHMARKS / "fuzz_vectors.py"), "--replay", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("exact", "read", "refused"))
