"""Processes that serve one case after the other; one that hangs or dies is replaced, and the case is to blame."""

import gc
import json
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from fuzzing.bombs import make_bomb
from fuzzing.cases import Case
from fuzzing.judging import Outcome, Watch, judge, limit_memory
from fuzzing.mutations import make_case
from fuzzing.samples import SAMPLES

_CASES_PER_PROCESS = 2000
_STARTING_SECONDS = 120.0
# Thousands of small folders come and go: in memory that is several times faster than on a disk.
_MEMORY = Path("/dev/shm")


class Worker:
    """Judges cases in a process of its own."""

    def __init__(self, readers: Iterable[str] = tuple(SAMPLES), *, seconds_per_case: float = 10.0) -> None:
        """Prepares for cases of these readers."""
        self._readers = list(readers)
        self._seconds_per_case = seconds_per_case
        self._process: subprocess.Popen[str] | None = None
        self._folder: Path | None = None
        self._num_served = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def judge(self, request: dict[str, object]) -> Outcome:
        """Judges what is asked for.

        Args:
            request: ``reader``, ``seed`` and ``number`` of a case; or ``bomb``, a name; or ``file``, a case that was
                kept.
        """
        if self._num_served >= _CASES_PER_PROCESS:
            self._stop()
        process = self._process or self._start()
        assert process.stdin is not None
        self._num_served += 1
        with suppress(BrokenPipeError):  # it has ended since its last answer, and will be found so
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        answer = self._answer(self._seconds_per_case)
        if answer is not None:
            return Outcome(**json.loads(answer))
        # No answer is either silence or an end.
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
        status = process.poll()
        self._stop()
        if status is None:
            return Outcome(kind="hang", detail=f"no end within {self._seconds_per_case:g} s")
        return Outcome(kind="crash", detail=f"the process ended with status {status}")

    def _start(self) -> subprocess.Popen[str]:
        self._folder = Path(tempfile.mkdtemp(prefix="fuzzing-", dir=_MEMORY if _MEMORY.is_dir() else None))
        program = "import sys; sys.path.insert(0, sys.argv[1]); from fuzzing.workers import serve; serve(*sys.argv[2:])"
        here = str(Path(__file__).resolve().parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, here, str(self._folder), *self._readers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._num_served = 0
        if self._answer(_STARTING_SECONDS) is None:
            self._stop()
            raise RuntimeError("the process that is to judge the cases did not start")
        return self._process

    def _answer(self, seconds: float) -> str | None:
        """Returns the next line of the process, or None where none comes in time."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() or None if ready else None

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def serve(folder: str, *readers: str) -> None:
    """Judges what comes on standard input, a JSON object a line, until there is no more."""
    place = Path(folder).resolve()
    watch = Watch(place)
    for reader in readers:
        for number in range(6):  # whatever is loaded or compiled on first use belongs to no case
            judge(make_case(reader, seed=0, number=number), place / "work", watch)
    gc.freeze()  # so that looking for what a case has left unclosed need not look through every module
    limit_memory()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        outcome = judge(requested_case(json.loads(line)), place / "work", watch)
        sys.stdout.write(json.dumps({"kind": outcome.kind, "detail": outcome.detail[:1000]}) + "\n")
        sys.stdout.flush()


def requested_case(request: dict[str, object]) -> Case:
    """Returns the case that is asked for; see :meth:`Worker.judge`."""
    if "file" in request:
        return Case.from_json(Path(str(request["file"])).read_text(encoding="utf-8"))
    if "bomb" in request:
        return make_bomb(str(request["bomb"]))
    return make_case(str(request["reader"]), seed=int(str(request["seed"])), number=int(str(request["number"])))
