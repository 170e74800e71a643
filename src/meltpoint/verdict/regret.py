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
    return regret_and_worth(gains, standard_errors, df, correlation, generator)[0]


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
    return regret_and_worth(gains, standard_errors, df, correlation, generator)[1]


def regret_and_worth(
    gains: Floats,
    standard_errors: Floats,
    df: float,
    correlation: Floats,
    generator: Generator,
) -> tuple[Floats, Floats]:
    """Computes :func:`expected_regret` and :func:`expected_worth` from one set of draws."""
    half = correlated_normals(correlation, NUM_DRAWS // 2, generator)
    degrees = max(df, MIN_DF)
    half *= np.sqrt(degrees / generator.chisquare(degrees, size=len(half)))[:, None]
    drawn = gains + np.concatenate([half, -half]) * standard_errors
    first, second = np.zeros(len(drawn)), np.full(len(drawn), -np.inf)
    for of_policy in drawn.T:
        second = np.maximum(second, np.minimum(first, of_policy))
        first = np.maximum(first, of_policy)
    # The maximum's mean is never below the largest mean; simulation may fall short of that by a hair.
    best = max(float(first.mean()), 0.0, float(gains.max()))
    worth = np.array([np.where(of_policy == first, first - second, 0.0).mean() for of_policy in drawn.T])
    return best - np.concatenate([[0.0], gains]), worth
