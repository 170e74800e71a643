"""What is to be predicted: a line each, plain or JSON, or a column of a table; in batches, as they come in."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from meltpoint.errors import DataFileError, InputError
from meltpoint.tasks import Query, Task
from meltpoint.text import is_table, read_rows

_BLOCK_BYTES = 1 << 16
_TABLE_BATCH = 1024
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True)
class InputQuery:
    """What is asked, and where it stood.

    Attributes:
        number: Its line, or its row in a table, from 1.
        query: As the model's task reads it.
    """

    number: int
    query: Query


def read_batches(
    source: str, column: str | None, task: Task, *, skip: Callable[[DataFileError], None] | None = None
) -> Iterator[list[InputQuery]]:
    """Yields what to predict in order, as many at a time as there are: of a pipe, what has come in by then.

    Args:
        source: ``-`` for standard input, or a file. CSV, TSV and Parquet are read by column; of any other file, and
            of standard input, each line is a text, or a JSON object with what the task reads (a text under
            ``text``).
        column: The text column, or the key in JSON lines; found by its name otherwise.
        task: What the model has learned.
        skip: Told of each line that cannot be read, which is left out; without it, such a line raises, once the texts
            before it have been yielded.

    Raises:
        DataFileError: A line cannot be read; the message gives its number. A table is read as a whole.
        InputError: The file is missing.
    """
    if source == "-":
        yield from _batches_of_lines(
            cast("_Readable", sys.stdin.buffer), _LineReader("standard input", column or "text", task), skip
        )
        return
    path = Path(source)
    if not path.exists():
        raise InputError(f"There is no file {source}. Give a file of texts, or - for standard input.")
    if is_table(path) and not (path.suffix.lower() in _JSON_LINES and (column or _has_key(path, "text"))):
        key, found = read_rows(path, column)
        rows = [
            InputQuery(number=number, query=_asked(task, row, key, place))
            for number, (place, row) in enumerate(found, start=1)
        ]
        yield from (rows[start : start + _TABLE_BATCH] for start in range(0, len(rows), _TABLE_BATCH))
        return
    try:
        with path.open("rb") as file:
            reader = _LineReader(str(path), column or "text", task, only_json=path.suffix.lower() in _JSON_LINES)
            yield from _batches_of_lines(file, reader, skip)
    except OSError as error:
        raise DataFileError(f"Cannot read {path}: {error}.") from error


def _has_key(path: Path, key: str) -> bool:
    """Tells whether the first line is a JSON object with that key."""
    try:
        with path.open("rb") as file:
            row = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and key in row


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _LineReader:
    name: str
    key: str
    task: Task
    only_json: bool = False

    def read(self, line: bytes, number: int) -> Query:
        """Returns what a line asks."""
        place = f"{self.name}, line {number}"
        try:
            # A byte order mark, as editors on Windows write it, is no part of the first text.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise DataFileError(
                f"{place}: not UTF-8 at byte {error.start} of the line. Convert the texts to UTF-8."
            ) from error
        row = self._object(text, place) if self.only_json or text.startswith("{") else text
        return _asked(self.task, row, self.key, place)

    def _object(self, line: str, place: str) -> dict[str, object]:
        try:
            row = json.loads(line)
        except ValueError as error:
            found = "expected a JSON object, found none" if self.only_json else "begins like a JSON object but is none"
            raise DataFileError(f"{place}: {found}: {error}.") from error
        if not isinstance(row, dict):
            raise DataFileError(f"{place}: expected a JSON object, found {type(row).__name__}.")
        return row


def _asked(task: Task, row: object, key: str, place: str) -> Query:
    try:
        return task.query(row, key)
    except InputError as error:
        raise DataFileError(f"{place}: {error}") from error


def _batches_of_lines(
    file: _Readable, reader: _LineReader, skip: Callable[[DataFileError], None] | None
) -> Iterator[list[InputQuery]]:
    number = 0
    for lines in _whole_lines(file):
        batch = []
        for line in lines:
            number += 1
            try:
                batch.append(InputQuery(number=number, query=reader.read(line, number)))
            except DataFileError as error:
                if skip is None:
                    if batch:
                        yield batch
                    raise
                skip(error)
        if batch:
            yield batch


def _whole_lines(file: _Readable) -> Iterator[list[bytes]]:
    """Yields the lines that are there, without their ends, and waits where there is none."""
    rest: list[bytes] = []
    # ``read1`` returns what a pipe holds, and waits only where that is nothing.
    while block := file.read1(_BLOCK_BYTES):
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield [b"".join(rest), *others[:-1]]
            rest = [others[-1]]
    if last := b"".join(rest):
        yield [last]
