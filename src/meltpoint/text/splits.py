"""Which rows train, choose and test: stratified by class, groups never divided, the same for the same seed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from meltpoint.errors import InputError
from meltpoint.randomness import Generator

IntArray = npt.NDArray[np.int64]
Fold: TypeAlias = IntArray
"""The rows that one fold tests, ascending; the rows of all other folds train."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subset:
    """One training budget: rows to fit on and rows to choose by, in the order drawn, int64."""

    train: IntArray
    validation: IntArray


def folds(label_ids: npt.ArrayLike, *, groups: npt.ArrayLike | None, num_folds: int, seed: int) -> list[Fold]:
    """Divides all rows into folds, so that every row is tested once.

    Args:
        label_ids: Class of every row, int of shape (N,).
        groups: Group of every row, int of shape (N,); the rows of a group are tested together.
        num_folds: How many folds, at least 2.
        seed: Decides the division.

    Returns:
        The test rows of each fold: int64, ascending, disjoint, together all N.

    Raises:
        InputError: A class has too few rows, or there are too few groups, for that many folds.
    """
    # Importing scikit-learn takes longer than reading most corpora, and only folds need it.
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415

    labels = np.asarray(label_ids, dtype=np.int64)
    # scikit-learn takes seeds of 32 bits.
    options = {"n_splits": num_folds, "shuffle": True, "random_state": seed % 2**32}
    if groups is None:
        fewest, what = (
            int(np.unique(labels, return_counts=True)[1].min(initial=len(labels))),
            "rows of the rarest class",
        )
    else:
        groups = np.asarray(groups, dtype=np.int64)
        fewest, what = _fewest_groups(labels, groups), "groups with the rarest class"
    if not 2 <= num_folds <= fewest:
        raise InputError(
            f"Between 2 and {fewest} folds are possible here, as there are {fewest} {what}; {num_folds} were asked for."
        )
    splitter = StratifiedKFold(**options) if groups is None else StratifiedGroupKFold(**options)
    tested = [test.astype(np.int64) for _, test in splitter.split(labels, labels, groups)]
    if not all(fold.size for fold in tested):
        raise InputError(
            f"The groups are too uneven for {num_folds} folds: one of them would test nothing. Choose fewer folds."
        )
    return tested


def draw_subset(
    rows: npt.ArrayLike,
    label_ids: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None,
    size: int,
    validation_fraction: float,
    generator: Generator,
    in_groups: bool = False,
) -> Subset:
    """Draws a training budget of ``size`` rows, or of as many groups, validation rows included.

    The order of the draw does not depend on the size, so that, from the same state of the generator, a smaller budget
    is the beginning of a larger one, in its training as in its validation rows. First comes a training row and then a
    validation row of every class; from then on every prefix keeps the classes' shares, in both parts. Of ``n`` rows of
    a class, ``max(1, floor(validation_fraction * n + 1/2))`` are for validation.

    With groups, whole groups are drawn until the budget is reached (the last one may exceed it), and a group is for
    training or for validation as a whole; shares then hold as nearly as groups allow.

    Args:
        rows: Rows to draw from, int of shape (n,), in any order. Labels of other rows are not looked at.
        label_ids: Class of every row of the corpus, int of shape (N,).
        groups: Group of every row of the corpus, int of shape (N,), or None.
        size: How many rows; with ``in_groups``, how many groups.
        validation_fraction: Share of the budget that chooses, above 0 and at most 0.5.
        generator: Decides the draw; it is advanced by the same amount whatever the size.
        in_groups: Whether the size counts groups.

    Raises:
        InputError: The size or the fraction is out of range.
    """
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    if not 0 < validation_fraction <= 0.5:
        raise InputError(f"The share of validation rows is above 0 and at most 0.5; found {validation_fraction}.")
    classes, labels = np.unique(np.asarray(label_ids, dtype=np.int64)[rows], return_inverse=True)
    members = np.arange(len(rows)) if groups is None else np.asarray(groups, dtype=np.int64)[rows]
    most, unit = (len(np.unique(members)), "groups") if in_groups else (len(rows), "rows")
    if not 2 <= size <= most:
        raise InputError(f"A training budget is of 2 to {most} {unit}, as many as there are; found {size}.")
    draw = _Draw(labels, members, len(classes), generator)

    parts: dict[bool, list[IntArray]] = {False: [], True: []}
    drawn = 0
    for group, validates in draw.order(validation_fraction):
        if drawn >= size:
            break
        parts[validates].append(rows[draw.rows_of(group)])
        drawn += 1 if in_groups else int(draw.sizes[group])
    nothing = np.empty(0, dtype=np.int64)
    return Subset(train=np.concatenate([nothing, *parts[False]]), validation=np.concatenate([nothing, *parts[True]]))


class _Draw:
    """Groups in random order, and the roles they take; a row without a group is a group of one."""

    def __init__(
        self,
        labels: IntArray,
        members: IntArray,
        num_classes: int,
        generator: Generator,
    ) -> None:
        names, group_of = np.unique(members, return_inverse=True)
        shuffled = generator.permutation(len(names))
        place = np.empty_like(shuffled)
        place[shuffled] = np.arange(len(shuffled))
        group_of = place[group_of]  # from here on groups are numbered in random order
        self.sizes = np.bincount(group_of, minlength=len(names))
        self._rows = np.argsort(group_of, kind="stable")
        self._ends = np.cumsum(self.sizes)
        held = np.zeros((len(names), num_classes), dtype=np.int64)
        np.add.at(held, (group_of, labels), 1)
        self._held = held
        self._stratum = held.argmax(axis=1)  # the class that a group counts for

    def rows_of(self, group: int) -> IntArray:
        end = int(self._ends[group])
        return self._rows[end - int(self.sizes[group]) : end]

    def order(self, validation_fraction: float) -> Iterable[tuple[int, bool]]:
        """Yields every group with whether it validates."""
        roles = self._first_roles()
        yield from roles.items()
        drawn = np.zeros(self._held.shape[1])
        validating = np.zeros(self._held.shape[1])
        for group, validates in roles.items():
            drawn[self._stratum[group]] += self.sizes[group]
            validating[self._stratum[group]] += self.sizes[group] * validates
        for group in self._interleaved(roles):
            stratum, size = self._stratum[group], self.sizes[group]
            drawn[stratum] += size
            validates = bool(validating[stratum] + size / 2 <= validation_fraction * drawn[stratum])
            validating[stratum] += size * validates
            yield group, validates

    def _first_roles(self) -> dict[int, bool]:
        """Gives every class, the rarest first, a group that trains, then every class one that validates."""
        roles: dict[int, bool] = {}
        rarest_first = np.argsort((self._held > 0).sum(axis=0), kind="stable").tolist()
        for validates in (False, True):
            for label in rarest_first:
                holders = np.flatnonzero(self._held[:, label]).tolist()
                if not any(roles.get(group) == validates for group in holders):
                    free = next((group for group in holders if group not in roles), None)
                    if free is not None:
                        roles[free] = validates
        return roles

    def _interleaved(self, roles: dict[int, bool]) -> list[int]:
        """Orders the other groups by how far through its stratum each stands, so that every prefix is stratified."""
        rest = np.setdiff1d(np.arange(len(self.sizes)), list(roles))
        order = np.concatenate([np.array(list(roles), dtype=np.int64), rest])
        depth = np.empty(len(order))
        for stratum in np.unique(self._stratum):
            inside = order[self._stratum[order] == stratum]
            reached = np.cumsum(self.sizes[inside])
            depth[inside] = (reached - self.sizes[inside] / 2) / reached[-1]
        return [int(group) for group in rest[np.argsort(depth[rest], kind="stable")]]


def _fewest_groups(labels: IntArray, groups: IntArray) -> int:
    """Counts, for each class, the groups that hold it; returns the smallest count."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    return int(np.unique(pairs[0], return_counts=True)[1].min(initial=len(labels)))
