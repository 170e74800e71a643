"""Any number of labels for each text."""

import json
import re
from collections.abc import Sequence

import numpy as np

from meltpoint.errors import DataFileError, InputError
from meltpoint.text.labelled_rows import LabelledRows, is_null
from meltpoint.text.targets.base import TargetReader, Targets, in_order, rarest_label

_SEPARATORS = "|;,"
_NONE = ("none", "-", "[]")
_LEAST_STRATUM = 10


class LabelSets(TargetReader):
    """Reads sets of labels: separated by ``|``, ``;`` or ``,`` (the first of these that occurs), or a JSON list.

    A row that holds none says so: ``none``, ``-`` or ``[]``. An empty cell is a label that is missing.
    """

    task = "multilabel"
    pairs = False
    grouped = False

    def read(self, name: str, train: LabelledRows, test: LabelledRows | None, *, label_column: str) -> Targets:
        """Reads a set for each row. A label that only test rows have is kept: no model can find it, and that counts."""
        parts = [part for part in (train, test) if part is not None]
        separator = _separator([cell for part in parts for cell in part.labels])
        sets = [_labels_of(part, row, separator) for part in parts for row in range(len(part.labels))]
        num_train = len(train.labels)
        known = {label for labels in sets[:num_train] for label in labels}
        classes = in_order(label for labels in sets for label in labels)
        if len(known) < 2:
            found = f"one label, {next(iter(known))!r}" if known else "no label at all"
            raise InputError(
                f"The training rows of {name} hold {found} (column {label_column!r}); a multi-label task needs at "
                "least two. Labels in a cell are separated by '|', ';' or ',', or are a JSON list."
            )
        if len(known) > num_train / 2:
            raise InputError(
                f"Column {label_column!r} of {name} has {len(known)} labels in {num_train} training rows: is this the "
                "right column? Name it with --label."
            )
        held = np.zeros((len(sets), len(classes)), dtype=np.bool_)
        numbers = {label: number for number, label in enumerate(classes)}
        for row, labels in enumerate(sets):
            held[row, [numbers[label] for label in labels]] = True
        notes = []
        if empty := int((~held[:num_train].any(axis=1)).sum()):
            notes.append(f"{empty:,} training rows hold no label, as they say")
        if unseen := [label for label in classes if label not in known]:
            listed = ", ".join(f"{label!r} ({held[num_train:, numbers[label]].sum()} times)" for label in unseen)
            notes.append(f"labels that only test rows have, so that no model can find them, count as missed: {listed}")
        return Targets(
            label_ids=held.astype(np.int64),
            classes=classes,
            counts=held[:num_train].sum(axis=0).astype(np.int64),
            strata=rarest_label(held, num_train, enough=_LEAST_STRATUM),
            notes=tuple(notes),
        )


LABEL_SETS = LabelSets()


def _separator(cells: Sequence[object]) -> str:
    """Returns the first separator that occurs in any cell that is no list."""
    texts = [cell for cell in cells if isinstance(cell, str) and not cell.lstrip().startswith("[")]
    return next((mark for mark in _SEPARATORS if any(mark in text for text in texts)), _SEPARATORS[0])


def _labels_of(rows: LabelledRows, row: int, separator: str) -> tuple[str, ...]:
    cell, place = rows.labels[row], rows.places[row]
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError as error:
            raise DataFileError(f"{place}: the labels begin like a JSON list but are none: {error}.") from error
    if isinstance(cell, list | tuple):
        wrong = next((label for label in cell if isinstance(label, list | dict | tuple) or is_null(label)), None)
        if wrong is not None or any(is_null(label) for label in cell):
            raise DataFileError(f"{place}: expected a list of labels, found {wrong!r} in it.")
        return tuple(dict.fromkeys(str(label).strip() for label in cell))
    if is_null(cell) or not str(cell).strip():
        raise DataFileError(
            f"{place} has no labels. Where a row holds none of them, write 'none' (or '[]'); otherwise label it or "
            "take it out."
        )
    if str(cell).strip().lower() in _NONE:
        return ()
    labels = tuple(part.strip() for part in re.split(re.escape(separator), str(cell)))
    if not all(labels):
        raise DataFileError(f"{place}: expected labels with {separator!r} between them, found {cell!r}: one is empty.")
    return tuple(dict.fromkeys(labels))
