"""Whether a candidate answers its question."""

from collections.abc import Sequence

import numpy as np

from meltpoint.counts import counted
from meltpoint.errors import DataFileError, InputError
from meltpoint.text.labelled_rows import LabelledRows
from meltpoint.text.targets.base import TargetReader, Targets

_SPELLINGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


class Relevance(TargetReader):
    """Reads 0 (no answer) or 1 (an answer), in groups: the candidates of one question."""

    task = "rank"
    pairs = True
    grouped = True

    def read(self, name: str, train: LabelledRows, test: LabelledRows | None, *, label_column: str) -> Targets:
        """Reads the relevance of every pair; no question may stand on both sides of a given split."""
        parts = {"training": train} | ({} if test is None else {"test": test})
        labels = [_relevance(part, row, label_column) for part in parts.values() for row in range(len(part.labels))]
        label_ids = np.array(labels, dtype=np.int64)
        num_train = len(train.labels)
        if test is not None:
            _check_sides(train, test)
        notes: list[str] = []
        first = 0
        for side, part in parts.items():
            notes += _notes(side, part, labels[first : first + len(part.labels)])
            first += len(part.labels)
        counts = np.bincount(label_ids[:num_train], minlength=2)
        if not counts.all():
            raise InputError(
                f"All {num_train} training pairs of {name} are labelled {int(counts.argmax())} (column "
                f"{label_column!r}); ranking needs right answers (1) and wrong ones (0)."
            )
        return Targets(label_ids=label_ids, classes=("0", "1"), counts=counts, strata=label_ids, notes=tuple(notes))


RELEVANCE = Relevance()


def _relevance(rows: LabelledRows, row: int, label_column: str) -> int:
    label = rows.label_of(row)
    if label.lower() not in _SPELLINGS:
        raise DataFileError(
            f"{rows.places[row]}: for ranking the label (column {label_column!r}) is 1 where the second text answers "
            f"the first and 0 where it does not; found {label!r}. Name the right column with --label."
        )
    return _SPELLINGS[label.lower()]


def _check_sides(train: LabelledRows, test: LabelledRows) -> None:
    assert train.groups is not None
    assert test.groups is not None
    seen = {group: row for row, group in reversed(list(enumerate(train.groups)))}
    shared = [(row, group) for row, group in enumerate(test.groups) if group in seen]
    if shared:
        row, group = shared[0]
        count = len({group for _, group in shared})
        raise InputError(
            f"{count:,} {'question stands' if count == 1 else 'questions stand'} on both sides of the given split: "
            f"group {group!r} has a training row at {train.places[seen[group]]} and a test row at {test.places[row]}. "
            "A model would be tested on questions it was trained on: keep all candidates of a question on one side, or "
            "give one file and let meltpoint split it by the group column."
        )


def _notes(side: str, rows: LabelledRows, labels: Sequence[int]) -> list[str]:
    assert rows.groups is not None
    held: dict[object, list[int]] = {}
    for group, label in zip(rows.groups, labels, strict=True):
        held.setdefault(group, []).append(label)
    unanswered = [1 for found in held.values() if not any(found)]
    settled = [1 for found in held.values() if all(found)]
    single = [1 for found in held.values() if len(found) == 1]
    notes = []
    if unanswered:
        notes.append(
            f"{counted(len(unanswered), 'question')} of the {side} rows without a right answer: left out of "
            "the score, as trec_eval does"
        )
    if settled:
        notes.append(
            f"{counted(len(settled), 'question')} of the {side} rows with right answers alone: every ranking "
            "of them is perfect, and they count as such, as in trec_eval"
        )
    if single:
        notes.append(f"{counted(len(single), 'question')} of the {side} rows with a single candidate, always first")
    return notes
