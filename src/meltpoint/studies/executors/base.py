"""What an executor is, and the setting that every process which trains for one is given."""

import os
import sys
from pathlib import Path
from typing import Protocol, Self

from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord


class Executor(Protocol):
    """Runs searches; used as a context manager, which stops at once what is still running when it is left."""

    def start(self, search: Search) -> None:
        """Takes a search to run. Never blocks for longer than a search takes."""

    def finished(self, timeout_seconds: float) -> list[TrialRecord] | None:
        """Returns the trials of the next finished search, or None if none finishes in time."""

    @property
    def running(self) -> tuple[Search, ...]:
        """The searches that were taken and have not been returned."""

    @property
    def has_room(self) -> bool:
        """Whether another search would start at once."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def training_environment() -> dict[str, str]:
    """Returns the environment variables of a process that trains in one thread, beside those that it has."""
    return {
        # A user's own architecture must be importable there as it is here.
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # Big tensors come and go at every step: taken from the system anew each time, their pages cost more to
        # set up than the arithmetic on them.
        "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    }
