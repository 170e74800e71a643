"""Error control over several policies at once."""

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from meltpoint.randomness import Generator
from meltpoint.verdict.layout import Floats
from meltpoint.verdict.moments import Moments

NUM_DRAWS = 100_000


def holm(p_values: ArrayLike) -> Floats:
    """Adjusts p-values by Holm's step-down rule (Holm 1979); valid under any dependence.

    Sorted upward, the k-th of m becomes the largest of (m - j + 1) p(j) over j <= k, at most 1.

    Args:
        p_values: (P,) raw p-values.

    Returns:
        (P,) adjusted p-values, in the order given.

    >>> holm([0.03, 0.01, 0.02]).round(3).tolist()
    [0.04, 0.03, 0.04]
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    factors = np.arange(len(raw), 0, -1)
    adjusted: Floats = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * raw[order]))
    return adjusted


def gain_correlation(moments: Moments) -> Floats:
    """Returns the correlation (P, P) of the errors of P gains: what the test rows show, diagonal 1.

    Training noise is taken to correlate as rows do: policies share the baseline's part of both, and a few repeats
    would show it no better. A gain without any noise correlates with nothing.
    """
    spread = np.sqrt(np.diag(moments.testing))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    correlation: Floats = np.clip(moments.testing * np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def correlated_normals(correlation: Floats, num_draws: int, generator: Generator) -> Floats:
    """Draws (num_draws, P) standard normals with the given correlation, the same bits with any number of threads."""
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    independent = generator.standard_normal((num_draws, len(correlation)))
    draws: Floats = np.einsum("nk,pk->np", independent, root)
    return draws


def simultaneous_level(correlation: Floats, level: float, generator: Generator, *, num_retired: int = 0) -> float:
    """Returns the error that each interval may have so that all P cover at once with probability 1 - ``level``.

    The maximum of |Z| over correlated standard normals is simulated, and its upper quantile turned back into a level.
    The result never leaves what is known beyond simulation: at least Sidak's level 1 - (1 - level)^(1/P), which holds
    for normals of any correlation, at most ``level``, right when all are one.

    Policies that a study has given up have had their chance to be called a winner: those that are left are judged as if
    all were there still. The critical value c then solves P(max |Z| > c) + ``num_retired`` P(|Z| > c) = ``level``, by
    the union bound, so it does not matter how it was decided who goes.

    Args:
        correlation: (P, P).
        level: The error of the family.
        generator: Of the draws.
        num_retired: Policies that the family began with, beyond these P.

    Returns:
        The level of one interval.
    """
    num_policies = len(correlation) + num_retired
    if num_policies == 1:
        return level
    sidak = -np.expm1(np.log1p(-level) / num_policies)
    draws = np.abs(correlated_normals(correlation, NUM_DRAWS, generator))
    largest = reduce(np.maximum, draws.T)  # five times as fast as a maximum over short rows
    if num_retired:
        largest.sort()
        beyond = 1 - np.arange(1, NUM_DRAWS + 1) / NUM_DRAWS + num_retired * 2 * norm.sf(largest)
        critical = largest[min(np.searchsorted(-beyond, -level), NUM_DRAWS - 1)]
    else:
        critical = np.quantile(largest, 1 - level)
    simulated = 2 * norm.sf(critical)
    return float(min(max(simulated, sidak), level))
