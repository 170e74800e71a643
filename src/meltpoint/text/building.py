"""From raw rows to a corpus: every check that does not depend on the format of the file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from meltpoint.errors import DataFileError, InputError
from meltpoint.text.corpus import Corpus

Empty = Literal["error", "drop", "keep"]

_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Raw cells of some rows, and where each stands (``file:line``), for the texts of errors."""

    texts: Sequence[object]
    labels: Sequence[object]
    groups: Sequence[object] | None
    places: Sequence[str]

    def only(self, kept: Sequence[int]) -> "LabelledRows":
        """Returns the rows of those numbers."""
        return LabelledRows(
            texts=[self.texts[row] for row in kept],
            labels=[self.labels[row] for row in kept],
            groups=None if self.groups is None else [self.groups[row] for row in kept],
            places=[self.places[row] for row in kept],
        )


def corpus_from_lists(
    texts: Sequence[str],
    labels: Sequence[object],
    *,
    groups: Sequence[object] | None = None,
    test_texts: Sequence[str] | None = None,
    test_labels: Sequence[object] | None = None,
    name: str = "texts",
) -> Corpus:
    """Makes a corpus of texts and labels in memory, with the checks that files get.

    Args:
        texts: N texts.
        labels: Their labels: strings, integers, booleans.
        groups: Their groups. A given test set needs none: it is never divided.
        test_texts: Texts of a given test set, with ``test_labels``.
        test_labels: Their labels.
        name: What to call the corpus.

    Raises:
        InputError: The lists differ in length, or what they hold makes no classification task.
    """
    train = _rows_of_lists("texts", texts, "labels", labels, groups)
    test = None
    if test_texts is not None or test_labels is not None:
        test_texts = () if test_texts is None else test_texts
        test_labels = () if test_labels is None else test_labels
        test_groups = None if groups is None else [("test", row) for row in range(len(test_texts))]
        test = _rows_of_lists("test_texts", test_texts, "test_labels", test_labels, test_groups)
    return build_corpus(name, train, test, empty="error", text_column="texts", label_column="labels")


def build_corpus(
    name: str,
    train: LabelledRows,
    test: LabelledRows | None,
    *,
    empty: Empty,
    text_column: str,
    label_column: str,
    notes: Sequence[str] = (),
) -> Corpus:
    """Checks the rows and numbers classes and groups; see :class:`Corpus`.

    Raises:
        DataFileError: A cell is not usable: a null label, a text that is no string.
        InputError: Empty texts (unless ``empty`` says otherwise), a single class, nearly as many classes as rows, or
            a test label that training rows never have.
    """
    notes = list(notes)
    train = _without_empty(train, empty, notes)
    test = None if test is None else _without_empty(test, empty, notes)
    if not train.texts or (test is not None and not test.texts):
        raise InputError(f"No rows of {name} are left for {'training' if not train.texts else 'testing'}.")
    labels = [_label_of(train, row) for row in range(len(train.labels))]
    classes = _in_order(set(labels))
    _check_classes(name, classes, len(labels), label_column)
    texts = [_text_of(train, row) for row in range(len(train.texts))]
    groups = None if train.groups is None else list(train.groups)
    if test is not None:
        test_labels = [_label_of(test, row) for row in range(len(test.labels))]
        _check_test_labels(test, test_labels, classes)
        test_texts = [_text_of(test, row) for row in range(len(test.texts))]
        if seen := _count_members(test_texts, set(texts)):
            notes.append(
                f"{seen:,} of {len(test_texts):,} test texts also stand, word for word, among the training texts"
            )
        labels, texts = labels + test_labels, texts + test_texts
        if groups is not None and test.groups is not None:
            if shared := set(groups) & set(test.groups):
                notes.append(f"{len(shared):,} groups have rows both in training and in the test set")
            groups += test.groups
    numbers = {label: number for number, label in enumerate(classes)}
    return Corpus(
        name=name,
        texts=tuple(texts),
        label_ids=np.array([numbers[label] for label in labels], dtype=np.int64),
        classes=classes,
        groups=None if groups is None else _numbered(groups),
        is_test=np.arange(len(texts)) >= len(train.texts),
        text_column=text_column,
        label_column=label_column,
        notes=tuple(notes),
    )


def _rows_of_lists(
    texts_name: str,
    texts: Sequence[str],
    labels_name: str,
    labels: Sequence[object],
    groups: Sequence[object] | None,
) -> LabelledRows:
    lengths = {texts_name: len(texts), labels_name: len(labels)} | ({} if groups is None else {"groups": len(groups)})
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise InputError(f"Every text needs one label, and a group where groups are given; found {found}.")
    places = [f"{texts_name}[{row}]" for row in range(len(texts))]
    return LabelledRows(
        texts=list(texts), labels=list(labels), groups=None if groups is None else list(groups), places=places
    )


def _without_empty(rows: LabelledRows, empty: Empty, notes: list[str]) -> LabelledRows:
    missing = [
        row for row, text in enumerate(rows.texts) if _is_null(text) or (isinstance(text, str) and not text.strip())
    ]
    if not missing or empty == "keep":
        return rows
    if empty == "error":
        raise InputError(
            f"{len(missing)} of {len(rows.texts)} texts are empty: {_examples(rows, missing)}. "
            "Choose: --empty drop leaves these rows out, --empty keep trains and tests on them as texts without words."
        )
    notes.append(f"{len(missing):,} rows with an empty text were dropped, the first at {rows.places[missing[0]]}")
    gone = set(missing)
    return rows.only([row for row in range(len(rows.texts)) if row not in gone])


def _text_of(rows: LabelledRows, row: int) -> str:
    match rows.texts[row]:
        case null if _is_null(null):
            return ""
        case str(text):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise DataFileError(
                    f"{rows.places[row]}: the text holds half of a surrogate pair at character {error.start}, which "
                    "is not Unicode text; the program that wrote it cut a character in two."
                ) from error
            return text if text.strip() else ""
        case bool() | int() | float() as number:
            return str(number)
        case other:
            raise DataFileError(f"{rows.places[row]}: expected a text, found {type(other).__name__}.")


def _is_null(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _label_of(rows: LabelledRows, row: int) -> str:
    label = rows.labels[row]
    if _is_null(label) or (isinstance(label, str) and not label.strip()):
        raise DataFileError(f"{rows.places[row]} has no label; every row needs one. Label it or take it out.")
    if isinstance(label, list | dict | tuple | set):
        raise DataFileError(f"{rows.places[row]}: expected one label, found {type(label).__name__} {label!r}.")
    return str(label).strip()


def _check_classes(name: str, classes: Sequence[str], num_rows: int, label_column: str) -> None:
    if len(classes) == 1:
        raise InputError(
            f"All {num_rows} training rows of {name} are of one class, {classes[0]!r} (column {label_column!r}); a "
            "classification needs at least two. Name the right column with --label."
        )
    if len(classes) > num_rows / 2:
        examples = ", ".join(repr(label) for label in classes[:_EXAMPLES])
        raise InputError(
            f"Column {label_column!r} of {name} has {len(classes)} classes in {num_rows} training rows ({examples}, "
            "...): is this the right column? Name it with --label. If it is, more labelled rows are needed, at least "
            "4 of every class."
        )


def _check_test_labels(test: LabelledRows, labels: Sequence[str], classes: Sequence[str]) -> None:
    known = set(classes)
    unseen = [row for row, label in enumerate(labels) if label not in known]
    if unseen:
        names = ", ".join(repr(label) for label in _in_order({labels[row] for row in unseen})[:_EXAMPLES])
        raise InputError(
            f"Test rows have labels that no training row has: {names}; {_examples(test, unseen)}. "
            f"The classes of the training rows are {', '.join(map(repr, classes[:20]))}."
        )


def _count_members(texts: Sequence[str], known: set[str]) -> int:
    return sum(text in known for text in texts)


def _examples(rows: LabelledRows, numbers: Sequence[int]) -> str:
    more = ", ..." if len(numbers) > _EXAMPLES else ""
    return ", ".join(rows.places[row] for row in numbers[:_EXAMPLES]) + more


def _in_order(labels: set[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    except ValueError:
        return tuple(sorted(labels))


def _numbered(values: Sequence[object]) -> npt.NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
