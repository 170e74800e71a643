"""What is to be predicted: a line each, plain or JSON, or a column of a table; in batches, as they come in."""

import codecs
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from meltpoint.errors import DataFileError, InputError
from meltpoint.tasks import Queries, Query, Task, may_name_a_field
from meltpoint.text import is_table, read_rows

# What is read at a time: little at first, so that the first answers come soon; then more, which costs less a line.
_FIRST_BLOCK_BYTES, _LAST_BLOCK_BYTES = 1 << 16, 1 << 19
_TABLE_BATCH = 8192
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True)
class InputBatch:
    """What is asked, and where it stood.

    Attributes:
        numbers: The line of each query, or its row in a table, from 1.
        queries: As the model's task reads them.
    """

    numbers: Sequence[int]
    queries: Sequence[Query]


def read_batches(
    source: str, column: str | None, task: Task, *, skip: Callable[[DataFileError], None] | None = None
) -> Iterator[InputBatch]:
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
        _widen_pipe(sys.stdin)
        yield from _batches_of_lines(
            cast("_Readable", sys.stdin.buffer), _LineReader("standard input", column or "text", task), skip
        )
        return
    path = Path(source)
    if not path.exists():
        raise InputError(f"There is no file {source}. Give a file of texts, or - for standard input.")
    if is_table(path) and not (path.suffix.lower() in _JSON_LINES and (column or _has_key(path, "text"))):
        key, found = read_rows(path, column)
        queries = [_asked(task, row, key, place) for place, row in found]
        for start in range(0, len(queries), _TABLE_BATCH):
            batch = queries[start : start + _TABLE_BATCH]
            yield InputBatch(numbers=range(start + 1, start + 1 + len(batch)), queries=batch)
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


def _widen_pipe(stream: Any) -> None:
    """Lets a pipe hold as much as is read at a time: what comes in while a batch is answered is the next batch."""
    # Only Linux can do so, only pipes have a size, and an administrator may forbid it.
    with suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415 - not there on Windows

        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _LAST_BLOCK_BYTES)


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _LineReader:
    name: str
    key: str
    task: Task
    only_json: bool = False

    def read_all(self, lines: bytes, number: int) -> Queries | None:
        """Returns what many lines ask, read at a time; None where they are not all alike or one of them is bad.

        Args:
            lines: Whole lines.
            number: Of the first.
        """
        if self.task.reads == "pair" or not may_name_a_field(self.key):
            return None
        num_lines = lines.count(b"\n") + 1
        num_objects = lines.count(b"\n{") + lines.startswith(b"{")
        try:
            if num_objects == num_lines:
                texts = [row.text for row in self._decoder.decode_lines(lines)]
            elif num_objects or self.only_json or (number == 1 and lines.startswith(codecs.BOM_UTF8)):
                return None
            else:
                texts = [text.rstrip("\r") for text in lines.decode().split("\n")]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        # Of JSON, empty lines are passed over.
        return self.task.text_queries(texts) if len(texts) == num_lines else None

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        """Reads the text of each JSON line and passes over its other keys."""
        field = ("text", str, msgspec.field(name=self.key))
        return msgspec.json.Decoder(msgspec.defstruct("TextLine", [field]))

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
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataFileError(
                f"{place}: expected text, found {error.object[error.start]!a}, half of a surrogate pair, which stands "
                "for no character. Write such characters as they are, or as both halves."
            ) from error
        return row


def _asked(task: Task, row: object, key: str, place: str) -> Query:
    try:
        return task.query(row, key)
    except InputError as error:
        raise DataFileError(f"{place}: {error}") from error


def _batches_of_lines(
    file: _Readable, reader: _LineReader, skip: Callable[[DataFileError], None] | None
) -> Iterator[InputBatch]:
    number = 1
    for lines in _whole_lines(file):
        alike = reader.read_all(lines, number)
        if alike is not None:
            yield InputBatch(numbers=range(number, number + len(alike)), queries=alike)
            number += len(alike)
            continue
        numbers: list[int] = []
        queries: list[Query] = []
        for line in lines.split(b"\n"):
            try:
                queries.append(reader.read(line, number))
                numbers.append(number)
            except DataFileError as error:
                if skip is None:
                    if queries:
                        yield InputBatch(numbers=numbers, queries=queries)
                    raise
                skip(error)
            number += 1
        if queries:
            yield InputBatch(numbers=numbers, queries=queries)


def _whole_lines(file: _Readable) -> Iterator[bytes]:
    """Yields the lines that are there, without the last end, and waits where there is none."""
    rest: list[bytes] = []
    size = _FIRST_BLOCK_BYTES
    # ``read1`` returns what a pipe holds, and waits only where that is nothing.
    while block := file.read1(size):
        size = min(2 * size, _LAST_BLOCK_BYTES)
        whole, end, begun = block.rpartition(b"\n")
        if end:
            yield b"".join([*rest, whole])
            rest = []
        rest.append(begun)
    if last := b"".join(rest):
        yield last
