"""Which rows a trial trains on, chooses by and is tested on: a function of the split's spec alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.randomness import generator, seed_for
from meltpoint.text import draw_subset, folds
from meltpoint.trial.data import TrialData
from meltpoint.trial.spec import SplitSpec

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Row numbers of one repeat and size; the three parts are disjoint."""

    train: Rows
    validation: Rows
    test: Rows


def rows_for(data: TrialData, repeat: int, *, num_folds: int, seed: int) -> tuple[Rows, Rows]:
    """Returns the rows that may be trained on and the test rows of a repeat.

    A given test set is the test set of every repeat. Otherwise the folds rotate: repeat r tests fold ``r mod K`` of a
    partition drawn anew every K repeats, so that K repeats test every row once.
    """
    if data.has_test:
        return np.flatnonzero(~data.is_test), np.flatnonzero(data.is_test)
    rotation, fold = divmod(repeat, num_folds)
    partition = folds(
        data.strata, groups=data.groups, num_folds=num_folds, seed=seed_for(seed, "folds", rotation) % 2**32
    )
    test = np.sort(partition[fold])
    return np.setdiff1d(np.arange(len(data.label_ids)), test), test


def split_for(data: TrialData, spec: SplitSpec) -> Split:
    """Draws the rows of a trial.

    The training subsets of a repeat are nested: a smaller size is part of a larger one. Test rows, and their labels,
    have no part in the draw.
    """
    pool, test = rows_for(data, spec.repeat, num_folds=spec.num_folds, seed=spec.seed)
    subset = draw_subset(
        pool,
        data.strata,
        groups=data.groups,
        size=spec.size,
        validation_fraction=spec.validation_fraction,
        generator=generator(spec.seed, "subset", spec.repeat),
        in_groups=data.units_are_groups,
    )
    return Split(train=subset.train, validation=subset.validation, test=test)
