"""The ledger of a study: one SQLite file, one writer, every finished trial durable."""

import json
import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import TrialResult, TrialSpec

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    signature TEXT PRIMARY KEY,
    architecture TEXT NOT NULL,
    policy TEXT NOT NULL,
    size INTEGER NOT NULL,
    repeat INTEGER NOT NULL,
    learning_rate REAL NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'diverged')),
    validation_accuracy REAL,
    validation_loss REAL,
    train_accuracy REAL,
    test_accuracy REAL,
    best_step INTEGER,
    steps INTEGER,
    converged INTEGER,
    trainable_parameters INTEGER,
    seconds REAL NOT NULL,
    failure TEXT,
    spec TEXT NOT NULL,
    predicted BLOB
) WITHOUT ROWID;
"""
_MEASURES = (
    "validation_accuracy",
    "validation_loss",
    "train_accuracy",
    "test_accuracy",
    "best_step",
    "steps",
    "converged",
    "trainable_parameters",
    "seconds",
)


class Ledger:
    """Finished trials by signature, in ``study.db`` of a run folder.

    The connection locks the file for as long as it is open: a second study on the same folder is refused. SQLite's
    write-ahead log keeps every committed trial through ``kill -9`` and power cuts.
    """

    def __init__(self, path: Path) -> None:
        """Opens or creates the file.

        Raises:
            RunFolderError: It is in use, damaged, or of another version of meltpoint.
            DiskError: It cannot be written.
        """
        self.path = path
        try:
            self._connection = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise _disk_error(path, error) from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        """Locks the file and makes sure that it is a ledger."""
        path = self.path
        try:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise RunFolderError(
                    f"Another study is writing to {path.parent}. Wait for it, or choose another folder with --out."
                ) from error
            raise _disk_error(path, error) from error
        except sqlite3.DatabaseError as error:
            raise _damage(path, error) from error
        version = self.read("schema_version")
        if version is None:
            self.write("schema_version", str(SCHEMA_VERSION))
        elif version != str(SCHEMA_VERSION):
            raise RunFolderError(
                f"{path} has ledger version {version}; this meltpoint writes version {SCHEMA_VERSION}. Use the "
                "version of meltpoint that made it (run.json names it), or choose another folder with --out."
            )

    def close(self) -> None:
        """Closes the file and frees its lock; what is left is one plain file, which needs no log to be read."""
        with suppress(sqlite3.Error):
            # Without space for it the log stays, and is read with the file as ever.
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    def read(self, key: str) -> str | None:
        """Returns a fact about the study, or None."""
        rows = self._fetch("SELECT value FROM study WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def write(self, key: str, value: str) -> None:
        """Keeps a fact about the study."""
        self._execute("INSERT OR REPLACE INTO study VALUES (?, ?)", (key, value))

    def add(self, record: TrialRecord) -> None:
        """Keeps a finished trial; it is on disk when this returns."""
        spec, result = record.spec, record.result
        measures = [None] * (len(_MEASURES) - 1) + [record.seconds]
        predicted = None
        if result is not None:
            measures = [getattr(result, name) for name in _MEASURES]
            predicted = zlib.compress(result.predicted.astype("<i2").tobytes(), 6)
        row = (
            spec.signature,
            spec.architecture,
            spec.policy,
            spec.split.size,
            spec.split.repeat,
            spec.learning_rate,
            json.dumps(dict(spec.settings), sort_keys=True),
            "done" if result is not None else "diverged",
            *measures,
            record.failure,
            spec.to_json(),
            predicted,
        )
        self._execute(f"INSERT OR IGNORE INTO trials VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608

    def records(self) -> dict[str, TrialRecord]:
        """Returns every finished trial, by signature.

        Raises:
            RunFolderError: The file is damaged.
        """
        columns = ", ".join((*_MEASURES, "failure", "spec", "predicted"))
        rows = self._fetch(f"SELECT signature, {columns} FROM trials ORDER BY signature")  # noqa: S608
        try:
            return {row[0]: _record(row[1:]) for row in rows}
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise _damage(self.path, error) from error

    def _fetch(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _damage(self.path, error) from error

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise _disk_error(self.path, error) from error


def _record(row: tuple[Any, ...]) -> TrialRecord:
    measures = dict(zip(_MEASURES, row, strict=False))
    failure, spec, predicted = row[len(_MEASURES) :]
    result = None
    if predicted is not None:
        classes: NDArray[np.int16] = np.frombuffer(zlib.decompress(predicted), dtype="<i2").astype(np.int16)
        result = TrialResult(**{**measures, "converged": bool(measures["converged"])}, predicted=classes)
    return TrialRecord(
        spec=TrialSpec.from_json(spec), result=result, failure=failure, seconds=float(measures["seconds"])
    )


def _damage(path: Path, error: Exception) -> RunFolderError:
    return RunFolderError(
        f"{path} is not a ledger of meltpoint, or it is damaged ({error}). Choose another folder with --out."
    )


def _disk_error(path: Path, error: Exception) -> DiskError:
    return DiskError(
        f"Cannot write the ledger {path}: {error}. The trials finished before are kept; free some space or check "
        "the permissions of the folder, then go on with --resume."
    )
