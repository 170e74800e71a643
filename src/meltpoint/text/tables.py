"""Tables from files: CSV, TSV, JSON lines and Parquet, plain or gzipped, with the place of every row.

CSV and TSV go through the standard library's reader, which knows at which line a record begins, takes a quotation mark
inside a field literally and shows a short row for what it is. Polars, which reads the Parquet files, fills short rows
and blank lines with nulls in silence, and refuses a whole file for one unpaired mark without naming the line.
"""

import csv
import difflib
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meltpoint.errors import DataFileError
from meltpoint.text.conll import CONLL_SUFFIXES

_EMPTY = "{path} is empty; expected a table of texts and labels."


@dataclass(frozen=True, kw_only=True)
class Table:
    """Named columns of equal length, and where each row stands.

    Attributes:
        path: The file.
        columns: Name to cells; every cell of CSV and TSV is a string, otherwise what the file says (None: null).
        lines: The line at which each row begins, from 1; for Parquet, which has no lines, None.
        notes: What a reader of the results should know about the reading.
    """

    path: Path
    columns: dict[str, list[object]]
    lines: Sequence[int] | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Says where a row stands, as ``file:line``."""
        return f"{self.path}, row {row + 1}" if self.lines is None else f"{self.path}:{self.lines[row]}"


def read_table(path: Path) -> Table:
    """Reads a file by its suffix.

    Raises:
        DataFileError: There is no such file, or of no known suffix, or it is empty, damaged or malformed.
    """
    if not path.is_file():
        raise DataFileError(_missing_text(path))
    read = _reader_of(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror}.") from error
    if path.name.lower().endswith(".gz"):
        content = _decompress(path, content)
    if not content.strip():
        raise DataFileError(_EMPTY.format(path=path))
    table = read(path, content)
    if not len(table):
        raise DataFileError(f"{path} has columns ({', '.join(table.columns)}) but no rows below them.")
    return table


def suffix_of(path: Path) -> str:
    """Returns the suffix that names the format: lower case, without ``.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def is_table(path: Path) -> bool:
    """Says whether the suffix is one of the formats that hold columns."""
    return suffix_of(path) in READERS


def _reader_of(path: Path) -> Callable[[Path, bytes], Table]:
    try:
        return READERS[suffix_of(path)]
    except KeyError:
        raise DataFileError(
            f"{path} should be a folder, or a file whose name ends in one of {' '.join(READERS)} "
            f"(each also with .gz); its suffix is {suffix_of(path)!r}."
        ) from None


def _missing_text(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no file {path}: its folder {folder} does not exist either."
    near = difflib.get_close_matches(path.name, [entry.name for entry in folder.iterdir()], n=3, cutoff=0.5)
    return f"There is no file {path}." + (f" Did you mean {' or '.join(near)}?" if near else "")


def _decompress(path: Path, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataFileError(
            f"{path} is not a whole gzip file ({error}): it may be cut off, or may not be compressed at all. "
            "Fetch it again, or take the .gz off its name."
        ) from error


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataFileError(
            f"{path}:{line} is not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}. If the file comes "
            f"from an older Windows program, convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}"
        ) from error


def _read_csv(path: Path, content: bytes) -> Table:
    return _read_delimited(path, _decode(path, content), delimiter=",", quoting=csv.QUOTE_MINIMAL)


def _read_tsv(path: Path, content: bytes) -> Table:
    text = _decode(path, content)
    try:
        return _read_delimited(path, text, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
    except DataFileError:
        # Much of the field's TSV (GLUE's, for one) is written without quoting: a mark that opens a field is text.
        if '"' not in text:
            raise
    table = _read_delimited(path, text, delimiter="\t", quoting=csv.QUOTE_NONE)
    note = f"{path.name}: quotation marks do not pair up as quoting, so they were read as part of the text"
    return Table(path=path, columns=table.columns, lines=table.lines, notes=(note,))


def _read_delimited(path: Path, text: str, *, delimiter: str, quoting: int) -> Table:
    records = _records(path, text, delimiter=delimiter, quoting=quoting)
    header_line, header = next(records, (0, []))
    if not header:
        # Blank to the reader of records, which knows more kinds of space than bytes do.
        raise DataFileError(_EMPTY.format(path=path))
    names = [name.strip() for name in header]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataFileError(f"{path}:{header_line} names a column twice ({', '.join(twice)}); give each its own name.")
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, fields in records:
        if len(fields) != len(names):
            separator = {",": "comma", "\t": "tab"}[delimiter]
            raise DataFileError(
                f"{path}:{line} has {len(fields)} fields, but the header names {len(names)} columns "
                f"({', '.join(names)}). A field that contains a {separator} or a line break stands in quotation marks."
            )
        lines.append(line)
        rows.append(fields)
    cells: list[list[object]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return Table(path=path, columns=dict(zip(names, cells, strict=True)), lines=lines)


def _records(path: Path, text: str, *, delimiter: str, quoting: int) -> Iterator[tuple[int, list[str]]]:
    """Yields the line at which each record begins, and its fields; skips blank lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    while True:
        line = reader.line_num + 1
        try:
            with _fields_of_any_length():
                fields = next(reader, None)
        except csv.Error as error:
            raise DataFileError(
                f"{path}: the record that begins at line {line} is malformed ({error}). A quotation mark that opens a "
                "field must also close it, and one inside a quoted field is written twice."
            ) from error
        if fields is None:
            return
        blank = not fields or (len(fields) == 1 and fields[0].isspace())
        if not blank:
            yield line, fields


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lifts the csv module's limit of 131,072 characters, which is process-wide, for as long as a record takes."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _read_json_lines(path: Path, content: bytes) -> Table:
    columns: dict[str, list[object]] = {}
    lines: list[int] = []
    for line, text in enumerate(_decode(path, content).split("\n"), start=1):
        if not text.strip():
            continue
        for name, value in _json_object(path, line, text).items():
            # A name that is new here was absent, that is null, in all rows before.
            columns.setdefault(name, [None] * len(lines)).append(value)
        lines.append(line)
        for cells in columns.values():
            cells.extend([None] * (len(lines) - len(cells)))
    return Table(path=path, columns=columns, lines=lines)


def _json_object(path: Path, line: int, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = " A JSON array must become one object a line (jq -c '.[]')." if text.lstrip().startswith("[") else ""
        raise DataFileError(f"{path}:{line} is not JSON: {error}.{hint}") from error
    if not isinstance(value, dict):
        raise DataFileError(
            f'{path}:{line} should be one JSON object, like {{"text": "...", "label": "..."}}; '
            f"found {type(value).__name__}. A JSON array must become one object a line (jq -c '.[]')."
        )
    return value


def _read_parquet(path: Path, content: bytes) -> Table:
    import polars as pl  # noqa: PLC0415 - the other formats need none

    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataFileError(f"{path} is not a readable Parquet file: {reason}.") from error
    return Table(path=path, columns={name: frame[name].to_list() for name in frame.columns}, lines=None)


def _read_conll(path: Path, content: bytes) -> Table:
    """Reads one token a line and a blank line between sentences: a row is a sentence, a cell the list of its tokens.

    The first column are the tokens, the last one the tags (Tjong Kim Sang & De Meulder, CoNLL 2003).
    """
    text = _decode(path, content)
    separator = "\t" if "\t" in text else None
    sentences: list[list[list[str]]] = []
    lines: list[int] = []
    inside = False
    width = 0
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.strip("\r").split(separator) if line.strip() else []
        if not fields or fields[0] == "-DOCSTART-":
            inside = False
            continue
        width = width or len(fields)
        if len(fields) != width or width < 2:
            raise DataFileError(
                f"{path}:{number} has {len(fields)} columns, expected {max(2, width)}: a token first, its tag last, "
                f"with {'tabs' if separator else 'blanks'} between, and a blank line between sentences."
            )
        if not inside:
            sentences.append([[] for _ in fields])
            lines.append(number)
            inside = True
        for cells, field in zip(sentences[-1], fields, strict=True):
            cells.append(field.strip())
    names = ["tokens", *(f"column{number}" for number in range(2, width)), "tags"]
    columns: dict[str, list[object]] = {
        name: [sentence[place] for sentence in sentences] for place, name in enumerate(names)
    }
    return Table(path=path, columns=columns, lines=lines)


READERS: dict[str, Callable[[Path, bytes], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
    ".parquet": _read_parquet,
    **dict.fromkeys(CONLL_SUFFIXES, _read_conll),
}
