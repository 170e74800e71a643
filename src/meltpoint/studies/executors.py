"""Where trials run: in this process, or in worker processes. One interface, the same results to the bit.

A worker is a process of its own, ``python -m meltpoint.studies.worker FOLDER``, that reads one spec a line and answers
one result a line. It imports torch once, computes in one thread, and maps the study's data into memory. Nothing is
pickled, and a script that calls :func:`meltpoint.study` needs no ``if __name__ == "__main__"`` guard.
"""

import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, Self, cast

from meltpoint.errors import DiskError, InputError, MeltpointError
from meltpoint.studies.messages import decode_answer
from meltpoint.studies.recording import TrialRecord, run_one
from meltpoint.studies.single_thread import single_thread
from meltpoint.trial import TrialData, TrialSpec


class Executor(Protocol):
    """Runs trials; used as a context manager, which stops at once what is still running when it is left."""

    def start(self, spec: TrialSpec) -> None:
        """Takes a trial to run. Never blocks for longer than a trial takes."""

    def finished(self, timeout_seconds: float) -> TrialRecord | None:
        """Returns the next finished trial, or None if none finishes in time."""

    @property
    def running(self) -> tuple[TrialSpec, ...]:
        """The trials that were taken and have not been returned."""

    @property
    def has_room(self) -> bool:
        """Whether another trial would start at once."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class InProcess:
    """Runs each trial in this process, when it is asked for."""

    def __init__(self, data: TrialData) -> None:
        self._data = data
        self._waiting: list[TrialSpec] = []

    def start(self, spec: TrialSpec) -> None:
        """Takes a trial to run."""
        self._waiting.append(spec)

    def finished(self, timeout_seconds: float) -> TrialRecord | None:  # noqa: ARG002
        """Runs the trial that was taken first."""
        if not self._waiting:
            return None
        with single_thread():
            return run_one(self._waiting.pop(0), self._data)

    @property
    def running(self) -> tuple[TrialSpec, ...]:
        """The trials that were taken."""
        return tuple(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether nothing is waiting."""
        return not self._waiting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting.clear()


class WorkerProcesses:
    """Runs trials in ``num_workers`` processes on this machine."""

    def __init__(self, data: TrialData, num_workers: int) -> None:
        """Writes the data to a temporary folder, from which the workers map it.

        Raises:
            InputError: ``num_workers`` is below 1.
            DiskError: The temporary folder cannot be written.
        """
        if num_workers < 1:
            raise InputError(f"--workers must be at least 1, found {num_workers}.")
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="meltpoint-")
        except OSError as error:
            raise _no_room(error) from error
        try:
            data.save(Path(self._folder.name))
        except OSError as error:
            self._folder.cleanup()
            raise _no_room(error) from error
        self._num_workers = num_workers
        self._running: dict[str, TrialSpec] = {}
        self._tasks: queue.SimpleQueue[TrialSpec | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[TrialRecord | Exception] = queue.SimpleQueue()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        for _ in range(self._num_workers):
            worker = _Worker(Path(self._folder.name))
            self._workers.append(worker)
            worker.start(self._tasks, self._answers)
        return self

    def __exit__(self, *error: object) -> None:
        # One end for each thread before the first is waited for: any of them may take any of these.
        for _ in self._workers:
            self._tasks.put(None)
        for worker in self._workers:
            worker.stop()
        self._folder.cleanup()

    def start(self, spec: TrialSpec) -> None:
        """Takes a trial to run."""
        self._running[spec.signature] = spec
        self._tasks.put(spec)

    def finished(self, timeout_seconds: float) -> TrialRecord | None:
        """Returns the next finished trial, or None if none finishes in time.

        Raises:
            InputError: The trial cannot be run at all (the user's architecture fails, say).
            MeltpointError: A worker died.
        """
        try:
            answer = self._answers.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(answer, Exception):
            raise answer
        del self._running[answer.spec.signature]
        return answer

    @property
    def running(self) -> tuple[TrialSpec, ...]:
        """The trials that were taken and have not been returned."""
        return tuple(self._running.values())

    @property
    def has_room(self) -> bool:
        """Whether a worker is idle."""
        return len(self._running) < self._num_workers


def _no_room(error: OSError) -> DiskError:
    return DiskError(
        f"Cannot write the data for the workers to a temporary folder: {error}. Free some space there, let TMPDIR name "
        "another folder, or train in one process with --workers 0."
    )


class _Worker:
    """One worker process and the thread that talks to it."""

    def __init__(self, folder: Path) -> None:
        environment = {
            **os.environ,
            # A user's own architecture must be importable there as it is here.
            "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: a file of the user's working folder that is called like a module must not take its place.
            [sys.executable, "-P", "-m", "meltpoint.studies.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        self._stdin = cast("IO[str]", self._process.stdin)
        self._stdout = cast("IO[str]", self._process.stdout)
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(
        self,
        tasks: "queue.SimpleQueue[TrialSpec | None]",
        answers: "queue.SimpleQueue[TrialRecord | Exception]",
    ) -> None:
        """Serves in a thread of its own."""
        self._thread = threading.Thread(target=self.serve, args=(tasks, answers), daemon=True)
        self._thread.start()

    def serve(
        self,
        tasks: "queue.SimpleQueue[TrialSpec | None]",
        answers: "queue.SimpleQueue[TrialRecord | Exception]",
    ) -> None:
        """Passes specs to the process and its answers back, until there is no task or no process."""
        while (spec := tasks.get()) is not None:
            try:
                answers.put(self._ask(spec))
            except MeltpointError as error:
                if not self._stopped:
                    answers.put(error)
                return

    def _ask(self, spec: TrialSpec) -> TrialRecord:
        try:
            self._stdin.write(spec.to_json() + "\n")
            self._stdin.flush()
            line = self._stdout.readline()
        except (OSError, ValueError) as error:
            raise self._death(spec) from error
        if not line.endswith("\n"):
            # Nothing, or the beginning of an answer that was cut off.
            raise self._death(spec)
        return decode_answer(line, spec)

    def _death(self, spec: TrialSpec) -> MeltpointError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        said = ""
        if not self._errors.closed:
            self._errors.seek(0)
            said = self._errors.read()[-2000:].decode(errors="replace").strip()
        return MeltpointError(
            f"A worker process ended (exit {self._process.returncode}) while it trained {spec.architecture} / "
            f"{spec.policy} at {spec.split.size} rows. Was there too little memory? Finished trials are kept; "
            f"go on with --resume, perhaps with fewer --workers. Its last words: {said or 'none'}"
        )

    def stop(self) -> None:
        """Kills the process: a trial has no effect until its result is in the ledger."""
        self._stopped = True
        self._process.kill()
        self._process.wait()
        if self._thread is not None:
            # It sees the end of the process's output; only then may its streams be closed.
            self._thread.join()
        for stream in (self._stdin, self._stdout, self._errors):
            # What was still in a buffer has nobody left to read it.
            with suppress(OSError):
                stream.close()
