"""The melting point: the training size from which fine-tuning beats freezing by more than the ROPE."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from meltpoint.errors import InputError
from meltpoint.randomness import generator
from meltpoint.verdict.comparison import Comparison, checked_rope
from meltpoint.verdict.curve import FittedCurve, fit_curve
from meltpoint.verdict.joint import JointEstimates
from meltpoint.verdict.layout import Floats
from meltpoint.verdict.multiplicity import simultaneous_level

Kind = Literal["below", "above", "between", "none", "unknown"]

MIN_SIZES = 3
"""Fewer sizes fit any line; the bracket is then read off the sizes themselves."""
_GRID_POINTS = 240


@dataclass(frozen=True, kw_only=True)
class MeltingPoint:
    """Where the melting point lies, in rows of training budget, within the sizes that were measured.

    Attributes:
        kind: ``between`` low and high; ``below`` high (melted from there on, nothing smaller shown solid); ``above``
            low (solid there, nothing larger shown melted for good); ``none``: melted at a smaller size, solid at a
            larger one; or ``unknown``.
        low: The largest size shown solid, or None.
        high: The smallest size from which on every size is shown melted, or None.
        estimate: Where the curve of the best policy crosses the ROPE for good, or None: no curve, or no crossing
            within the sizes measured.
        model: The shape that carries most weight in the leading policy's curve; None where sizes are too few for one.
        sentence: The same in plain words.
    """

    kind: Kind
    low: int | None
    high: int | None
    estimate: int | None
    model: str | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The gain of one policy at one training size, in points.

    Attributes:
        size: Rows in the training budget.
        policy: Whose gain over the baseline.
        points: The estimate.
        low: Lower end of the interval that holds for all policies at this size at once.
        high: Upper end.
        band_low: Lower end of the band that holds for all policies at all sizes at once.
        band_high: Upper end.
    """

    size: int
    policy: str
    points: float
    low: float
    high: float
    band_low: float
    band_high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """How candidates stood at one look at a study, at all sizes jointly: what curves are fitted to.

    Attributes:
        gains: Of all candidates that were in the study at that look, over the baseline.
        level: The error of that look.
        num_retired: Candidates given up before it.
        policies: Those that are read from this standing; None for all.
    """

    gains: JointEstimates
    level: float
    num_retired: int = 0
    policies: tuple[str, ...] | None = None

    @property
    def read(self) -> list[int]:
        """The places in ``gains.names`` of the policies that are read from this standing."""
        return [index for index, name in enumerate(self.gains.names) if self.policies is None or name in self.policies]


def gain_curve(
    comparisons: Mapping[int, Comparison], standings: Sequence[Standing], *, seed: int
) -> tuple[CurvePoint, ...]:
    """Returns every candidate's gain at every size, with a band that covers all of them at once.

    The band's level comes from the joint correlation over policies and sizes, as simultaneous intervals over policies
    do. A size whose noise is not measurable has no band: its ends are infinite.

    Args:
        comparisons: By training size.
        standings: Of the candidates still in the study, and of each that was given up, as it stood then.
        seed: The master seed of the simulation behind the band.

    Returns:
        Sizes from small to large, at each the candidates in the order of their comparison.
    """
    half_widths = {place: half for standing in standings for place, half in _band_half_widths(standing, seed).items()}
    points = []
    for size, comparison in sorted(comparisons.items()):
        for gain in comparison.candidates:
            half = half_widths.get((gain.policy, size), math.inf)
            points.append(
                CurvePoint(
                    size=size,
                    policy=gain.policy,
                    points=gain.points,
                    low=gain.low,
                    high=gain.high,
                    band_low=gain.points - half,
                    band_high=gain.points + half,
                )
            )
    return tuple(points)


def melting_point(
    comparisons: Mapping[int, Comparison],
    standings: Sequence[Standing],
    *,
    rope_points: float,
    seed: int,
    unit: str = "row",
) -> MeltingPoint:
    """Finds the melting point and its interval.

    A training size is *melted* when some candidate's lower end exceeds the ROPE, *solid* when no candidate's upper end
    does, and otherwise open. From three sizes on, a curve over log n is fitted to each candidate's gains
    (:func:`~meltpoint.verdict.curve.fit_curve`) and read at every size between the smallest and the largest: its
    interval holds for all candidates at once. The interval of the crossing is what is open: the sizes at which the
    curve is not distinguishable from the ROPE (Fieller 1954). With fewer sizes the bracket is read off the sizes
    measured, with a band that holds for all of them. Nothing is claimed beyond the sizes measured.

    Args:
        comparisons: By training size.
        standings: As for :func:`gain_curve`.
        rope_points: Half-width of the ROPE in points.
        seed: The master seed of the simulations behind simultaneous intervals.
        unit: What sizes count, as the sentence says it.

    Returns:
        The melting point.

    Raises:
        InputError: If there is no size, or the ROPE cannot be.
    """
    checked_rope(rope_points)
    if not comparisons:
        raise InputError("A melting point needs the comparison of at least one training size.")
    if any(len(standing.gains.sizes) < MIN_SIZES for standing in standings):
        band = gain_curve(comparisons, standings, seed=seed)
        sizes = sorted(comparisons)
        lows, highs = (
            np.array([[getattr(point, end) for point in band if point.size == size] for size in sizes]).T
            for end in ("band_low", "band_high")
        )
        return bracket(np.array(sizes), lows, highs, rope_points, unit=unit)
    ends = [(standing.gains.sizes[0], standing.gains.sizes[-1]) for standing in standings]
    grid = np.geomspace(max(first for first, _ in ends), min(last for _, last in ends), _GRID_POINTS)
    curves, criticals = _fitted(standings, seed)
    points, errors = (np.stack(part) for part in zip(*(curve.at(grid) for curve in curves), strict=True))
    half_widths = criticals[:, None] * errors
    found = bracket(grid, points - half_widths, points + half_widths, rope_points, unit=unit)
    best = points.max(axis=0)
    start = int(np.max(np.flatnonzero(best <= rope_points), initial=-1)) + 1
    estimate = _two_digits(float(grid[start])) if 0 < start < len(grid) and found.kind != "none" else None
    leading = int(np.argmax(points[:, min(start, len(grid) - 1)]))
    sentence = found.sentence
    if estimate is not None:
        sentence += f" Best estimate: {estimate:,} {unit}s."
    grown = [curve.change(grid[0], grid[-1]) for curve in curves]
    if found.kind == "above" and all(
        rise + critical * error <= 0 for (rise, error), critical in zip(grown, criticals, strict=True)
    ):
        sentence += " No gain grows with size, so there may be none."
    return replace(found, estimate=estimate, model=curves[leading].model, sentence=sentence)


def bracket(
    sizes: NDArray[np.number], lows: Floats, highs: Floats, rope_points: float, *, unit: str = "row"
) -> MeltingPoint:
    """Brackets the melting point between the last solid size and the first from which on all are melted.

    Args:
        sizes: (K,) rising.
        lows: (P, K) lower ends of the candidates' gains, in points.
        highs: (P, K) upper ends.
        rope_points: Half-width of the ROPE in points.
        unit: What sizes count.

    Returns:
        The bracket, without an estimate.

    Raises:
        InputError: If sizes do not rise.
    """
    if any(before >= after for before, after in pairwise(sizes.tolist())):
        raise InputError(f"Training sizes must rise; they are {sizes.tolist()}.")
    melted = lows.max(axis=0) > rope_points
    solid = highs.max(axis=0) <= rope_points
    last_solid = int(np.max(np.flatnonzero(solid), initial=-1))
    from_melted = int(np.max(np.flatnonzero(~melted), initial=-1)) + 1
    low = None if last_solid < 0 else _rounded_inside(sizes, last_solid, math.floor)
    high = None if from_melted == len(sizes) else _rounded_inside(sizes, from_melted, math.ceil)
    gains = f"{rope_points:g} points"
    kind: Kind
    if melted[: max(last_solid, 0)].any():
        size = _rounded_inside(sizes, int(np.argmax(melted)), math.ceil)
        kind, low, high = "none", None, None
        sentence = (
            f"No melting point: fine-tuning gains more than {gains} at {size:,} {unit}s but not at "
            f"{_rounded_inside(sizes, last_solid, math.floor):,}; its gain does not simply grow with size."
        )
    elif low is not None and high is not None:
        kind = "between"
        sentence = f"Fine-tuning starts to gain more than {gains} between {low:,} and {high:,} {unit}s."
    elif high is not None:
        kind = "below"
        sentence = (
            f"Fine-tuning gains more than {gains} from {high:,} {unit}s on; the melting point is at or below that."
        )
    elif low is not None:
        kind = "above"
        sentence = f"Fine-tuning gains no more than {gains} at {low:,} {unit}s; the melting point is above that."
    else:
        kind = "unknown"
        reason = (
            f"gains above {gains} at some sizes are not confirmed at the largest, {int(sizes[-1]):,} {unit}s"
            if melted.any()
            else f"at no size is the interval clear of {gains}"
        )
        sentence = f"The melting point is not resolved: {reason}."
    return MeltingPoint(kind=kind, low=low, high=high, estimate=None, model=None, sentence=sentence)


def _fitted(standings: Sequence[Standing], seed: int) -> tuple[list[FittedCurve], Floats]:
    """Returns the curve of every policy, and how many standard errors its interval reaches to either side.

    The levels are those at which the curves of all policies hold at once, at any one size.
    """
    curves, criticals = [], []
    for standing in standings:
        gains = standing.gains
        count, sizes = gains.points.shape
        largest = gains.correlation.reshape(count, sizes, count, sizes)[:, -1, :, -1]
        level = simultaneous_level(
            largest, standing.level, generator(seed, "simultaneous curves"), num_retired=standing.num_retired
        )
        for index in standing.read:
            curves.append(fit_curve(gains.sizes, gains.points[index], gains.covariance[index, :, index, :]))
            criticals.append(float(student_t.isf(level / 2, gains.df)))
    return curves, np.array(criticals)


def _band_half_widths(standing: Standing, seed: int) -> dict[tuple[str, int], float]:
    gains = standing.gains
    if not gains.sizes:
        return {}
    level = simultaneous_level(
        gains.correlation,
        standing.level,
        generator(seed, "band over sizes"),
        num_retired=standing.num_retired * len(gains.sizes),
    )
    halves = float(student_t.isf(level / 2, gains.df)) * gains.standard_errors
    return {
        (gains.names[row], size): float(halves[row, column])
        for row in standing.read
        for column, size in enumerate(gains.sizes)
    }


def _rounded_inside(sizes: NDArray[np.number], index: int, rounding: Callable[[float], int]) -> int:
    """Rounds a size of a grid to two digits; sizes that were measured, and the ends of the grid, stay."""
    size = float(sizes[index])
    if np.issubdtype(sizes.dtype, np.integer) or index in (0, len(sizes) - 1):
        return round(size)
    return min(max(_two_digits(size, rounding), round(float(sizes[0]))), round(float(sizes[-1])))


def _two_digits(size: float, rounding: Callable[[float], int] = round) -> int:
    digit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return round(rounding(size / digit) * digit)
