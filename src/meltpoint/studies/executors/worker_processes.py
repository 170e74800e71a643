"""Searches in worker processes on this machine.

A worker is a process of its own, ``python -m meltpoint.studies.worker FOLDER DEVICE``, that reads one search a line and
answers its results in one line. It imports torch once, computes in one thread, and maps the study's data into memory.
Nothing is pickled, and a script that calls :func:`meltpoint.study` needs no ``if __name__ == "__main__"`` guard.
"""

import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, cast

from meltpoint.errors import InputError, MeltpointError
from meltpoint.studies.executors.base import training_environment
from meltpoint.studies.executors.data_folder import DataFolder
from meltpoint.studies.messages import decode_answer, encode_search
from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import TrialData


class WorkerProcesses:
    """Runs searches in ``num_workers`` processes on this machine."""

    def __init__(self, data: TrialData, num_workers: int, *, device: str = "cpu") -> None:
        """Writes the data to a temporary folder, from which the workers map it.

        Raises:
            InputError: ``num_workers`` is below 1.
            DiskError: The temporary folder cannot be written.
        """
        if num_workers < 1:
            raise InputError(f"--workers must be at least 1, found {num_workers}.")
        self._folder = DataFolder(data)
        self._num_workers = num_workers
        self._device = device
        self._running: dict[str, Search] = {}
        self._tasks: queue.SimpleQueue[Search | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[list[TrialRecord] | Exception] = queue.SimpleQueue()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        for _ in range(self._num_workers):
            worker = _Worker(self._folder.path, self._device)
            self._workers.append(worker)
            worker.start(self._tasks, self._answers)
        return self

    def __exit__(self, *error: object) -> None:
        # One end for each thread before the first is waited for: any of them may take any of these.
        for _ in self._workers:
            self._tasks.put(None)
        for worker in self._workers:
            worker.stop()
        self._folder.remove()

    def start(self, search: Search) -> None:
        """Takes a search to run."""
        self._running[search[0].signature] = search
        self._tasks.put(search)

    def finished(self, timeout_seconds: float) -> list[TrialRecord] | None:
        """Returns the trials of the next finished search, or None if none finishes in time.

        Raises:
            InputError: A trial cannot be run at all (the user's architecture fails, say).
            MeltpointError: A worker died.
        """
        try:
            answer = self._answers.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(answer, Exception):
            raise answer
        del self._running[answer[0].spec.signature]
        return answer

    @property
    def running(self) -> tuple[Search, ...]:
        """The searches that were taken and have not been returned."""
        return tuple(self._running.values())

    @property
    def has_room(self) -> bool:
        """Whether a worker is idle."""
        return len(self._running) < self._num_workers


class _Worker:
    """One worker process and the thread that talks to it."""

    def __init__(self, folder: Path, device: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: a file of the user's working folder that is called like a module must not take its place.
            [sys.executable, "-P", "-m", "meltpoint.studies.worker", str(folder), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **training_environment()},
            text=True,
            encoding="utf-8",
        )
        self._stdin = cast("IO[str]", self._process.stdin)
        self._stdout = cast("IO[str]", self._process.stdout)
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(
        self,
        tasks: "queue.SimpleQueue[Search | None]",
        answers: "queue.SimpleQueue[list[TrialRecord] | Exception]",
    ) -> None:
        """Serves in a thread of its own."""
        self._thread = threading.Thread(target=self.serve, args=(tasks, answers), daemon=True)
        self._thread.start()

    def serve(
        self,
        tasks: "queue.SimpleQueue[Search | None]",
        answers: "queue.SimpleQueue[list[TrialRecord] | Exception]",
    ) -> None:
        """Passes searches to the process and its answers back, until there is no task or no process."""
        while (search := tasks.get()) is not None:
            try:
                answers.put(self._ask(search))
            except MeltpointError as error:
                if not self._stopped:
                    answers.put(error)
                return

    def _ask(self, search: Search) -> list[TrialRecord]:
        try:
            self._stdin.write(encode_search(search) + "\n")
            self._stdin.flush()
            line = self._stdout.readline()
        except (OSError, ValueError) as error:
            raise self._death(search) from error
        if not line.endswith("\n"):
            # Nothing, or the beginning of an answer that was cut off.
            raise self._death(search)
        return decode_answer(line, search)

    def _death(self, search: Search) -> MeltpointError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        said = ""
        if not self._errors.closed:
            self._errors.seek(0)
            said = self._errors.read()[-2000:].decode(errors="replace").strip()
        spec = search[0]
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
