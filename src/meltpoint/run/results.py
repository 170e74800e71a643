"""What is in a ledger, as frames: a row for each trial, or for each prediction."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from meltpoint.errors import DiskError, InputError, MeltpointError, RunFolderError
from meltpoint.run.folder import LEDGER
from meltpoint.studies import Chosen, TrialRecord
from meltpoint.studies.findings import choose
from meltpoint.studies.ledger import DAMAGES, SCHEMA_VERSION, read_records, read_test_rows, read_version
from meltpoint.tasks import find_task
from meltpoint.tasks.classify import CLASSIFY

Found = TypeVar("Found")
_MEASURES = (
    *("validation_score", "validation_loss", "train_score", "test_score"),
    *("best_step", "steps", "trainable_parameters"),
)
WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".csv": lambda frame, path: frame.write_csv(path),
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".jsonl": lambda frame, path: frame.write_ndjson(path),
}


def trial_frame(folder: Path) -> pl.DataFrame:
    """Returns every finished trial of a run folder, a row each, repeat by repeat.

    Args:
        folder: A run folder; its study may have been interrupted or killed.

    Returns:
        Columns ``signature``, ``architecture``, ``policy``, ``size``, ``repeat`` (from 0), ``learning_rate``, the
        policies' knobs, ``ending`` (``diverged``, too), the measures, ``looks`` (how many), ``seconds``, ``failure``.

    Raises:
        RunFolderError: The ledger is missing, damaged, of another version, or being written to.
    """
    records = _read(folder, read_records).values()
    knobs = sorted({knob for record in records for knob, _ in record.spec.settings})
    schema: dict[str, Any] = {
        **dict.fromkeys(("signature", "architecture", "policy"), pl.String),
        **dict.fromkeys(("size", "repeat"), pl.Int64),
        **dict.fromkeys(("learning_rate", *knobs), pl.Float64),
        "ending": pl.String,
        **dict.fromkeys(_MEASURES[:4], pl.Float64),
        **dict.fromkeys((*_MEASURES[4:], "looks"), pl.Int64),
        "seconds": pl.Float64,
        "failure": pl.String,
    }
    frame = pl.DataFrame([_trial_row(record) for record in records], schema=schema, orient="row")
    return frame.sort("repeat", "size", "signature", descending=[False, True, False])


def prediction_frame(folder: Path) -> pl.DataFrame:
    """Returns what the chosen trial of each policy, repeat and size predicted for each test row.

    Args:
        folder: A run folder whose study ended, by itself or by Ctrl-C.

    Returns:
        Columns ``repeat`` (from 0), ``size``, ``architecture``, ``policy``, ``row`` (from 0: the rows of the data as
        they were read, those of a given test file behind the others), ``label``, ``predicted``, and ``right`` where a
        row by itself is right or wrong; what label and prediction are, the task says.

    Raises:
        RunFolderError: The ledger is missing, damaged, of another version, or being written to; or the study was
            killed and has not been resumed.
    """

    def read(connection: sqlite3.Connection) -> tuple[dict[str, TrialRecord], dict[int, Any], dict[str, str]]:
        facts = dict(connection.execute("SELECT key, value FROM study WHERE key IN ('classes', 'task')").fetchall())
        return read_records(connection), read_test_rows(connection), facts

    records, test_rows, facts = _read(folder, read)
    names = json.loads(facts.get("classes", "[]"))
    task_name = facts.get("task", CLASSIFY.name)
    if records and not names:
        raise RunFolderError(
            f"{folder / LEDGER} has predictions but not yet the rows that they are for: its study was stopped "
            "before its end. Go on with --resume, then read them."
        )
    task = find_task(task_name)
    frames = []
    for chosen in _choices(records):
        split = chosen.spec.split
        rows, label_ids = test_rows[split.repeat]
        columns = {
            "repeat": split.repeat,
            "size": split.size,
            "architecture": chosen.spec.architecture,
            "policy": chosen.spec.policy,
            "row": rows,
            **task.columns(label_ids, chosen.predicted.astype(np.int64), names),
        }
        frames.append(pl.DataFrame(columns))
    if not frames:
        nothing = np.empty(0, dtype=np.int64)
        schema: dict[str, Any] = {
            **dict.fromkeys(("repeat", "size"), pl.Int64),
            **dict.fromkeys(("architecture", "policy"), pl.String),
            "row": pl.Int64,
        }
        empty = CLASSIFY.columns(nothing, nothing, names)
        return pl.DataFrame(schema=schema).with_columns(**{name: pl.Series(values) for name, values in empty.items()})
    return pl.concat(frames).with_columns(pl.col("repeat", "size").cast(pl.Int64))


def chosen_trials(folder: Path) -> list[Chosen]:
    """Returns the chosen trial of each architecture, policy, size and repeat, with its looks, repeat by repeat.

    Raises:
        RunFolderError: The ledger is missing, damaged, of another version, or being written to.
    """
    return _choices(_read(folder, read_records))


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Writes a frame as its file's suffix says: ``.csv``, ``.parquet`` or ``.jsonl``; whole or not at all.

    Raises:
        InputError: The suffix is none of these.
        DiskError: The file cannot be written.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(f"--to must name a file that ends in {', '.join(WRITERS)}; found {path.name!r}.")
    beside = path.with_name(f".{path.name}.part")
    try:
        try:
            write(frame, beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DiskError(f"Cannot write {path}: {error}. What stood there before still stands.") from error


def _choices(records: dict[str, TrialRecord]) -> list[Chosen]:
    """Makes the choice of every finished search, as the study does, in the order of the frame of trials."""
    searches: dict[tuple[Any, ...], list[TrialRecord]] = defaultdict(list)
    for record in records.values():
        spec = record.spec
        searches[spec.split.repeat, -spec.split.size, spec.architecture, spec.policy].append(record)
    choices = []
    for _, rivals in sorted(searches.items()):
        specs = sorted((record.spec for record in rivals), key=lambda spec: spec.configuration)
        try:
            chosen = choose(specs, records)
        except MeltpointError:
            continue  # all of them diverged
        if chosen is not None:
            choices.append(chosen)
    return choices


def _trial_row(record: TrialRecord) -> dict[str, Any]:
    spec, result = record.spec, record.result
    measures = {} if result is None else {name: getattr(result, name) for name in _MEASURES}
    return {
        "signature": spec.signature,
        "architecture": spec.architecture,
        "policy": spec.policy,
        "size": spec.split.size,
        "repeat": spec.split.repeat,
        **dict(spec.configuration),
        "ending": "diverged" if result is None else result.ending,
        **measures,
        "looks": None if result is None else len(result.looks),
        "seconds": record.seconds,
        "failure": record.failure,
    }


def _read(folder: Path, read: Callable[[sqlite3.Connection], Found]) -> Found:
    """Reads the ledger of a run folder and leaves it as it is."""
    path = (folder / LEDGER).resolve()
    if not path.is_file():
        raise RunFolderError(f"Cannot read the ledger {path}: there is none. Give the folder of a study, its --out.")
    try:
        with _opened(path) as connection:
            version = read_version(connection)
            if version == SCHEMA_VERSION:
                return read(connection)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise RunFolderError(
                f"Cannot read the ledger {path}: a study is writing to it, and has it to itself until it ends. Read it "
                "then, or stop the study by Ctrl-C and go on with --resume afterwards."
            ) from error
        raise RunFolderError(f"Cannot read the ledger {path}: {error}.") from error
    except (sqlite3.DatabaseError, *DAMAGES) as error:
        raise RunFolderError(f"Cannot read the ledger {path}: it is damaged ({error}).") from error
    raise RunFolderError(
        f"Cannot read the ledger {path}: expected version {SCHEMA_VERSION}, found "
        f"{'none' if version is None else version}. Use the version of meltpoint that made it (run.json names it)."
    )


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a ledger for reading. A study that was killed leaves a log, which only a writer can bring into the file."""
    mode = "rw" if path.with_name(f"{path.name}-wal").exists() else "ro"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=0.5)) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection
