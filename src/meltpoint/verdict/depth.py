"""Does the gain from fine-tuning change with the depth of the model? A line through the gains of several depths."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.verdict.intervals import Interval, compare_pair
from meltpoint.verdict.layout import Design, Floats


@dataclass(frozen=True, kw_only=True)
class DepthEffect:
    """How the gain of a policy changes from the shallowest to the deepest of several architectures.

    Attributes:
        family: What the architectures have in common, ``lstm`` say; or ``all``.
        policy: Whose gain over the baseline it is.
        depths: Layers by architecture, from few to many.
        gains: Mean gain by architecture, in points.
        difference: Of the gain, from the smallest depth to the largest, in points: below zero, it shrinks.
    """

    family: str
    policy: str
    depths: Mapping[str, int]
    gains: Mapping[str, float]
    difference: Interval

    @property
    def shallow(self) -> str:
        """The architecture with the fewest layers; the first of several."""
        return min(self.depths, key=lambda name: self.depths[name])

    @property
    def deep(self) -> str:
        """The architecture with the most layers; the first of several."""
        return max(self.depths, key=lambda name: self.depths[name])

    @property
    def sentence(self) -> str:
        """What it says about the claim that the gain shrinks as layers are added."""
        change = self.difference
        if not np.isfinite(change.low):
            found = "one repeat does not show how sure that is"
        elif change.high < 0:
            found = "it shrinks with depth"
        elif change.low > 0:
            found = "it grows with depth"
        else:
            found = "whether it changes with depth is not decided"
        interval = f" (95% interval {change.low:+.1f} to {change.high:+.1f})" if np.isfinite(change.low) else ""
        if len(self.depths) == 2:
            gains = self.gains[self.shallow], self.gains[self.deep]
            where = f"from {gains[0]:+.1f} points under {self.shallow} to {gains[1]:+.1f} under {self.deep}"
        else:
            fewest, most = self.depths[self.shallow], self.depths[self.deep]
            where = f"from {fewest} to {most} layers, by a line through {len(self.depths)} architectures"
        return f"The gain of '{self.policy}' changes by {change.points:+.1f} points{interval} {where}: {found}."


def compare_depths(
    gains: Mapping[str, NDArray[np.floating]],
    depths: Mapping[str, int],
    *,
    family: str,
    policy: str,
    design: Design,
    train_size: int,
    level: float,
    clusters: NDArray[np.int64] | None = None,
) -> DepthEffect:
    """Fits a line through the gains over the depths, paired by repeat and by row.

    All architectures of a study are trained and tested on the same rows, so that the least-squares line, taken from the
    smallest depth to the largest, is a score of each row in each repeat,

        d[r, i] = (max - min) * sum_a (depth_a - mean) gain_a[r, i] / sum_a (depth_a - mean)^2,

    and its mean has the crossed interval of any paired difference. Of two architectures it is the difference of their
    gains.

    Args:
        gains: Architecture to ``(R, N)`` score of the policy less score of the baseline; NaN where repeat r did not
            test row i.
        depths: Layers by architecture; at least two differ.
        family: What the architectures have in common.
        policy: Whose gain it is.
        design: ``"fixed"`` or ``"rotating"``.
        train_size: Rows in the training budget of one repeat.
        level: The error of the interval: 0.05 for 95%.
        clusters: As :func:`compare_pair` has them.

    Returns:
        The difference in points, with its interval.

    Raises:
        InputError: The depths do not differ, or the matrices are not paired.
    """
    names = sorted(depths, key=lambda name: depths[name])
    layers = np.array([depths[name] for name in names], dtype=np.float64)
    if not names or layers[0] == layers[-1]:
        raise InputError(f"Depths can only be compared where they differ; found {dict(depths)}.")
    centred = layers - layers.mean()
    weights = centred * (layers[-1] - layers[0]) / np.square(centred).sum()
    matrices: list[Floats] = [np.asarray(gains[name], dtype=np.float64) for name in names]
    if len({matrix.shape for matrix in matrices}) > 1 or any(
        (np.isnan(matrix) != np.isnan(matrices[0])).any() for matrix in matrices
    ):
        raise InputError(f"All of {', '.join(names)} must be tested on the same rows in the same repeats.")
    change = sum((weight * matrix for weight, matrix in zip(weights, matrices, strict=True)), np.zeros(1))
    nothing = np.where(np.isnan(change), np.nan, 0.0)
    return DepthEffect(
        family=family,
        policy=policy,
        depths={name: depths[name] for name in names},
        gains={
            name: float(100 * np.nanmean(matrix, axis=1).mean()) for name, matrix in zip(names, matrices, strict=True)
        },
        difference=compare_pair(change, nothing, design=design, train_size=train_size, level=level, clusters=clusters),
    )
