"""Standard error and interval of one paired gain: the building block of every comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from meltpoint.errors import InputError
from meltpoint.verdict.layout import Design, Layout, checked_clusters, checked_scores, layout_of
from meltpoint.verdict.moments import POINTS, Moments, paired_moments
from meltpoint.verdict.pooling import pooled_training
from meltpoint.verdict.prior import Variance


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A gain with its uncertainty, in points.

    Attributes:
        points: The estimate.
        low: Lower end; -inf where nothing shows the noise (one repeat, or one row).
        high: Upper end; inf likewise.
        standard_error: Of ``points``; inf likewise.
        df: Degrees of freedom of the t distribution behind the interval; 0 likewise.
    """

    points: float
    low: float
    high: float
    standard_error: float
    df: float


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Where the uncertainty of one gain comes from, in points squared, so that a larger study can be foretold.

    The variance of the gain is ``testing + (1 / R + c) * training``, with c = rho / (1 - rho) for training sets whose
    noise correlates by rho (0 in the fixed design).

    Attributes:
        layout: The sizes of the study it was measured in.
        testing: Variance of the gain that the finite test set causes.
        explained: Variance of the repeat means that the finite test set causes.
        training: Variance of the training noise that differs between repeats.
    """

    layout: Layout
    testing: float
    explained: float
    training: Variance

    def standard_error(self) -> tuple[float, float]:
        """Returns the standard error of the gain in points and its degrees of freedom, Satterthwaite's 1946."""
        layout = self.layout
        if not layout.is_measurable:
            return np.inf, 0.0
        unit_df = 1 / layout.unit_load - 1
        rho = layout.training_correlation
        of_training = (1 / layout.num_repeats + rho / (1 - rho)) * self.training.value
        variance = self.testing + of_training
        spread = self.testing**2 / unit_df + of_training**2 / self.training.df
        # A variance of 1e-200 points squared has a square that underflows to 0: that is no noise at all.
        df = variance**2 / spread if spread > 0 else min(unit_df, self.training.df)
        return float(np.sqrt(variance)), df


def noise_of(moments: Moments, index: int, training: Variance) -> Noise:
    """Returns the noise of one gain.

    Args:
        moments: Of P gains.
        index: In (P,).
        training: Its training noise, of :func:`~meltpoint.verdict.pooling.pooled_training`.
    """
    return Noise(
        layout=moments.layout,
        testing=float(moments.testing[index, index]),
        explained=float(moments.explained[index, index]),
        training=training,
    )


def interval_around(points: float, standard_error: float, df: float, level: float) -> Interval:
    """Returns ``points`` -+ t(1 - level / 2, df) standard errors; the whole line if the standard error is infinite."""
    half_width = float(student_t.isf(level / 2, df)) * standard_error if np.isfinite(standard_error) else np.inf
    return Interval(
        points=points, low=points - half_width, high=points + half_width, standard_error=standard_error, df=df
    )


def compare_pair(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    *,
    design: Design,
    train_size: int,
    level: float,
    clusters: Sequence[object] | NDArray[np.generic] | None = None,
) -> Interval:
    """Estimates how many points ``a`` is better than ``b``, paired by repeat and by row.

    Args:
        a: (R, N) scores; NaN where repeat r did not test row i.
        b: (R, N) scores with NaN at the same places.
        design: ``"fixed"`` or ``"rotating"``.
        train_size: Rows in the training budget of one repeat.
        level: The error of the interval: 0.05 for 95%.
        clusters: (N,) what rows belong to that are not independent of one another (a document, a question); None where
            each stands for itself.

    Returns:
        The interval of mean(a - b) x 100. With one repeat, or one row or cluster, it is the whole line.

    Raises:
        InputError: If the matrices are not paired, or design, size or level cannot be.
    """
    checked_level(level)
    matrices = checked_scores({"a": a, "b": b}, ("a", "b"))
    tested = ~np.isnan(matrices["a"])
    units = checked_clusters(clusters, tested.shape[1])
    layout = layout_of(tested, design=design, train_size=train_size, clusters=units)
    moments = paired_moments(POINTS * (matrices["a"] - matrices["b"])[None], tested, layout, units)
    noise = noise_of(moments, 0, pooled_training([moments])[0][0])
    return interval_around(float(moments.gains[0]), *noise.standard_error(), level)


def checked_level(level: float) -> float:
    """Returns the level if it is an error probability.

    Raises:
        InputError: If it does not lie strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"The level is an error probability such as 0.05, between 0 and 1; it is {level}.")
    return level
