"""Reading a corpus: one file, a file and a test file, or a folder of training, development and test files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meltpoint.errors import DataFileError, InputError
from meltpoint.text.building import Empty, build_corpus
from meltpoint.text.columns import Columns, choose_columns, choose_text
from meltpoint.text.corpus import Corpus
from meltpoint.text.labelled_rows import LabelledRows
from meltpoint.text.tables import READERS, Table, read_table, suffix_of
from meltpoint.text.targets import CLASSES, TargetReader

_PARTS = {"train": ("train",), "dev": ("dev", "valid", "validation", "val"), "test": ("test",)}


def read_corpus(
    path: str | os.PathLike[str],
    *,
    text: str | None = None,
    label: str | None = None,
    second_text: str | None = None,
    group: str | None = None,
    test: str | os.PathLike[str] | None = None,
    empty: Empty = "error",
    targets: TargetReader = CLASSES,
) -> Corpus:
    """Reads labelled texts.

    A folder holds ``train.*`` and, where there are any, ``dev.*`` (or ``valid``, ``validation``, ``val``) and
    ``test.*``; or one file alone, whatever its name. Development rows join the training rows: a study takes its
    validation rows out of the training budget.

    Args:
        path: A file (CSV, TSV, JSON lines, Parquet; also with .gz) or a folder of such files.
        text: Column of the texts; found by name or content where it is not given.
        label: Column of the labels; likewise.
        second_text: Column of the second texts, where rows are pairs.
        group: Column whose equal values must not be divided between training and test; none where it is not given.
        test: A file that is the test set.
        empty: What to do with empty texts: ``error``, ``drop`` the rows, or ``keep`` them as texts without words.
        targets: What is to be predicted: the task's ``targets``; one class for each text otherwise.

    Raises:
        DataFileError: A file is missing, damaged or malformed; the text names the line.
        InputError: The columns, classes or options do not make the task.
    """
    if empty not in {"error", "drop", "keep"}:
        raise InputError(f"Empty texts are an 'error', or are to 'drop' or to 'keep' (--empty); found {empty!r}.")
    files = _find_files(Path(path), None if test is None else Path(test))
    tables = [read_table(file) for file in files.train]
    columns = choose_columns(tables[0], text=text, label=label, group=group, second_text=second_text)
    test_table = None if files.test is None else read_table(files.test)
    notes = [note for table in (*tables, test_table) if table is not None for note in table.notes]
    notes += [f"{len(table):,} rows of {table.path.name} joined the training rows" for table in tables[1:]]
    return build_corpus(
        files.name,
        _joined([_rows(table, columns, tables[0]) for table in tables]),
        None if test_table is None else _rows(test_table, columns, tables[0]),
        empty=empty,
        text_column=columns.text,
        label_column=columns.label,
        targets=targets,
        notes=notes,
    )


@dataclass(frozen=True, kw_only=True)
class _Files:
    name: str
    train: tuple[Path, ...]
    test: Path | None


def read_rows(
    path: str | os.PathLike[str], text: str | None = None
) -> tuple[str, Iterator[tuple[str, dict[str, object]]]]:
    """Reads the rows of a table that needs no labels; an absent text is an empty one, and a number is its digits.

    Args:
        path: A file of a format that :func:`read_corpus` reads.
        text: Column of the texts; found by name or content where it is not given.

    Returns:
        The column of the texts; and each row, with where it stands.

    Raises:
        DataFileError: The file is missing, damaged or malformed.
        InputError: There is no such column, or it cannot be told.
    """
    table = read_table(Path(path))
    column = choose_text(table, text)

    def rows() -> Iterator[tuple[str, dict[str, object]]]:
        for number in range(len(table)):
            row = {name: cells[number] for name, cells in table.columns.items()}
            if not isinstance(row[column], str | list):
                row[column] = "" if row[column] is None else str(row[column])
            yield table.place(number), row

    return column, rows()


def _find_files(path: Path, test: Path | None) -> _Files:
    if not path.is_dir():
        name = path.name.removesuffix(".gz")
        return _Files(name=Path(name).stem, train=(path,), test=test)
    entries = sorted(entry for entry in path.iterdir() if suffix_of(entry) in READERS)
    found: dict[str, Path] = {}
    for part, names in _PARTS.items():
        files = [entry for entry in entries if entry.name.lower().split(".")[0] in names]
        if len(files) > 1:
            listed = ", ".join(file.name for file in files)
            raise InputError(f"{path} has more than one {part} file ({listed}); leave one, or give a file itself.")
        if files:
            found[part] = files[0]
    if len(entries) == 1 and not found:
        found["train"] = entries[0]
    if "train" not in found:
        listed = ", ".join(entry.name for entry in entries) or "none of a known format"
        raise DataFileError(
            f"{path} should hold train.csv (or .tsv, .jsonl, .parquet; also .gz), and may hold dev and test files, or "
            f"hold one file alone; found {listed}. To read one of several files, give its path."
        )
    if test is not None and "test" in found:
        raise InputError(f"There are two test sets: {found['test']} and, with --test, {test}. Leave one out.")
    train = tuple(found[part] for part in ("train", "dev") if part in found)
    return _Files(name=path.resolve().name, train=train, test=found.get("test", test))


def _rows(table: Table, columns: Columns, first: Table) -> LabelledRows:
    absent = [name for name in columns.names if name not in table.columns]
    if absent:
        raise InputError(
            f"{table.path} has no column {' and no column '.join(map(repr, absent))}, which {first.path} has; its "
            f"columns are {', '.join(map(repr, table.columns))}. All files of a corpus name their columns alike."
        )
    groups = None
    if columns.group is not None:
        groups = [str(value) for value in table.columns[columns.group] if value is not None and value != ""]
        if len(groups) < len(table):
            row = next(row for row, value in enumerate(table.columns[columns.group]) if value is None or value == "")
            raise DataFileError(f"{table.place(row)} has no group (column {columns.group!r}); every row needs one.")
    return LabelledRows(
        texts=table.columns[columns.text],
        labels=table.columns[columns.label],
        groups=groups,
        places=[table.place(row) for row in range(len(table))],
        second_texts=None if columns.second_text is None else table.columns[columns.second_text],
    )


def _joined(parts: Sequence[LabelledRows]) -> LabelledRows:
    grouped = [part.groups for part in parts if part.groups is not None]
    return LabelledRows(
        texts=[text for part in parts for text in part.texts],
        labels=[label for part in parts for label in part.labels],
        groups=[group for groups in grouped for group in groups] if grouped else None,
        places=[place for part in parts for place in part.places],
        second_texts=[text for part in parts for text in part.second_texts or ()] or None,
    )
