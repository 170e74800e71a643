"""A temporary folder with the data of a study, which does not outlive it: not even if the study is killed."""

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from meltpoint.errors import DiskError
from meltpoint.trial import TrialData

if sys.platform != "win32":
    import fcntl

PREFIX = "meltpoint-data-"
_LOCK = "owner.lock"


class DataFolder:
    """The arrays of a study's data on disk, from where worker processes map them.

    Three times somebody sees to it that the folder goes: :meth:`remove` at the end of the study; the workers, when a
    study is killed and leaves them (:func:`discard`); and the next study on this machine, when all of them were killed
    (:func:`remove_ownerless`).

    Attributes:
        path: Where it is.
    """

    def __init__(self, data: TrialData) -> None:
        """Writes the data.

        Raises:
            DiskError: The temporary folder cannot be written.
        """
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        except OSError as error:
            raise _no_room(error) from error
        self._lock: IO[bytes] | None = None
        try:
            # Locked before it bears the name by which others look for it.
            unnamed = self.path / "new.lock"
            self._lock = unnamed.open("wb")
            _lock(self._lock)
            unnamed.rename(self.path / _LOCK)
            data.save(self.path)
        except OSError as error:
            self.remove()
            raise _no_room(error) from error

    def remove(self) -> None:
        """Removes the folder; what is mapped stays readable to whoever mapped it."""
        if self._lock is not None:
            self._lock.close()
        discard(self.path)


def discard(path: Path) -> None:
    """Removes a folder of data, as far as that is possible."""
    shutil.rmtree(path, ignore_errors=True)


def remove_ownerless() -> None:
    """Removes the folders of studies that were killed with all of their workers.

    A folder without an owner shows by its lock, which the system frees with the process that held it.
    """
    with suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_LOCK}"):
            with suppress(OSError), path.open("rb") as lock:
                _lock(lock)
                discard(path.parent)


def _lock(file: IO[bytes]) -> None:
    """Locks a file, or raises OSError where another process has. Windows deletes no open file: that does there."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _no_room(error: OSError) -> DiskError:
    return DiskError(
        f"Cannot write the data for the workers to a temporary folder: {error}. Free some space there, let TMPDIR name "
        "another folder, or train in one process with --workers 0."
    )
