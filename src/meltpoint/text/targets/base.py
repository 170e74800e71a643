"""What every kind of target comes to: numbers, their names, and what splits are stratified by."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meltpoint.text.labelled_rows import LabelledRows, text_of

IntArray = NDArray[np.int64]

NO_LABEL = -100
"""Stands where there is nothing to predict: behind the last token of a sentence, for one. What torch's losses skip."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets of N rows, training rows first.

    Attributes:
        label_ids: ``(N, ...)`` int64. One class: ``(N,)``; a set of C labels: ``(N, C)`` of 0 and 1; a tag for each
            token: ``(N, T)``, :data:`NO_LABEL` behind the last one.
        classes: Names of the C classes, labels or tags.
        counts: ``(C,)`` how often each occurs in rows that are not of a given test set.
        strata: ``(N,)`` int64: splits keep the shares of these.
        notes: What a reader of the results should know.
    """

    label_ids: IntArray
    classes: tuple[str, ...]
    counts: IntArray
    strata: IntArray
    notes: tuple[str, ...] = ()


class TargetReader(Protocol):
    """Reads one kind of target."""

    task: str
    """The name of the task."""
    pairs: bool
    """Whether there is a second text in every row."""
    grouped: bool
    """Whether rows must come in groups."""

    def read(self, name: str, train: LabelledRows, test: LabelledRows | None, *, label_column: str) -> Targets:
        """Reads and checks the targets of all rows.

        Args:
            name: Of the corpus.
            train: Rows that are not of a given test set.
            test: Rows of a given test set.
            label_column: Where they stand.

        Raises:
            DataFileError: A cell is not usable.
            InputError: All of them together make no such task.
        """

    def text_of(self, rows: LabelledRows, row: int) -> str:
        """Returns the text of a row."""
        return text_of(rows.texts[row], rows.places[row])


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Orders names: integers as numbers, all else by spelling."""
    distinct = set(labels)
    try:
        return tuple(sorted(distinct, key=lambda label: (int(label), label)))
    except ValueError:
        return tuple(sorted(distinct))


def rarest_label(held: NDArray[np.bool_], num_train: int, *, enough: int) -> IntArray:
    """Returns for each row the rarest label that it holds, counted over the training rows.

    Rows whose rarest label is held by fewer than ``enough`` of them, and rows without any, are of one stratum: splits
    cannot keep the share of what hardly occurs. (The idea: Sechidis et al. 2011, on the stratification of multi-label
    data.)

    Args:
        held: ``(N, C)`` which labels each row holds.
        num_train: The first so many rows decide what is rare.
        enough: A stratum has at least so many training rows.

    Returns:
        ``(N,)`` int64, strata numbered from 0 without gaps.
    """
    num_labels = held.shape[1]
    counts = held[:num_train].sum(axis=0)
    by_rarity = np.argsort(counts, kind="stable")
    strata = np.full(len(held), num_labels, dtype=np.int64)
    for label in by_rarity[::-1]:
        if counts[label] >= enough:
            strata[held[:, label]] = label
    sizes = np.bincount(strata[:num_train], minlength=num_labels + 1)
    small = np.flatnonzero(sizes < enough)
    strata[np.isin(strata, small)] = int(sizes.argmax())
    numbered: IntArray = np.unique(strata, return_inverse=True)[1].astype(np.int64)
    return numbered
