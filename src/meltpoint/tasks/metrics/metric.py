"""What a metric is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Rows with what they are and what was predicted.

    Attributes:
        labels: ``(n, ...)``.
        predicted: The same shape.
        units: ``(n,)`` int64, the unit of each row: its own number, or its group's.
        classes: Names of the classes.
    """

    labels: IntArray
    predicted: IntArray
    units: IntArray
    classes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric from 0 to 1, the higher the better.

    Attributes:
        name: As written after ``--metric``.
        tally: Returns ``(U,)`` the units that count, ascending, and ``(U, k)`` what each adds.
        statistic: From sums ``(.., k)`` of what units add to the metric ``(..)``; None where the metric is the mean of
            one score for each unit, ``k = 1``.
    """

    name: str
    tally: Callable[[Judged], tuple[IntArray, Floats]]
    statistic: Callable[[Floats], Floats] | None = None

    def score(self, judged: Judged) -> float:
        """Returns the metric over all units; 0 where none counts."""
        _, tallies = self.tally(judged)
        if not len(tallies):
            return 0.0
        if self.statistic is None:
            return float(tallies[:, 0].mean())
        return float(self.statistic(tallies.sum(axis=0)))


def f1(true_positives: Floats, false_positives: Floats, false_negatives: Floats) -> Floats:
    """Returns ``2 tp / (2 tp + fp + fn)``; 0 where there is nothing to find and nothing was found, as scikit-learn."""
    both = 2 * true_positives
    total = both + false_positives + false_negatives
    scores: Floats = np.divide(both, total, out=np.zeros_like(total), where=total > 0)
    return scores


def of_rows(judged: Judged, tallies: Floats) -> tuple[IntArray, Floats]:
    """Returns units and tallies where every row is a unit of its own, ``(n, k)``."""
    order = np.argsort(judged.units, kind="stable")
    return judged.units[order], tallies[order]
