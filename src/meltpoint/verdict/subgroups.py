"""Paired gains within a part of the rows, and whether the gain there differs from the gain on the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.verdict.intervals import Interval, compare_pair
from meltpoint.verdict.layout import Design, Floats, checked_scores


@dataclass(frozen=True, kw_only=True)
class SubgroupGains:
    """How much one policy is better than another on some rows, and on the others; in points.

    Attributes:
        inside: The gain on the rows of the group.
        outside: The gain on the other rows.
        difference: ``outside`` less ``inside``.
        mean_scores: Mean scores in points: (first policy inside, second inside, first outside, second outside).
        share: Share of the tested rows that are of the group.
        num_repeats: Repeats that test rows of both kinds; others say nothing here.
    """

    inside: Interval
    outside: Interval
    difference: Interval
    mean_scores: tuple[float, float, float, float]
    share: float
    num_repeats: int


def compare_subgroups(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    group: NDArray[np.bool_],
    *,
    design: Design,
    train_size: int,
    level: float,
    clusters: NDArray[np.int64] | None = None,
) -> SubgroupGains | None:
    """Estimates how many points ``a`` is better than ``b`` on the rows of a group and on the others.

    The mean over a group is a ratio, and a group may be another one in each repeat. With d = a - b, m_g the mean of d
    over the n_g rows of the group that a repeat tests, and n all rows that it tests, the linearised values

        z[i] = m_g + (n / n_g) (d[i] - m_g)  where i is of the group, else m_g

    have the mean m_g and the residuals by which m_g varies. So the intervals of :func:`compare_pair` hold for them,
    and for differences of two of them. They vary more than the differences of a group of that size would, so more
    training noise is expected of a small group than of as many rows that are all: intervals are rather too wide.

    Args:
        a: (R, N) scores; NaN where repeat r did not test row i.
        b: (R, N) scores with NaN at the same places.
        group: (R, N) bool, which rows are of the group in which repeat.
        design: ``"fixed"`` or ``"rotating"``.
        train_size: Rows in the training budget of one repeat.
        level: The error of each interval: 0.05 for 95%.
        clusters: (N,) what rows belong to that are not independent of one another; None where each stands for itself.

    Returns:
        The gains; None where no repeat tests rows of both kinds.

    Raises:
        InputError: If the matrices are not paired, or design, size or level cannot be.
    """
    matrices = checked_scores({"a": a, "b": b}, ("a", "b"))
    tested = ~np.isnan(matrices["a"])
    inside, outside = tested & group, tested & ~group
    both = inside.any(axis=1) & outside.any(axis=1)
    if not both.any():
        return None
    first, second = matrices["a"][both], matrices["b"][both]
    inside, outside, tested = inside[both], outside[both], tested[both]
    within, without = (_linearised(first - second, part, tested) for part in (inside, outside))
    nothing = np.where(tested, 0.0, np.nan)

    def interval(values: Floats) -> Interval:
        return compare_pair(values, nothing, design=design, train_size=train_size, level=level, clusters=clusters)

    means = tuple(100 * _group_means(scores, part) for part in (inside, outside) for scores in (first, second))
    return SubgroupGains(
        inside=interval(within),
        outside=interval(without),
        difference=interval(without - within),
        mean_scores=(means[0], means[1], means[2], means[3]),
        share=float((inside.sum(axis=1) / tested.sum(axis=1)).mean()),
        num_repeats=int(both.sum()),
    )


def _linearised(differences: Floats, part: NDArray[np.bool_], tested: NDArray[np.bool_]) -> Floats:
    counts = part.sum(axis=1, keepdims=True)
    means = np.where(part, differences, 0.0).sum(axis=1, keepdims=True) / counts
    weights = tested.sum(axis=1, keepdims=True) / counts
    values: Floats = np.where(part, means + weights * (differences - means), means)
    return np.where(tested, values, np.nan)


def _group_means(scores: Floats, part: NDArray[np.bool_]) -> float:
    return float((np.where(part, scores, 0.0).sum(axis=1) / part.sum(axis=1)).mean())
