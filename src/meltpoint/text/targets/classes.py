"""One class for each text."""

from collections.abc import Sequence

import numpy as np

from meltpoint.errors import InputError
from meltpoint.text.labelled_rows import LabelledRows
from meltpoint.text.targets.base import TargetReader, Targets, in_order

_EXAMPLES = 5


class Classes(TargetReader):
    """Reads classes: strings, integers or booleans, one in each cell."""

    task = "classify"
    pairs = False
    grouped = False

    def read(self, name: str, train: LabelledRows, test: LabelledRows | None, *, label_column: str) -> Targets:
        """Reads one class for each row; the test rows' must occur in training."""
        labels = [train.label_of(row) for row in range(len(train.labels))]
        classes = in_order(labels)
        _check_classes(name, classes, len(labels), label_column)
        if test is not None:
            test_labels = [test.label_of(row) for row in range(len(test.labels))]
            _check_test_labels(test, test_labels, classes)
            labels += test_labels
        numbers = {label: number for number, label in enumerate(classes)}
        label_ids = np.array([numbers[label] for label in labels], dtype=np.int64)
        return Targets(
            label_ids=label_ids,
            classes=classes,
            counts=np.bincount(label_ids[: len(train.labels)], minlength=len(classes)),
            strata=label_ids,
        )


CLASSES = Classes()


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
        names = ", ".join(repr(label) for label in in_order(labels[row] for row in unseen)[:_EXAMPLES])
        raise InputError(
            f"Test rows have labels that no training row has: {names}; {test.examples(unseen)}. "
            f"The classes of the training rows are {', '.join(map(repr, classes[:20]))}."
        )
