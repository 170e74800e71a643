"""What is known of training noise before a study has shown any, and how little data corrects it.

Three repeats show the variance of training noise with two degrees of freedom, and where folds rotate it hides behind
the noise of the folds. But it is no stranger. On the scale of the variance of one row's difference it was much alike
wherever it was measured (``benchmarks/calibration/noise.py``; docs/calibration has the table). A study starts from
there, and moves to what it sees as fast as it sees it: the moderated variances of Smyth 2004 (Statistical Applications
in Genetics and Molecular Biology 3), of which a part is known not to be training's.
"""

from dataclasses import dataclass

import numpy as np

EXPECTED_DF = 5.0
"""What the expectation is worth, in degrees of freedom: five further repeats that showed it. Over data sets, policies
and sizes the logarithm of what was measured over what is expected had a standard deviation of 0.87. Ten repeats, which
measured it, account for 0.5 of that, and what is left is that of log(chi2(5) / 5), 0.7."""

ALIKE_DF = 5.0
"""What a study's whole training noise is worth as an expectation of one policy's, or one size's: policies differ by
about as much as data sets do."""

_DECADES_BEYOND = 4.0
_NUM_POINTS = 4001


@dataclass(frozen=True, kw_only=True)
class Variance:
    """A variance as far as it is known: value * df / chi2(df), as an estimate with ``df`` degrees of freedom is.

    Attributes:
        value: The variance.
        df: Degrees of freedom, above 4.
    """

    value: float
    df: float


def expected_ratio(train_size: int) -> float:
    """Returns the training noise to be expected of a gain, over the variance of one row's difference.

    Many training rows leave the noise of the start and the order, few add that of which rows they are. It is about the
    mean of what was measured, and above the median: rather too large than too small.

    Args:
        train_size: Rows in the training budget, 1 or more.
    """
    return 5e-4 + 0.4 / train_size


def learn(between: float, explained: float, df: float, expected: Variance) -> Variance:
    """Returns what is known of a variance B - ``explained`` after B was measured.

    The likelihood is that of ``between`` = B chi2(df) / df. The posterior has no closed form unless ``explained`` is 0
    (then it is ``expected`` and ``between`` weighted by their degrees of freedom); it is computed on a grid, and given
    as the scaled inverse chi-squared distribution with the same mean and variance.

    Args:
        between: A variance as measured, with ``df`` degrees of freedom; 0 or more.
        explained: The part of B that is known, 0 or more.
        df: Above 0.
        expected: What was known before; its value above 0.

    Returns:
        What is known now.
    """
    largest = max(expected.value, between)
    low, high = np.log(expected.value) - _DECADES_BEYOND * np.log(10), np.log(largest) + _DECADES_BEYOND * np.log(10)
    candidates = np.exp(np.linspace(low, high, _NUM_POINTS))
    whole = candidates + explained
    log_likelihood = -df / 2 * (np.log(whole) + between / whole)
    log_prior = -expected.df / 2 * (np.log(candidates) + expected.value / candidates)
    log_posterior = log_likelihood + log_prior
    weights = np.exp(log_posterior - log_posterior.max())
    weights /= weights.sum()
    mean = float((weights * candidates).sum())
    spread = float((weights * np.square(candidates - mean)).sum())
    # Of df s^2 / chi2(df), the mean is df s^2 / (df - 2), and the variance 2 mean^2 / (df - 4).
    found = 4 + 2 * mean**2 / spread
    return Variance(value=mean * (found - 2) / found, df=found)
