"""The ledger of a study: one SQLite file, one writer, every finished trial durable."""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.studies.recording import TrialRecord
from meltpoint.trial import Look, TrialResult, TrialSpec

SCHEMA_VERSION = 4
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
    status TEXT NOT NULL CHECK (status IN ('converged', 'cut off', 'dropped', 'diverged')),
    validation_score REAL,
    validation_loss REAL,
    train_score REAL,
    test_score REAL,
    best_step INTEGER,
    steps INTEGER,
    trainable_parameters INTEGER,
    seconds REAL NOT NULL,
    failure TEXT,
    spec TEXT NOT NULL,
    looks BLOB,
    predicted BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS test_rows (repeat INTEGER PRIMARY KEY, rows BLOB NOT NULL, label_ids BLOB NOT NULL);
"""
# What decoding a damaged row raises.
DAMAGES = (ValueError, KeyError, TypeError, IndexError, zlib.error)
Rows = NDArray[np.int64]
_MEASURES = (
    "validation_score",
    "validation_loss",
    "train_score",
    "test_score",
    "best_step",
    "steps",
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
        """Locks the file and makes sure that it is a sound ledger of this version; another one is left as it is."""
        with self._opening():
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            # At once the writer's lock: of two that only read, neither could go on to write.
            self._connection.execute("BEGIN EXCLUSIVE")
            version = read_version(self._connection)
            self._connection.execute("COMMIT")
        if version not in (None, SCHEMA_VERSION):
            raise RunFolderError(
                f"{self.path} has ledger version {version}; this meltpoint writes version {SCHEMA_VERSION}. Use the "
                "version of meltpoint that made it (run.json names it), or choose another folder with --out."
            )
        with self._opening():
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
            if version is None:
                self.write("schema_version", str(SCHEMA_VERSION))
            (found,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise _damage(self.path, found)

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Tells what keeps the file from being opened."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise RunFolderError(
                    f"Another study is writing to {self.path.parent}. Wait for it, or choose another folder with --out."
                ) from error
            raise _disk_error(self.path, error) from error
        except (sqlite3.DatabaseError, *DAMAGES) as error:
            raise _damage(self.path, error) from error

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

    def add(self, records: Sequence[TrialRecord]) -> None:
        """Keeps the finished trials of a search, all or none; they are on disk when this returns."""
        rows = [_row(record) for record in records]
        places = ", ".join("?" * len(rows[0]))
        self._write_all(f"INSERT OR IGNORE INTO trials VALUES ({places})", rows)  # noqa: S608

    def keep_test_rows(self, repeats: Mapping[int, tuple[Rows, Rows]]) -> None:
        """Keeps, for each repeat, the numbers ``(n,)`` of its test rows and their targets ``(n, ...)``."""
        rows = [(repeat, _pack(numbers), _pack(label_ids)) for repeat, (numbers, label_ids) in repeats.items()]
        self._write_all("INSERT OR IGNORE INTO test_rows VALUES (?, ?, ?)", rows)

    def records(self) -> dict[str, TrialRecord]:
        """Returns every finished trial, by signature.

        Raises:
            RunFolderError: The file is damaged.
        """
        try:
            return read_records(self._connection)
        except (sqlite3.DatabaseError, *DAMAGES) as error:
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

    def _write_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Writes all of these or none."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise _disk_error(self.path, error) from error


def read_version(connection: sqlite3.Connection) -> int | None:
    """Returns the version of a ledger's schema; None where there is no ledger yet."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'study'").fetchone():
        return None
    row = connection.execute("SELECT value FROM study WHERE key = 'schema_version'").fetchone()
    return None if row is None else int(row[0])


def read_records(connection: sqlite3.Connection) -> dict[str, TrialRecord]:
    """Reads every finished trial of a ledger, by signature; damage shows in one of :data:`DAMAGES`."""
    columns = ", ".join((*_MEASURES, "status", "failure", "spec", "looks", "predicted"))
    rows = connection.execute(f"SELECT signature, {columns} FROM trials ORDER BY signature")  # noqa: S608
    return {row[0]: _record(row[1:]) for row in rows}


def read_test_rows(connection: sqlite3.Connection) -> dict[int, tuple[Rows, Rows]]:
    """Reads the numbers and the classes of the test rows of each repeat; damage shows in one of :data:`DAMAGES`."""
    rows = connection.execute("SELECT repeat, rows, label_ids FROM test_rows ORDER BY repeat")
    return {repeat: (_unpack(numbers), _unpack(label_ids)) for repeat, numbers, label_ids in rows}


def _row(record: TrialRecord) -> tuple[Any, ...]:
    spec, result = record.spec, record.result
    measures = [None] * (len(_MEASURES) - 1) + [record.seconds]
    status, looks, predicted = "diverged", None, None
    if result is not None:
        status = result.ending
        measures = [getattr(result, name) for name in _MEASURES]
        looks = zlib.compress(json.dumps([[look.step, look.score, look.loss] for look in result.looks]).encode(), 6)
        if result.predicted is not None:
            predicted = _pack(result.predicted)
    return (
        spec.signature,
        spec.architecture,
        spec.policy,
        spec.split.size,
        spec.split.repeat,
        spec.learning_rate,
        json.dumps(dict(spec.settings), sort_keys=True),
        status,
        *measures,
        record.failure,
        spec.to_json(),
        looks,
        predicted,
    )


def _record(row: tuple[Any, ...]) -> TrialRecord:
    measures = dict(zip(_MEASURES, row, strict=False))
    status, failure, spec, looks, predicted = row[len(_MEASURES) :]
    result = None
    if status != "diverged":
        classes: NDArray[np.int16] | None = None
        if predicted is not None:
            classes = _unpack(predicted).astype(np.int16)
        result = TrialResult(
            **measures,
            ending=status,
            predicted=classes,
            looks=tuple(
                Look(step=step, score=score, loss=loss) for step, score, loss in json.loads(zlib.decompress(looks))
            ),
        )
    return TrialRecord(
        spec=TrialSpec.from_json(spec), result=result, failure=failure, seconds=float(measures["seconds"])
    )


def _pack(numbers: NDArray[np.integer[Any]]) -> bytes:
    """Writes integers ``(n,)`` or ``(n, m)``, compressed.

    Before them: one byte that says how many each takes (1, 2, 4 or 8), and four for m, 0 where there is no second axis.
    """
    largest = max(int(numbers.max(initial=0)), -1 - int(numbers.min(initial=0)))
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << (8 * width - 1))
    num_columns = numbers.shape[1] if numbers.ndim == 2 else 0
    head = bytes([width]) + num_columns.to_bytes(4, "little")
    return head + zlib.compress(np.ascontiguousarray(numbers, dtype=f"<i{width}").tobytes(), 6)


def _unpack(packed: bytes) -> Rows:
    if packed[0] not in (1, 2, 4, 8):
        raise ValueError(f"expected numbers of 1, 2, 4 or 8 bytes, found {packed[0]}")
    numbers = np.frombuffer(zlib.decompress(packed[5:]), dtype=f"<i{packed[0]}").astype(np.int64)
    num_columns = int.from_bytes(packed[1:5], "little")
    return numbers.reshape(-1, num_columns) if num_columns else numbers


def _damage(path: Path, error: object) -> RunFolderError:
    return RunFolderError(
        f"{path} is not a ledger of meltpoint, or it is damaged ({error}). Choose another folder with --out."
    )


def _disk_error(path: Path, error: Exception) -> DiskError:
    return DiskError(
        f"Cannot write the ledger {path}: {error}. The trials finished before are kept; free some space or check "
        "the permissions of the folder, then go on with --resume."
    )
