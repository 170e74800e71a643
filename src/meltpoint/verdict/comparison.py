"""The comparison of several policies with one baseline, at one training size or at all sizes of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from meltpoint.errors import InputError
from meltpoint.randomness import Generator, generator
from meltpoint.verdict.intervals import Interval, Noise, checked_level, interval_around, noise_of
from meltpoint.verdict.layout import Clusters, Design, Floats, Layout, checked_clusters, checked_scores, layout_of
from meltpoint.verdict.looks import Look
from meltpoint.verdict.moments import POINTS, Moments, paired_moments
from meltpoint.verdict.multiplicity import gain_correlation, holm, simultaneous_level
from meltpoint.verdict.pooling import pooled_training
from meltpoint.verdict.prior import Variance
from meltpoint.verdict.regret import regret_and_worth


@dataclass(frozen=True, kw_only=True)
class Gain(Interval):
    """What one policy gains over the baseline: an interval simultaneous over its family, in points.

    Attributes:
        policy: The policy's name.
        p_value: Two-sided, adjusted over the family by Holm's rule. Decisions are read off the interval; Holm's rule is
            the sharper of the two, so a small p-value may go with an interval that still touches zero.
        noise: Where the standard error comes from.
        retired_after: The repeats after which the study gave the policy up, and which the gain rests on; None where it
            did not.
    """

    policy: str
    p_value: float
    noise: Noise
    retired_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several policies against a baseline at one training size; every figure in points of the metric.

    Attributes:
        baseline: The policy that the others are compared with.
        candidates: Gains of the policies that may be recommended, in the order given: one family of simultaneous
            intervals.
        controls: Gains of the controls, a family of their own: they never widen a candidate's interval.
        mean_scores: Mean score of every policy, the baseline first.
        expected_regret: Expected regret of choosing the baseline, or a candidate. With a single repeat it knows nothing
            of training noise.
        worth: What each candidate adds to the best choice, in expected points; see ``regret``.
        num_repeats: R, repeats used.
        num_rows: Distinct rows tested.
        level: The error of each family of intervals.
        look: Which look of a growing study it is; None where nothing is looked at twice.
        interval_level: The error that each candidate's own interval has so that the family keeps ``level``.
        rope_points: Half-width of the region of practical equivalence.
        design: ``"fixed"`` or ``"rotating"``.
        train_size: Rows in the training budget.
    """

    baseline: str
    candidates: tuple[Gain, ...]
    controls: tuple[Gain, ...]
    mean_scores: Mapping[str, float]
    expected_regret: Mapping[str, float]
    worth: Mapping[str, float]
    num_repeats: int
    num_rows: int
    level: float
    look: Look | None
    interval_level: float
    rope_points: float
    design: Design
    train_size: int


def compare(
    scores: Mapping[str, NDArray[np.floating]],
    *,
    baseline: str = "frozen",
    design: Design,
    train_size: int,
    candidates: Sequence[str],
    controls: Sequence[str] = (),
    level: float | Look,
    rope_points: float = 0.5,
    clusters: Sequence[object] | NDArray[np.generic] | None = None,
    seed: int,
) -> Comparison:
    """Compares candidates and controls with the baseline at one training size: :func:`compare_sizes` for a single one.

    Args:
        scores: Policy name to an (R, N) matrix.
        baseline: See :func:`compare_sizes`, as for all that follow.
        design: ``"fixed"`` or ``"rotating"``.
        train_size: Rows in the training budget of one repeat.
        candidates: Policies that may be recommended.
        controls: Policies shown for scale.
        level: The error, or a look.
        rope_points: Half-width of the region of practical equivalence, in points.
        clusters: What rows belong to that are not independent of one another.
        seed: The master seed of the simulations.

    Returns:
        The comparison.

    Raises:
        InputError: If the matrices are not paired, or an argument cannot be.
    """
    return compare_sizes(
        {train_size: scores},
        baseline=baseline,
        design=design,
        candidates=candidates,
        controls=controls,
        level=level,
        rope_points=rope_points,
        clusters=clusters,
        seed=seed,
    )[train_size]


def compare_sizes(
    scores_by_size: Mapping[int, Mapping[str, NDArray[np.floating]]],
    *,
    baseline: str = "frozen",
    design: Design,
    candidates: Sequence[str],
    controls: Sequence[str] = (),
    level: float | Look,
    rope_points: float = 0.5,
    clusters: Sequence[object] | NDArray[np.generic] | None = None,
    num_retired: int = 0,
    seed: int,
) -> dict[int, Comparison]:
    """Compares candidates and controls with the baseline at every training size, paired by repeat and by row.

    Training noise is estimated from all candidates at all sizes together; see ``pooling``. Controls may be of another
    kind, so each speaks for itself, at all its sizes.

    Args:
        scores_by_size: Training size (rows in the training budget of one repeat) to policy name to an (R, N) matrix:
            the score of repeat r on row i, NaN where it did not test that row. In the rotating design every labelled
            row has its column, tested or not. R may differ between sizes.
        baseline: The policy that the others are compared with.
        design: ``"fixed"``: a given test set, all of it tested in every repeat; ``"rotating"``: rotating test folds.
        candidates: Policies that may be recommended, without the baseline.
        controls: Policies shown for scale, without the baseline.
        level: The error at each size; or a look, whose level at all sizes follows from the noise at the largest.
        rope_points: Half-width of the region of practical equivalence, in points.
        clusters: (N,) what rows belong to that are not independent of one another: the document of a sentence, the
            author of a text. None where each row stands for itself.
        num_retired: Candidates that the study began with and has given up; see ``retiring``.
        seed: The master seed of the simulations behind simultaneous intervals and regret.

    Returns:
        Training size, rising, to the comparison; bit for bit the same for the same input and seed, whatever the order
        of policies and sizes.

    Raises:
        InputError: If the matrices are not paired, or an argument cannot be.
    """
    checked_rope(rope_points)
    if not scores_by_size:
        raise InputError("Nothing to compare: give the scores of at least one training size.")
    if not candidates:
        raise InputError(f"Nothing to compare with {baseline}: name at least one candidate.")
    # Sorted, so that sums and draws, and with them every last bit, do not depend on the order of sizes and policies.
    sizes = sorted(scores_by_size)
    of_candidates: list[Moments] = []
    of_controls: list[Moments] = []
    mean_scores: list[dict[str, float]] = []
    for size in sizes:
        matrices = checked_scores(scores_by_size[size], (baseline, *candidates, *controls))
        tested = ~np.isnan(matrices[baseline])
        units = checked_clusters(clusters, tested.shape[1])
        layout = layout_of(tested, design=design, train_size=size, clusters=units)
        gained = {name: POINTS * (matrix - matrices[baseline]) for name, matrix in matrices.items()}

        def moments_of(
            names: Sequence[str],
            gained: Mapping[str, Floats] = gained,
            tested: NDArray[np.bool_] = tested,
            layout: Layout = layout,
            units: Clusters = units,
        ) -> Moments:
            return paired_moments(np.stack([gained[name] for name in sorted(names)]), tested, layout, units)

        of_candidates.append(moments_of(candidates))
        if controls:
            of_controls.append(moments_of(controls))
        mean_scores.append({name: _mean_score(matrix) for name, matrix in matrices.items()})
    pooled = pooled_training(of_candidates)
    if isinstance(level, Look):
        look, error = level, level.level(_noises(of_candidates[-1], pooled[-1]))
    else:
        look, error = None, checked_level(level)
    by_control = [pooled_training([one.of_policy(index) for one in of_controls]) for index in range(len(controls))]

    def compare_at(index: int) -> Comparison:
        moments = of_candidates[index]
        family = _family(
            sorted(candidates),
            moments,
            pooled[index],
            error,
            generator(seed, "simultaneous intervals", "candidates"),
            num_retired=num_retired,
        )
        regrets, worth = _regrets(baseline, family.gains, moments, family.correlation, seed)
        control_gains: Mapping[str, Gain] = {}
        if controls:
            control_gains = _family(
                sorted(controls),
                of_controls[index],
                [training[index][0] for training in by_control],
                error,
                generator(seed, "simultaneous intervals", "controls"),
            ).gains
        return Comparison(
            baseline=baseline,
            candidates=tuple(family.gains[name] for name in candidates),
            controls=tuple(control_gains[name] for name in controls),
            mean_scores=mean_scores[index],
            expected_regret={name: regrets[name] for name in (baseline, *candidates)},
            worth={name: worth[name] for name in candidates},
            num_repeats=moments.layout.num_repeats,
            num_rows=moments.layout.num_rows,
            level=error,
            look=look,
            interval_level=family.interval_level,
            rope_points=rope_points,
            design=design,
            train_size=sizes[index],
        )

    return {size: compare_at(index) for index, size in enumerate(sizes)}


def checked_rope(rope_points: float) -> float:
    """Returns the ROPE's half-width if it is one.

    Raises:
        InputError: If it is negative or not finite.
    """
    if not 0 <= rope_points < np.inf:
        raise InputError(f"The ROPE's half-width must be 0 points or more; it is {rope_points}.")
    return rope_points


def _mean_score(matrix: Floats) -> float:
    return float(np.nanmean(matrix, axis=1).mean()) * POINTS


@dataclass(frozen=True, kw_only=True)
class _Family:
    """Gains that hold at once, with the correlation (P, P) of their errors and the level of each one's interval."""

    gains: Mapping[str, Gain]
    correlation: Floats
    interval_level: float


def _family(
    names: Sequence[str],
    moments: Moments,
    pooled: Sequence[Variance],
    level: float,
    draws: Generator,
    *,
    num_retired: int = 0,
) -> _Family:
    """Returns the gains of one family: intervals that hold at once at ``level``, p-values adjusted over the family."""
    correlation = gain_correlation(moments)
    interval_level = simultaneous_level(correlation, level, draws, num_retired=num_retired)
    noises = _noises(moments, pooled)
    intervals = [
        interval_around(points, *noise.standard_error(), interval_level)
        for points, noise in zip(moments.gains.tolist(), noises, strict=True)
    ]
    p_values = holm([_p_value(interval) for interval in intervals]).tolist()
    gains = {
        name: Gain(
            policy=name,
            points=interval.points,
            low=interval.low,
            high=interval.high,
            standard_error=interval.standard_error,
            df=interval.df,
            p_value=p_value,
            noise=noise,
        )
        for name, interval, p_value, noise in zip(names, intervals, p_values, noises, strict=True)
    }
    return _Family(gains=gains, correlation=correlation, interval_level=interval_level)


def _noises(moments: Moments, pooled: Sequence[Variance]) -> list[Noise]:
    return [noise_of(moments, index, training) for index, training in enumerate(pooled)]


def _p_value(interval: Interval) -> float:
    if not np.isfinite(interval.standard_error):
        return 1.0
    if interval.standard_error == 0:
        return float(interval.points == 0)
    return float(2 * student_t.sf(abs(interval.points) / interval.standard_error, interval.df))


def _regrets(
    baseline: str, gains: Mapping[str, Gain], moments: Moments, correlation: Floats, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the expected regret of the baseline and of each of ``gains``, and what each gain is worth, by name."""
    # One repeat shows no training noise: what the test rows alone show is then a lower bound, and all there is.
    standard_errors = np.array(
        [
            gain.standard_error if np.isfinite(gain.standard_error) else np.sqrt(gain.noise.testing)
            for gain in gains.values()
        ]
    )
    smallest_df = min(gain.df for gain in gains.values())
    regrets, worth = regret_and_worth(
        moments.gains, standard_errors, smallest_df, correlation, generator(seed, "expected regret")
    )
    return dict(zip((baseline, *gains), regrets.tolist(), strict=True)), dict(zip(gains, worth.tolist(), strict=True))
