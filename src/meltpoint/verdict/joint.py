"""Estimates at all training sizes of a study at once, with the covariance of their errors.

Sizes are not independent: they test the same rows, and a smaller training set is part of a larger one. What a curve
over sizes shows, and where it crosses a line, hangs on that covariance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.verdict.intervals import noise_of
from meltpoint.verdict.layout import Clusters, Design, Floats, checked_clusters, checked_scores, layout_of
from meltpoint.verdict.moments import POINTS, Moments, paired_moments
from meltpoint.verdict.pooling import SHARED_CORRELATION, pooled_training


@dataclass(frozen=True, kw_only=True, eq=False)
class JointEstimates:
    """P series of means over S training sizes, in points, with the joint distribution of their errors.

    Attributes:
        names: The P series.
        sizes: The S training sizes at which noise could be measured, rising.
        points: (P, S) estimates.
        covariance: (P, S, P, S) of their errors.
        df: Degrees of freedom of the t distribution behind intervals: the least of all.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    points: Floats
    covariance: Floats
    df: float

    @property
    def standard_errors(self) -> Floats:
        """(P, S) standard errors."""
        flat = self.covariance.reshape(self.points.size, self.points.size)
        spread: Floats = np.sqrt(np.diag(flat)).reshape(self.points.shape)
        return spread

    @property
    def correlation(self) -> Floats:
        """(P * S, P * S) correlation of the errors, series by series; what has no noise correlates with nothing."""
        flat = self.covariance.reshape(self.points.size, self.points.size)
        spread = self.standard_errors.ravel()
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
        correlation: Floats = np.clip(flat * np.outer(scale, scale), -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return correlation


def joint_gains(
    scores_by_size: Mapping[int, Mapping[str, NDArray[np.floating]]],
    *,
    baseline: str = "frozen",
    design: Design,
    candidates: Sequence[str],
    clusters: Sequence[object] | NDArray[np.generic] | None = None,
) -> JointEstimates:
    """Estimates every candidate's gain over the baseline at all training sizes; see :func:`joint_estimates`.

    Args:
        scores_by_size: Training size to policy name to an (R, N) matrix of scores, NaN where untested.
        baseline: The policy that the others are compared with.
        design: ``"fixed"`` or ``"rotating"``.
        candidates: The policies whose gains are wanted.
        clusters: (N,) what rows belong to that are not independent of one another.

    Returns:
        The gains, in points.

    Raises:
        InputError: If the matrices are not paired.
    """
    gained: dict[int, dict[str, Floats]] = {}
    units: Clusters = None
    for size, scores in scores_by_size.items():
        matrices = checked_scores(scores, (baseline, *candidates))
        units = checked_clusters(clusters, matrices[baseline].shape[1])
        gained[size] = {name: matrices[name] - matrices[baseline] for name in candidates}
    return joint_estimates(gained, design=design, clusters=units)


def joint_estimates(
    values_by_size: Mapping[int, Mapping[str, NDArray[np.floating]]], *, design: Design, clusters: Clusters = None
) -> JointEstimates:
    """Estimates the means of several series at every training size, and how their errors go together.

    The variance of each estimate is that of ``compare_sizes``: noise of the finite test set, plus training noise pooled
    over the study. The covariance of two adds

    - of the test set: the sum over units of the products of their residuals, over the repeats that both sizes have;
    - of training: the product of the two standard deviations, times how two series correlate over rows, times
      ``SHARED_CORRELATION`` between sizes. Few repeats cannot show the latter, and nested training sets make it
      positive: without it, a curve fitted to several sizes would be too sure of its height.

    Args:
        values_by_size: Training size to name to an (R, N) matrix in units of the metric, NaN where untested: scores, or
            differences of scores. The pattern is the same for all names, and for all sizes as far as they have
            the repeat. R may differ.
        design: ``"fixed"`` or ``"rotating"``.
        clusters: (N,) unit of every row.

    Returns:
        The estimates, of the sizes with at least two repeats and two units.
    """
    names = tuple(sorted(next(iter(values_by_size.values()))))
    of_sizes: dict[int, Moments] = {}
    stacks: dict[int, tuple[Floats, NDArray[np.bool_]]] = {}
    for size in sorted(values_by_size):
        stack = POINTS * np.stack([np.asarray(values_by_size[size][name], dtype=np.float64) for name in names])
        tested = ~np.isnan(stack[0])
        layout = layout_of(tested, design=design, train_size=size, clusters=clusters)
        if layout.is_measurable:
            stacks[size] = stack, tested
            of_sizes[size] = paired_moments(stack, tested, layout, clusters)
    sizes, moments = tuple(of_sizes), list(of_sizes.values())
    if not sizes:
        return JointEstimates(
            names=names, sizes=(), points=np.empty((len(names), 0)), covariance=np.empty((len(names), 0) * 2), df=0.0
        )
    noises = [
        [noise_of(one, index, estimate) for index, estimate in enumerate(pooled)]
        for one, pooled in zip(moments, pooled_training(moments), strict=True)
    ]
    errors = np.array([[noise.standard_error() for noise in at_size] for at_size in noises])  # (S, P, 2)
    testing_variance = np.array([[noise.testing for noise in at_size] for at_size in noises]).T
    training_variance = np.maximum(np.square(errors[..., 0]).T - testing_variance, 0.0)

    testing = _shared_rows(list(stacks.values()), design, clusters)
    scale = np.sqrt(np.outer(testing_variance.ravel(), testing_variance.ravel()))
    deviation = np.sqrt(training_variance)
    alike = _correlation_over_rows(moments)
    between_sizes = np.full((len(sizes),) * 2, SHARED_CORRELATION)
    np.fill_diagonal(between_sizes, 1.0)
    training = np.einsum("ps,qt,pq,st->psqt", deviation, deviation, alike, between_sizes)
    return JointEstimates(
        names=names,
        sizes=sizes,
        points=np.stack([one.gains for one in moments], axis=1),
        covariance=(testing * scale).reshape(training.shape) + training,
        df=float(errors[..., 1].min()),
    )


def _shared_rows(stacks: Sequence[tuple[Floats, NDArray[np.bool_]]], design: Design, clusters: Clusters) -> Floats:
    """Returns the (P * S, P * S) correlation of what the finite test set adds, over the repeats that all sizes have."""
    common = min(len(tested) for _, tested in stacks)
    tested = stacks[0][1][:common]
    together = np.stack([stack[:, :common] for stack, _ in stacks], axis=1)
    together = together.reshape(-1, *tested.shape)
    # The training size enters the layout alone, and of the layout nothing enters ``testing``.
    layout = layout_of(tested, design=design, train_size=1, clusters=clusters)
    return _correlation(paired_moments(together, tested, layout, clusters).testing)


def _correlation_over_rows(moments: Sequence[Moments]) -> Floats:
    """Returns the (P, P) correlation of the series over rows, of all sizes together."""
    return _correlation(np.sum([one.testing for one in moments], axis=0))


def _correlation(covariance: Floats) -> Floats:
    spread = np.sqrt(np.diag(covariance))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    correlation: Floats = np.clip(covariance * np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return correlation
