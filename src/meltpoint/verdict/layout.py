"""Who was tested where: the shape of a paired study, read off the pattern of its score matrices.

Every statistic of this folder rests on two facts that the pattern decides: how often each row was tested, and how
strongly the training sets of two repeats overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError

Floats = NDArray[np.float64]
Clusters = NDArray[np.int64] | None
Design = Literal["fixed", "rotating"]

ROW_SHARE = 1 / 2
"""The part of the training noise that is put down to which rows were drawn; the rest is the seed's.

Only that part is shared by repeats whose training sets overlap. It cannot be estimated from the folds of one data set
(Bengio & Grandvalet 2004), but from many trainings on the same rows (``benchmarks/calibration/noise.py``): there it was
a quarter at most where training sets are large enough to overlap much. Twice that is assumed, since a wrong guess shows
in no study. docs/statistics.md has the coverage on both sides of this choice.
"""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The sizes of a paired study.

    Attributes:
        design: ``"fixed"``: every repeat tests the same given rows. ``"rotating"``: test folds rotate.
        num_repeats: R, the repeats.
        num_rows: Rows tested at least once.
        num_columns: N, all rows that could be tested; in the rotating design the whole of the labelled data.
        units_per_repeat: The independent units that one repeat tests: rows, or clusters of rows that belong together.
            Clusters that differ in size count as so many equal ones as would have the same load (Kish 1965).
        unit_load: Sum over units of the squared weight with which a unit enters the mean; 1 / number when all are
            equal.
        num_units: Units among all N rows, counted as for ``units_per_repeat``.
        train_size: Rows in the training budget of one repeat.
        training_correlation: The correlation of the training noise of two repeats, in [0, 1); 0 in the fixed design.
    """

    design: Design
    num_repeats: int
    num_rows: int
    num_columns: int
    units_per_repeat: float
    unit_load: float
    num_units: float
    train_size: int
    training_correlation: float

    @property
    def is_measurable(self) -> bool:
        """Whether there is anything to estimate noise from: one repeat, or one unit, shows none."""
        return self.num_repeats >= 2 and self.unit_load < 1 - 1e-9


def layout_of(
    tested: NDArray[np.bool_], *, design: Design, train_size: int, clusters: NDArray[np.int64] | None = None
) -> Layout:
    """Derives the layout from the pattern of tested entries.

    Two training sets of n rows, drawn from the rows that their repeats do not test (pools P and Q), share
    n * |P and Q| / (|P| |Q|) of their rows on average. ``ROW_SHARE`` of that is the correlation of their noise.

    Args:
        tested: (R, N) bool, True where repeat r tested row i.
        design: See :class:`Layout`.
        train_size: Rows in the training budget of one repeat.
        clusters: (N,) the unit of every row, as numbered by :func:`checked_clusters`; None where each row is one.

    Returns:
        The layout.

    Raises:
        InputError: If the pattern, the design or the training size cannot be.
    """
    if design not in ("fixed", "rotating"):
        raise InputError(f"The design must be 'fixed' or 'rotating'; it is {design!r}.")
    if train_size < 1:
        raise InputError(f"The training size must be at least 1 row; it is {train_size}.")
    num_repeats, num_columns = tested.shape
    counts = tested.sum(axis=1)
    if design == "fixed" and not tested.all():
        repeat, row = (int(place[0]) for place in np.nonzero(~tested))
        raise InputError(
            f"In the fixed design every repeat tests every row, but repeat {repeat} has no score for row {row} "
            f"(and {int((~tested).sum()) - 1} more are missing). Complete the repeats, or use design='rotating'."
        )
    if not counts.all():
        raise InputError(f"Every repeat must test at least one row; repeat {int(np.argmin(counts))} tests none.")
    if design == "rotating" and train_size >= num_columns:
        raise InputError(
            f"In the rotating design training rows come from the {num_columns} rows of the matrix that a repeat does "
            f"not test, so the training size must be smaller; it is {train_size}. "
            "Give one column per labelled row, tested or not."
        )
    units = np.arange(num_columns) if clusters is None else clusters
    of_repeats = np.stack([np.bincount(units, weights=row) for row in tested / counts[:, None]])
    of_columns = np.bincount(units) / num_columns
    return Layout(
        design=design,
        num_repeats=num_repeats,
        num_rows=int(tested.any(axis=0).sum()),
        num_columns=num_columns,
        units_per_repeat=float((1 / np.square(of_repeats).sum(axis=1)).mean()),
        unit_load=float(np.square(of_repeats.mean(axis=0)).sum()),
        num_units=float(1 / np.square(of_columns).sum()),
        train_size=train_size,
        training_correlation=ROW_SHARE * _training_overlap(tested, train_size) if design == "rotating" else 0.0,
    )


def _training_overlap(tested: NDArray[np.bool_], train_size: int) -> float:
    """Returns the mean share of training rows that two repeats have in common, in [0, 1]."""
    num_repeats = len(tested)
    if num_repeats < 2:
        return 0.0
    pools = (~tested).astype(np.float64)
    sizes = np.maximum(pools.sum(axis=1), 1.0)
    # A product of counts is exact in float64, whatever order BLAS adds in.
    shared = train_size * (pools @ pools.T) / np.outer(sizes, sizes)
    pairs = shared[np.triu_indices(num_repeats, k=1)]
    return float(np.minimum(pairs, 1.0).mean())


def checked_scores(scores: Mapping[str, NDArray[np.floating]], names: tuple[str, ...]) -> dict[str, Floats]:
    """Returns the named score matrices as float64 after checking that they are paired.

    Args:
        scores: Policy name to an (R, N) matrix; NaN where repeat r did not test row i.
        names: The policies wanted; the first sets the pattern that all others must have.

    Returns:
        Name to (R, N) float64, in the order of ``names``.

    Raises:
        InputError: If a name is missing or double, or a matrix has another shape, pattern, or infinite entries.
    """
    if missing := [name for name in names if name not in scores]:
        raise InputError(f"No scores for {', '.join(missing)}. There are scores for: {', '.join(sorted(scores))}.")
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"Each policy is compared once, in one role, but named twice: {', '.join(doubled)}.")
    matrices = {name: np.asarray(scores[name], dtype=np.float64) for name in names}
    first = matrices[names[0]]
    for name, matrix in matrices.items():
        if matrix.ndim != 2 or not matrix.size:
            raise InputError(f"The scores of {name} must be a matrix (repeats, rows); their shape is {matrix.shape}.")
        if matrix.shape != first.shape:
            raise InputError(
                f"All policies must be tested on the same repeats and rows, but the scores of {names[0]} have shape "
                f"{first.shape} and those of {name} {matrix.shape}."
            )
        unpaired = np.isnan(matrix) != np.isnan(first)
        if unpaired.any() or np.isinf(matrix).any():
            repeat, row = (int(place[0]) for place in np.nonzero(unpaired | np.isinf(matrix)))
            raise InputError(
                f"All policies must have a finite score at the same places, but at repeat {repeat}, row {row} {name} "
                f"has {matrix[repeat, row]} and {names[0]} has {first[repeat, row]}. Run the missing trials, or drop "
                "the repeat for every policy."
            )
    return matrices


def checked_clusters(clusters: NDArray[np.generic] | Sequence[object] | None, num_columns: int) -> Clusters:
    """Returns the unit of every row, numbered from 0 in the order of first occurrence; None where each row is one.

    Args:
        clusters: (N,) anything that is equal within a cluster: the document, the author, the question of every row.
        num_columns: N.

    Returns:
        (N,) int64, or None.

    Raises:
        InputError: If there is not one for every row.
    """
    if clusters is None:
        return None
    named = list(clusters)
    if np.ndim(named) != 1 or len(named) != num_columns:
        raise InputError(
            f"Clusters need one entry for each of the {num_columns} rows of the scores; their shape is "
            f"{np.shape(named)}."
        )
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in named], dtype=np.int64)
