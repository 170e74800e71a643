"""From raw rows to a corpus: every check that does not depend on the format of the file."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from meltpoint.errors import InputError
from meltpoint.text.corpus import Corpus
from meltpoint.text.labelled_rows import LabelledRows, is_null, text_of
from meltpoint.text.targets import CLASSES, TargetReader

Empty = Literal["error", "drop", "keep"]


def corpus_from_lists(
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    second_texts: Sequence[str] | None = None,
    groups: Sequence[object] | None = None,
    test_texts: Sequence[object] | None = None,
    test_labels: Sequence[object] | None = None,
    test_second_texts: Sequence[str] | None = None,
    test_groups: Sequence[object] | None = None,
    targets: TargetReader = CLASSES,
    name: str = "texts",
) -> Corpus:
    """Makes a corpus of texts and labels in memory, with the checks that files get.

    Args:
        texts: N texts; for tagging, N lists of tokens.
        labels: Their labels, as the task has them: one class each, a list of labels, 0 or 1, a list of tags.
        second_texts: N second texts, for ranking: the candidates.
        groups: Their groups. A given test set of single texts needs none: it is never divided.
        test_texts: Texts of a given test set, with ``test_labels``.
        test_labels: Their labels.
        test_second_texts: Their second texts.
        test_groups: Their groups.
        targets: What is to be predicted.
        name: What to call the corpus.

    Raises:
        InputError: The lists differ in length, or what they hold makes no such task.
    """
    train = _rows_of_lists("", texts=texts, labels=labels, second_texts=second_texts, groups=groups)
    test = None
    if test_texts is not None or test_labels is not None:
        test_texts = () if test_texts is None else test_texts
        if groups is not None and test_groups is None and not targets.grouped:
            test_groups = [("test", row) for row in range(len(test_texts))]
        test = _rows_of_lists(
            "test_",
            texts=test_texts,
            labels=() if test_labels is None else test_labels,
            second_texts=test_second_texts,
            groups=test_groups,
        )
    return build_corpus(name, train, test, empty="error", text_column="texts", label_column="labels", targets=targets)


def build_corpus(
    name: str,
    train: LabelledRows,
    test: LabelledRows | None,
    *,
    empty: Empty,
    text_column: str,
    label_column: str,
    targets: TargetReader = CLASSES,
    notes: Sequence[str] = (),
) -> Corpus:
    """Checks the rows and numbers targets and groups; see :class:`Corpus`.

    Raises:
        DataFileError: A cell is not usable: a null label, a text that is no string.
        InputError: Empty texts (unless ``empty`` says otherwise), or targets that make no such task.
    """
    notes = list(notes)
    parts = [part for part in (train, test) if part is not None]
    for part in parts:
        _check_parts(name, part, targets)
    parts = [_without_empty(part, empty, notes) for part in parts]
    for part, purpose in zip(parts, ("training", "testing"), strict=False):
        if not part.texts:
            raise InputError(f"No rows of {name} are left for {purpose}.")
    train, test = parts[0], parts[1] if len(parts) > 1 else None
    found = targets.read(name, train, test, label_column=label_column)
    texts = [targets.text_of(part, row) for part in parts for row in range(len(part.texts))]
    second_texts = [
        text_of(cell, place)
        for part in parts
        for cell, place in zip(part.second_texts or (), part.places, strict=False)
    ]
    num_train = len(train.texts)
    groups = None if train.groups is None else list(train.groups)
    if test is not None:
        rows = list(zip(texts, second_texts, strict=True)) if second_texts else texts
        if seen := _count_members(rows[num_train:], set(rows[:num_train])):
            notes.append(
                f"{seen:,} of {len(test.texts):,} test texts also stand, word for word, among the training texts"
            )
        if groups is not None and test.groups is not None:
            if shared := set(groups) & set(test.groups):
                notes.append(f"{len(shared):,} groups have rows both in training and in the test set")
            groups += test.groups
    return Corpus(
        name=name,
        task=targets.task,
        texts=tuple(texts),
        second_texts=tuple(second_texts) or None,
        label_ids=found.label_ids,
        classes=found.classes,
        counts=found.counts,
        strata=found.strata,
        groups=None if groups is None else _numbered(groups),
        is_test=np.arange(len(texts)) >= num_train,
        text_column=text_column,
        label_column=label_column,
        notes=(*notes, *found.notes),
    )


def _rows_of_lists(
    prefix: str,
    *,
    texts: Sequence[object],
    labels: Sequence[object],
    second_texts: Sequence[object] | None,
    groups: Sequence[object] | None,
) -> LabelledRows:
    given = {f"{prefix}texts": texts, f"{prefix}labels": labels}
    given |= {} if second_texts is None else {f"{prefix}second_texts": second_texts}
    lengths = {name: len(values) for name, values in given.items()} | (
        {} if groups is None else {"groups": len(groups)}
    )
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise InputError(f"Every text needs one label, and a group where groups are given; found {found}.")
    return LabelledRows(
        texts=list(texts),
        labels=list(labels),
        groups=None if groups is None else list(groups),
        places=[f"{prefix}texts[{row}]" for row in range(len(texts))],
        second_texts=None if second_texts is None else list(second_texts),
    )


def _check_parts(name: str, rows: LabelledRows, targets: TargetReader) -> None:
    """Checks that the rows have the columns that the task reads, and no other."""
    if targets.pairs and rows.second_texts is None:
        raise InputError(
            f"The task {targets.task!r} reads pairs, and {name} has one text in each row: name the column of the "
            "second text, the answers, with --second-text (or second_texts= in Python)."
        )
    if not targets.pairs and rows.second_texts is not None:
        raise InputError(
            f"The task {targets.task!r} reads one text in each row, and a second one is given (--second-text). Leave "
            "it out, or choose --task rank."
        )
    if targets.grouped and rows.groups is None:
        raise InputError(
            f"The task {targets.task!r} needs to know which rows of {name} belong to one question: name the column "
            "with --group (or groups= in Python; a test set has groups of its own)."
        )


def _without_empty(rows: LabelledRows, empty: Empty, notes: list[str]) -> LabelledRows:
    missing = [
        row
        for row, cells in enumerate(zip(rows.texts, rows.second_texts or rows.texts, strict=True))
        if any(is_null(text) or (isinstance(text, str) and not text.strip()) for text in cells)
    ]
    if not missing or empty == "keep":
        return rows
    if empty == "error":
        raise InputError(
            f"{len(missing)} of {len(rows.texts)} texts are empty: {rows.examples(missing)}. "
            "Choose: --empty drop leaves these rows out, --empty keep trains and tests on them as texts without words."
        )
    notes.append(f"{len(missing):,} rows with an empty text were dropped, the first at {rows.places[missing[0]]}")
    gone = set(missing)
    return rows.only([row for row in range(len(rows.texts)) if row not in gone])


def _count_members(texts: Sequence[object], known: set[object]) -> int:
    return sum(text in known for text in texts)


def _numbered(values: Sequence[object]) -> npt.NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
