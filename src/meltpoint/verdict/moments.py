"""The moments of paired differences: everything that intervals, correlations and regrets are computed from.

With d[r, i] the difference between a policy and the baseline in repeat r on row i, in points, the model is

    d[r, i] = gain + T[r] + X[i] + E[r, i]

with training noise T (the draw of training rows, the seed), example noise X (some rows favour one policy) and a
residual E. T is shared by all rows of a repeat, X by all repeats that test the row: the design is crossed. Where rows
come in clusters (the sentences of a document), X and E may agree within a cluster.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meltpoint.verdict.layout import Clusters, Floats, Layout

POINTS = 100.0
"""Points per unit of score: an accuracy of 0.813 is 81.3 points."""

RULE_OF_THREE = 1.5
"""Where no unit of N disagrees, the share that does is below 3 / N with 95% probability (Hanley & Lippman-Hand 1983):
two standard errors of this many units."""

_ROUNDING = 1e-6
"""Standard errors below a millionth of a point are rounding errors."""


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

    @property
    def unit_variances(self) -> Floats:
        """(P,) the variance of one unit's difference: X and E together."""
        repeats = self.layout.num_repeats
        of_one_repeat = np.diag(self.testing) + np.diag(self.explained) * (repeats - 1) / repeats
        variances: Floats = of_one_repeat * self.layout.units_per_repeat
        return variances

    def of_policy(self, index: int) -> "Moments":
        """Returns the moments of one policy alone, P = 1."""
        chosen = slice(index, index + 1)
        return replace(
            self,
            gains=self.gains[chosen],
            testing=self.testing[chosen, chosen],
            between=self.between[chosen, chosen],
            explained=self.explained[chosen, chosen],
        )


def paired_moments(
    differences: Floats, tested: NDArray[np.bool_], layout: Layout, clusters: Clusters = None
) -> Moments:
    """Computes the moments of P paired differences.

    Residuals, e[r, i] = d[r, i] - mean of repeat r, are added within a unit before they are squared: over the repeats
    that tested a row, so a row tested often is not mistaken for many rows, and over the rows of a cluster, so rows that
    agree because they belong together are not mistaken for independent ones (Liang & Zeger 1986). In the fixed design
    without clusters ``testing`` is MS_rows / (R N), ``between`` MS_repeats / N and ``explained`` MS_residual / N of the
    two-way ANOVA. Where no unit differs from the others, ``testing`` is what ``RULE_OF_THREE`` makes of their number.

    Args:
        differences: (P, R, N) float64 in points; entries where ``tested`` is False are ignored.
        tested: (R, N) bool.
        layout: The layout of ``tested``.
        clusters: (N,) the unit of every row; None where each row is one.

    Returns:
        The moments.
    """
    num_policies, num_repeats, num_columns = differences.shape
    means = np.empty((num_policies, num_repeats))
    units = np.arange(num_columns) if clusters is None else clusters
    unit_sums = np.zeros((num_policies, int(units.max()) + 1))
    squares = np.zeros((num_policies, num_policies))
    for repeat in range(num_repeats):
        rows = np.flatnonzero(tested[repeat])
        found = differences[:, repeat, rows]
        means[:, repeat] = found.mean(axis=1)
        residuals = (found - means[:, repeat, None]) / (num_repeats * len(rows))
        if clusters is not None:
            present, place, sizes = np.unique(units[rows], return_inverse=True, return_counts=True)
            residuals = np.stack([np.bincount(place, weights=one, minlength=len(present)) for one in residuals])
            num_units = len(rows) ** 2 / np.square(sizes).sum()
        else:
            present, num_units = rows, len(rows)
        # The square root makes the sum of squares an unbiased variance of the mean; one unit alone shows no spread.
        residuals *= np.sqrt(num_units / (num_units - 1)) if num_units > 1 else 1.0
        unit_sums[:, present] += residuals
        squares += cross(residuals)
    testing = cross(unit_sums)
    if num_repeats < 2:
        between = explained = np.zeros_like(testing)
    else:
        between = cross(means - means.mean(axis=1, keepdims=True)) / (num_repeats - 1)
        # E[between] holds R / (R - 1) times the mean variance of a repeat less the variance of the whole.
        explained = (num_repeats * num_repeats * squares - num_repeats * testing) / (num_repeats - 1)
    # Units that all agree do not prove that none ever disagrees.
    silent = np.flatnonzero(np.diag(testing) < _ROUNDING**2)
    testing[silent, silent] = (RULE_OF_THREE * POINTS * layout.unit_load) ** 2
    return Moments(layout=layout, gains=means.mean(axis=1), testing=testing, between=between, explained=explained)


def cross(values: Floats) -> Floats:
    """Returns ``values @ values.T`` for (P, K), summed without BLAS: the same bits with any number of threads."""
    product: Floats = np.einsum("pk,qk->pq", values, values)
    return product
