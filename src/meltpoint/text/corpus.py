"""A corpus: labelled texts with their classes numbered and their test rows marked."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from meltpoint.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """N labelled texts; equal digests mean equal content.

    Attributes:
        name: Of the file or folder.
        texts: The N texts.
        label_ids: Targets of every row, int64 of shape (N, ...): a class number, or what the task has
            (:class:`meltpoint.text.targets.Targets`).
        classes: Name of every class, label or tag; integers in the order of numbers, all else by spelling.
        counts: How often each occurs in rows that are not of a given test set, int64 of shape (C,).
        strata: What splits are stratified by, int64 of shape (N,); the class, where there is one.
        groups: Group number of every row, int64 of shape (N,); None without groups.
        is_test: Which rows are of a given test set, bool of shape (N,); nowhere true where none was given.
        text_column: The column used, or how the texts were given.
        label_column: The same of the labels.
        task: The name of the task.
        second_texts: The second text of every row, where rows are pairs.
        notes: What a reader of the results should know: rows joined or dropped, for instance.
    """

    name: str
    texts: tuple[str, ...]
    label_ids: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    strata: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64] | None
    is_test: npt.NDArray[np.bool_]
    text_column: str
    label_column: str
    notes: tuple[str, ...]
    task: str = "classify"
    second_texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for array in (self.label_ids, self.counts, self.strata, self.is_test, self.groups):
            if array is not None:
                array.flags.writeable = False

    @property
    def num_rows(self) -> int:
        """All rows, test rows included."""
        return len(self.texts)

    @property
    def num_train(self) -> int:
        """Rows that are not of a given test set."""
        return self.num_rows - int(self.is_test.sum())

    @property
    def has_test(self) -> bool:
        """Whether a test set was given."""
        return bool(self.is_test.any())

    @property
    def class_counts(self) -> dict[str, int]:
        """How often each class occurs in rows that are not of a given test set, in the order of the classes."""
        return dict(zip(self.classes, self.counts.tolist(), strict=True))

    @cached_property
    def digest(self) -> str:
        """Hex BLAKE2b-128 over texts, labels, groups and test rows: the identity of the content."""
        digest = hashlib.blake2b(digest_size=16)
        kind = () if self.task == "classify" else (self.task,)
        for text in (*kind, *self.classes, *self.texts, *(self.second_texts or ())):
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        digest.update(self.label_ids.astype("<i8").tobytes())
        digest.update(b"" if self.groups is None else self.groups.astype("<i8").tobytes())
        digest.update(self.is_test.tobytes())
        return digest.hexdigest()


def require_splittable(corpus: Corpus, folds: int) -> None:
    """Checks that every class can train, validate and be tested.

    Of ``n`` rows of a class (groups that hold it, where there are groups), folds leave ``n - ceil(n / folds)`` in
    the smallest training part, which must hold a training and a validation row. With a given test set there are no
    folds, and 2 are enough.

    Raises:
        InputError: A class has too few rows; the text says how many are needed.
    """
    needed = 2 if corpus.has_test else max(folds, 3 + (folds == 2))
    train = ~corpus.is_test
    labels = corpus.strata[train]
    held, unit = labels, "rows"
    if corpus.groups is not None:
        held, unit = np.unique(np.stack([labels, corpus.groups[train]]), axis=1)[0], "groups"
    counts = np.bincount(held).tolist()
    # Where strata are not the classes themselves they are large, or all rows are of one.
    names = corpus.classes if len(corpus.classes) == len(counts) else tuple("rows like the rarest" for _ in counts)
    short = [(name, count) for name, count in zip(names, counts, strict=True) if count < needed]
    if short:
        found = ", ".join(f"{name!r} has {count}" for name, count in short[:10]) + (", ..." if short[10:] else "")
        why = "training and validation" if corpus.has_test else f"{folds} folds of training, validation and testing"
        raise InputError(
            f"{corpus.name} is too small: every class needs at least {needed} {unit} for {why}, but {found}. With "
            f"{len(counts)} classes that is at least {needed * len(counts)} labelled {unit} in all; label more, "
            "or take the rare classes out or join them."
        )
