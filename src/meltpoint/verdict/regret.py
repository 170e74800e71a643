"""Expected regret: how many points a choice is expected to cost against the best choice, under what is known."""

import numpy as np

from meltpoint.randomness import Generator
from meltpoint.verdict.layout import Floats
from meltpoint.verdict.multiplicity import correlated_normals

NUM_DRAWS = 20_000

MIN_DF = 3.0
"""With fewer degrees of freedom a t distribution has no variance, and the mean of a maximum hangs on a few draws."""


def expected_regret(
    gains: Floats,
    standard_errors: Floats,
    df: float,
    correlation: Floats,
    generator: Generator,
) -> Floats:
    """Computes the expected regret of the baseline and of each of P policies.

    The true gains are drawn jointly, G = gains + standard_errors * T, with T a multivariate t; the baseline's gain is
    0, and regret(p) = E[max(0, G_1, ..., G_P)] - gain(p). Only the maximum needs simulating, since the mean of G is
    known: regrets differ by exactly the difference in gains, and the order of choices is free of simulation noise.

    Args:
        gains: (P,) points over the baseline.
        standard_errors: (P,) points, finite.
        df: Degrees of freedom of the t distribution; the smallest among the policies, at least ``MIN_DF`` are used.
        correlation: (P, P) of the errors.
        generator: Of the draws.

    Returns:
        (1 + P,) expected regrets in points, the baseline's first.
    """
    errors = _joint_errors(standard_errors, df, correlation, generator)
    best = np.maximum((gains + errors).max(axis=1), 0.0).mean()
    # The maximum's mean is never below the largest mean; simulation may fall short of that by a hair.
    best = max(float(best), 0.0, float(gains.max()))
    return best - np.concatenate([[0.0], gains])


def expected_worth(
    gains: Floats,
    standard_errors: Floats,
    df: float,
    correlation: Floats,
    generator: Generator,
) -> Floats:
    """Computes what each of P policies is worth: how much lower the best would be, on average, were it not there.

    worth(p) = E[max(0, G_p - max(0, the others'))], under the same draws as :func:`expected_regret`. A policy that is
    worth next to nothing is no longer worth training.

    Args:
        gains: As for :func:`expected_regret`, like all that follow.
        standard_errors: (P,) points.
        df: Degrees of freedom.
        correlation: (P, P).
        generator: Of the draws.

    Returns:
        (P,) points, none below 0.
    """
    drawn = gains + _joint_errors(standard_errors, df, correlation, generator)
    best_first = -np.sort(-np.column_stack([np.zeros(len(drawn)), drawn]), axis=1)
    first, second = best_first[:, :1], best_first[:, 1:2]
    worth: Floats = np.where(drawn == first, first - second, 0.0).mean(axis=0)
    return worth


def _joint_errors(standard_errors: Floats, df: float, correlation: Floats, generator: Generator) -> Floats:
    """Draws (NUM_DRAWS, P) antithetic errors of the gains from their joint t distribution."""
    half = correlated_normals(correlation, NUM_DRAWS // 2, generator)
    degrees = max(df, MIN_DF)
    half *= np.sqrt(degrees / generator.chisquare(degrees, size=len(half)))[:, None]
    errors: Floats = np.concatenate([half, -half]) * standard_errors
    return errors
