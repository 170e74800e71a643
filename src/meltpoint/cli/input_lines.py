"""Texts to classify: a line each, plain or JSON, or a column of a table."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from meltpoint.errors import DataFileError, InputError
from meltpoint.text import is_table, read_column


def read_texts(source: str, column: str | None) -> Iterator[str]:
    """Yields texts in order.

    Args:
        source: ``-`` for standard input, or a file. CSV, TSV and Parquet are read by column; of any other file, and
            of standard input, each line is a text, or a JSON object with the text under ``text``.
        column: The text column, or the key in JSON lines; found by its name otherwise.

    Raises:
        DataFileError: A line cannot be read; the message gives its number.
        InputError: The file is missing.
    """
    if source == "-":
        yield from _texts_of_lines(sys.stdin.buffer, "standard input", column or "text")
        return
    path = Path(source)
    if not path.is_file():
        raise InputError(f"There is no file {source}. Give a file of texts, or - for standard input.")
    if is_table(path):
        yield from read_column(path, column)
        return
    with path.open("rb") as file:
        yield from _texts_of_lines(file, str(path), column or "text")


def _texts_of_lines(lines: Iterable[bytes], name: str, key: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            # A byte order mark, as editors on Windows write it, is no part of the first text.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataFileError(
                f"{name}, line {number}: not UTF-8 at byte {error.start} of the line. Convert the texts to UTF-8."
            ) from error
        yield _text_of_json(text, name, number, key) if text.startswith("{") else text


def _text_of_json(line: str, name: str, number: int, key: str) -> str:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataFileError(f"{name}, line {number}: begins like a JSON object but is none: {error}.") from error
    if not isinstance(row.get(key), str):
        raise DataFileError(
            f"{name}, line {number}: expected a text under {key!r}, found the keys {', '.join(row) or 'none'}. "
            "Name the right one with --text."
        )
    return str(row[key])
