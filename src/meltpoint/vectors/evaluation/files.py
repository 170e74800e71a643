"""Files that vectors are evaluated on: pairs of words with a similarity, and analogy questions.

Both are plain text, UTF-8, one pair or question a line; blank lines and lines that begin with ``#`` say nothing.
"""

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from meltpoint.errors import DataFileError

_DELIMITERS = {"\t": "tabs", ";": "semicolons", ",": "commas", None: "spaces"}
_LONGEST_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class RatedPair:
    """Two words, and how similar people find them, on the file's own scale."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Section:
    """The questions below one header: ``a`` is to ``b`` as ``c`` is to ``d``."""

    name: str
    questions: tuple[tuple[str, str, str, str], ...]


def holds_analogies(path: str | os.PathLike[str]) -> bool:
    """Tells by its first line whether a file holds analogies: a ``: section``, or four words and no number.

    Raises:
        DataFileError: There is no such file, it is empty, or not UTF-8.
    """
    _, line = _first(path)
    fields = line.split()
    return line.startswith(":") or (len(fields) == 4 and _delimiter(line) is None and _number_column(fields) is None)


def read_similarity(path: str | os.PathLike[str]) -> list[RatedPair]:
    """Reads pairs of words with a score: WordSim-353, SimLex-999, MEN, ... as they are distributed.

    Fields are separated by tabs, semicolons, commas or blanks, as the first line is. The first line is a header if it
    holds no number. The score is the first number after the two words; what follows it is not read.

    Raises:
        DataFileError: There is no such file, no pair in it, or a line is not two words and a number; the message names
            the line.
    """
    number, line = _first(path)
    delimiter = _delimiter(line)
    skipped = 1 if _number_column(_fields(line, delimiter)) is None else 0
    column = None
    pairs = []
    for number, line in islice(_lines(path), skipped, None):
        fields = _fields(line, delimiter)
        column = _number_column(fields) if column is None else column
        score = _number(fields[column]) if column is not None and column < len(fields) else None
        if score is None or not fields[0] or not fields[1]:
            raise DataFileError(
                f"{os.fspath(path)}:{number}: expected two words and a number{_place_of(column)}, separated by "
                f"{_DELIMITERS[delimiter]}, found {_shown(line)}; correct the line or remove it."
            )
        pairs.append(RatedPair(first=fields[0], second=fields[1], score=score))
    if not pairs:
        raise DataFileError(
            f"{os.fspath(path)}:{number}: expected pairs of words with a number below this header, found none; is this "
            "the right file?"
        )
    return pairs


def read_analogies(path: str | os.PathLike[str]) -> list[Section]:
    """Reads questions of four words in sections that begin with ``: name``, as in Google's ``questions-words.txt``.

    Questions above any header are a section without a name.

    Raises:
        DataFileError: There is no such file, no question in it, or a line is not four words; the message names it.
    """
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in _lines(path):
        if line.startswith(":"):
            sections.append((line.lstrip(": ").strip(), []))
            continue
        match line.split():
            case [a, b, c, d]:
                if not sections:
                    sections.append(("", []))
                sections[-1][1].append((a, b, c, d))
            case words:
                raise DataFileError(
                    f"{os.fspath(path)}:{number}: expected four words, or a section that begins with a colon, found "
                    f"{len(words)} words: {_shown(line)}; correct the line or remove it."
                )
    if not any(questions for _, questions in sections):
        raise DataFileError(f"{os.fspath(path)}: expected questions of four words a line, found none in the file.")
    return [Section(name=name, questions=tuple(questions)) for name, questions in sections]


def _first(path: str | os.PathLike[str]) -> tuple[int, str]:
    first = next(_lines(path), None)
    if first is None:
        raise DataFileError(
            f"{os.fspath(path)}: expected pairs of words with a number, or analogy questions, found an empty file."
        )
    return first


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yields (line number, line) of every line that says something."""
    try:
        with Path(path).open("rb") as file:
            for number, content in enumerate(file, start=1):
                line = _decoded(content, f"{os.fspath(path)}:{number}")
                if line and not line.startswith("#"):
                    yield number, line
    except OSError as error:
        raise DataFileError(
            f"{os.fspath(path)}: expected a file of pairs or questions, found none that can be read ({error.strerror})."
        ) from error


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8").lstrip("\ufeff").strip()
    except UnicodeDecodeError as error:
        raise DataFileError(
            f"{place}: expected UTF-8, found byte 0x{content[error.start]:02x} at byte {error.start + 1} of the line; "
            "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
        ) from error


def _delimiter(line: str) -> str | None:
    return next((mark for mark in _DELIMITERS if mark is not None and mark in line), None)


def _fields(line: str, delimiter: str | None) -> list[str]:
    """Splits a line; quotation marks are only quotation marks between commas."""
    if delimiter == ",":
        return [field.strip() for field in next(csv.reader([line], skipinitialspace=True))]
    return [field.strip() for field in line.split(delimiter)]


def _number_column(fields: list[str]) -> int | None:
    """Returns the place of the first number after the two words."""
    return next((place for place, field in enumerate(fields[2:], start=2) if _number(field) is not None), None)


def _number(field: str) -> float | None:
    try:
        value = float(field)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _place_of(column: int | None) -> str:
    return "" if column in {None, 2} else f" in field {column + 1}" if column is not None else ""


def _shown(line: str) -> str:
    return repr(line[:_LONGEST_SHOWN]) + ("..." if len(line) > _LONGEST_SHOWN else "")
