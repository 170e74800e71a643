"""Pseudo-values: a metric that is no mean over units, written as one.

All that ``meltpoint.verdict`` does rests on one score per unit (a row, a question, a sentence) and on means of scores.
Accuracy is such a mean; macro-F1, micro-F1 and F1 of entities are functions of counts summed over all units. What a
unit contributes to them is told by leaving it out: Tukey 1958; Efron & Tibshirani 1993, chapter 11.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.verdict.layout import Floats

Statistic = Callable[[Floats], Floats]
"""From summed counts, of shape (.., K), to the metric, of shape (..)."""


def pseudo_values(counts: NDArray[np.floating], statistic: Statistic) -> Floats:
    """Returns the jackknife pseudo-values of a metric that is a function of summed counts.

    With S the counts summed over all N units and c[i] those of unit i,

        pseudo[i] = N * f(S) - (N - 1) * f(S - c[i]).

    Their mean stands for the metric: it is f(S) less the jackknife's estimate of its bias, and differs from f(S) by
    O(1 / N). Their variance over N is the jackknife variance of the metric. For a mean, f = sum of scores / sum of
    ones, they are the scores themselves. The metric must be smooth in the counts: a median or a maximum is not.

    Args:
        counts: (N, K): of each unit, what is added up: true positives, false positives, ... by class, for instance.
        statistic: The metric of summed counts, vectorised over leading axes. It says itself what it is where nothing
            was counted (0 for an F1 whose class occurs nowhere, say).

    Returns:
        (N,) float64.

    Raises:
        InputError: If there are fewer than two units, or the statistic has the wrong shape or is not finite.

    >>> right_and_rows = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    >>> pseudo_values(right_and_rows, lambda sums: sums[..., 0] / sums[..., 1]).round(6)
    array([1., 0., 1.])
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2 or len(counts) < 2:
        raise InputError(
            f"Pseudo-values need the counts of at least two units, as a matrix (units, counts); their shape is "
            f"{counts.shape}."
        )
    num_units = len(counts)
    total = counts.sum(axis=0)
    whole = np.asarray(statistic(total), dtype=np.float64)
    without = np.asarray(statistic(total - counts), dtype=np.float64)
    if whole.shape != () or without.shape != (num_units,):
        raise InputError(
            f"The statistic must map counts of shape (.., {counts.shape[1]}) to one number each, shape (..); of "
            f"{total.shape} it made {whole.shape}, of {counts.shape} it made {without.shape}."
        )
    if not np.isfinite(whole) or not np.isfinite(without).all():
        unit = "all units" if not np.isfinite(whole) else f"all but unit {int(np.argmin(np.isfinite(without)))}"
        raise InputError(
            f"The statistic of the counts of {unit} is not finite. Let it return a number where nothing was counted."
        )
    # f(S) + (N - 1) (f(S) - f(S - c)): the same formula, but the same value for all where no unit matters.
    values: Floats = whole + (num_units - 1) * (whole - without)
    return values
