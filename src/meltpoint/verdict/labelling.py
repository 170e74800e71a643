"""What more labelled rows would bring: the learning curve of a policy's score, drawn on beyond the sizes measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from meltpoint.errors import InputError
from meltpoint.verdict.curve import fit_curve
from meltpoint.verdict.intervals import Interval, checked_level
from meltpoint.verdict.joint import joint_estimates
from meltpoint.verdict.layout import Design, checked_clusters, checked_scores
from meltpoint.verdict.melting import MIN_SIZES

NEXT_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Growth(Interval):
    """What more rows would bring one policy, in points.

    Attributes:
        policy: Whose score.
        model: The shape that carries most weight in its learning curve.
    """

    policy: str
    model: str


@dataclass(frozen=True, kw_only=True)
class NextRows:
    """What labelling more rows would bring.

    Attributes:
        size: The training size from which they are counted: the largest measured.
        rows: How many more.
        growth: Of each policy asked for.
    """

    size: int
    rows: int
    growth: tuple[Growth, ...]


def next_rows(
    scores_by_size: Mapping[int, Mapping[str, NDArray[np.floating]]],
    *,
    policies: Sequence[str],
    design: Design,
    level: float = 0.05,
    rows: int = NEXT_ROWS,
    clusters: Sequence[object] | NDArray[np.generic] | None = None,
) -> NextRows | None:
    """Foretells what ``rows`` more training rows would bring to each policy's score.

    A learning curve is fitted to the mean scores (:func:`~meltpoint.verdict.curve.fit_curve`), and its rise from the
    largest size on is read off, with an interval from the joint covariance over sizes: the luck of the test set is the
    same at all of them and leaves the rise. Shapes that fit equally well and differ beyond the data widen the interval.
    No curve is drawn further than to twice the largest size.

    Args:
        scores_by_size: Training size to policy name to an (R, N) matrix, NaN where untested.
        policies: Whose curves are wanted.
        design: ``"fixed"`` or ``"rotating"``.
        level: The error of each interval.
        rows: More rows; at most as many as the largest size are answered for.
        clusters: (N,) what rows belong to that are not independent of one another.

    Returns:
        The growth, or None: fewer than three sizes whose noise can be measured.

    Raises:
        InputError: If the matrices are not paired, a policy is missing, or an argument cannot be.
    """
    checked_level(level)
    if rows < 1:
        raise InputError(f"The further rows must be at least 1; they are {rows}.")
    checked = {size: checked_scores(scores, tuple(policies)) for size, scores in scores_by_size.items()}
    columns = next(iter(next(iter(checked.values())).values())).shape[1]
    scores = joint_estimates(checked, design=design, clusters=checked_clusters(clusters, columns))
    if len(scores.sizes) < MIN_SIZES:
        return None
    largest = scores.sizes[-1]
    more = min(rows, largest)
    critical = float(student_t.isf(level / 2, scores.df))
    growth = []
    for policy in policies:
        index = scores.names.index(policy)
        curve = fit_curve(scores.sizes, scores.points[index], scores.covariance[index, :, index, :], interpolate=False)
        points, error = curve.change(largest, largest + more)
        growth.append(
            Growth(
                policy=policy,
                model=curve.model,
                points=points,
                low=points - critical * error,
                high=points + critical * error,
                standard_error=error,
                df=scores.df,
            )
        )
    return NextRows(size=largest, rows=more, growth=tuple(growth))
