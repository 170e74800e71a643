"""The moments of paired differences: everything that intervals, correlations and regrets are computed from.

With d[r, i] the difference between a policy and the baseline in repeat r on row i, in points, the model is

    d[r, i] = gain + T[r] + X[i] + E[r, i]

with training noise T (the draw of training rows, the seed), example noise X (some rows favour one policy) and a
residual E. T is shared by all rows of a repeat, X by all repeats that test the row: the design is crossed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.verdict.layout import Floats, Layout


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Means and covariances of P paired differences, in points and points squared.

    Attributes:
        layout: The sizes of the study.
        gains: (P,) mean over repeats of the repeat means.
        testing: (P, P) covariance of the gains that the finite test set (X and E) causes.
        between: (P, P) covariance of the repeat means over repeats (R - 1 in the denominator); 0 when R = 1.
        explained: (P, P) the part of ``between`` that X and E explain.
    """

    layout: Layout
    gains: Floats
    testing: Floats
    between: Floats
    explained: Floats


def paired_moments(differences: Floats, tested: NDArray[np.bool_], layout: Layout) -> Moments:
    """Computes the moments of P paired differences.

    Rows are the clusters: a row's residuals, e[r, i] = d[r, i] - mean of repeat r, are added over the repeats that
    tested it before they are squared, so a row tested often is not mistaken for many rows. In the fixed design
    ``testing`` is MS_rows / (R N), ``between`` MS_repeats / N and ``explained`` MS_residual / N of the two-way ANOVA.

    Args:
        differences: (P, R, N) float64 in points; entries where ``tested`` is False are ignored.
        tested: (R, N) bool.
        layout: The layout of ``tested``.

    Returns:
        The moments.
    """
    num_policies, num_repeats, num_columns = differences.shape
    means = np.empty((num_policies, num_repeats))
    row_sums = np.zeros((num_policies, num_columns))
    squares = np.zeros((num_policies, num_policies))
    for repeat in range(num_repeats):
        rows = np.flatnonzero(tested[repeat])
        found = differences[:, repeat, rows]
        means[:, repeat] = found.mean(axis=1)
        # The square root makes the sum of squares an unbiased variance of the mean; one row alone shows no spread.
        unbias = np.sqrt(len(rows) / max(len(rows) - 1, 1))
        residuals = (found - means[:, repeat, None]) * (unbias / (num_repeats * len(rows)))
        row_sums[:, rows] += residuals
        squares += cross(residuals)
    testing = cross(row_sums)
    if num_repeats < 2:
        between = explained = np.zeros_like(testing)
    else:
        between = cross(means - means.mean(axis=1, keepdims=True)) / (num_repeats - 1)
        # E[between] holds R / (R - 1) times the mean variance of a repeat less the variance of the whole.
        explained = (num_repeats * num_repeats * squares - num_repeats * testing) / (num_repeats - 1)
    return Moments(layout=layout, gains=means.mean(axis=1), testing=testing, between=between, explained=explained)


def cross(values: Floats) -> Floats:
    """Returns ``values @ values.T`` for (P, K), summed without BLAS: the same bits with any number of threads."""
    product: Floats = np.einsum("pk,qk->pq", values, values)
    return product
