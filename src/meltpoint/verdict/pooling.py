"""Training noise estimated from a whole study: every candidate at every training size has a say.

With R repeats a gain alone shows its training noise with R - 1 degrees of freedom. The gains of a study share the
baseline's noise and come from like models, so their noise is alike, and together they know it several times better.
Alike is not equal: a policy, or a size, that is noisier than the pool keeps its own, larger noise.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.stats import chi2

from meltpoint.verdict.intervals import TrainingNoise
from meltpoint.verdict.layout import Floats
from meltpoint.verdict.moments import Moments

SHARED_CORRELATION = 0.5
"""The correlation that the repeat means of two gains are taken to have at least: those of two policies, which share the
baseline's noise, and those of one policy at two sizes, which share test rows and some training rows. It only sets the
degrees of freedom; what rows show of a larger correlation between policies is used instead."""

_LARGE_DF = 1000.0


def pooled_training(moments: Sequence[Moments]) -> list[tuple[TrainingNoise | None, ...]]:
    """Estimates the training noise of P gains at S sizes from all of them.

    The variances are pooled on the scale of the whole training noise, training / (1 - rho), weighted by the repeats
    less one: over everything (T), over the sizes of each policy (T_p), and over the policies at each size (T_s). A gain
    is given

        T * max(1, T_p / T) * max(1, T_s / T) * (1 - rho)

    Each pool is what :func:`variance_beyond` makes of its ``between`` and ``explained``.

    Args:
        moments: One per size, of the same P policies in the same order.

    Returns:
        By size, P estimates; None where the gain has to speak for itself: in a study of one gain, and at sizes with one
        repeat or one row, which also enter no pool.
    """
    measured = [one for one in moments if one.layout.is_measurable]
    num_policies = len(moments[0].gains)
    if num_policies * len(measured) < 2:
        return [(None,) * num_policies for _ in moments]
    between = np.stack([np.diag(one.between) for one in measured], axis=1)
    explained = np.stack([np.diag(one.explained) for one in measured], axis=1)
    weights = np.array([one.layout.num_repeats - 1.0 for one in measured])
    differing = np.array([1 - one.layout.training_correlation for one in measured])
    df = _pooled_df(measured)

    def pool(axes: int | tuple[int, int]) -> Floats:
        def weighted(variances: Floats) -> Floats:
            total: Floats = (variances * weights).sum(axis=axes, keepdims=True)
            return total

        scale = weighted(np.broadcast_to(differing, between.shape))
        return variance_beyond(weighted(between) / scale, weighted(explained) / scale, df)

    overall = pool((0, 1))
    of_policy, of_size = np.maximum(pool(1), overall), np.maximum(pool(0), overall)
    # Without any noise in the whole study there is nothing to divide by, and nothing to multiply.
    variances = of_policy * (of_size / np.where(overall > 0, overall, 1.0)) * differing
    columns = iter(variances.T.tolist())
    return [
        tuple(TrainingNoise(variance=variance, df=df) for variance in next(columns))
        if one.layout.is_measurable
        else (None,) * num_policies
        for one in moments
    ]


def variance_beyond(between: Floats, explained: Floats, df: float) -> Floats:
    """Estimates the variance that ``between`` has beyond ``explained``: above zero, however small ``between`` came out.

    With B the true variance, ``df * between / B`` is chi-squared. B is no less than ``explained``, so that chi-squared
    is no more than x = df * between / explained, and its mean is df F(x; df + 2) / F(x; df), F the distribution
    function. Put at that mean instead of at df,

        B = between * F(x; df) / F(x; df + 2).

    The plain difference, cut off at zero, would call every lucky study free of noise.

    Args:
        between: Variances as measured, with ``df`` degrees of freedom.
        explained: The part of them that is known, of the same shape.
        df: Degrees of freedom, above 0.

    Returns:
        B - ``explained``, of the same shape.
    """
    # What lies below a quarter of the known part, or rests on more than 1,000 df, is put there: F would underflow.
    measured = np.maximum(between, explained / 4)
    df = min(df, _LARGE_DF)
    bound = df * np.divide(measured, explained, out=np.full_like(measured, np.inf), where=explained > 0)
    ratio: Floats = chi2.cdf(bound, df) / chi2.cdf(bound, df + 2)
    return np.maximum(measured * ratio - explained, 0.0)


def _pooled_df(moments: Sequence[Moments]) -> float:
    """Returns the degrees of freedom of the mean of all P x S variances of repeat means.

    Variances of normals that correlate by r correlate by r^2. The mean of k equal ones that do is worth
    k^2 / (sum of all r^2) of them; policies and sizes multiply.
    """
    repeat_dfs = [one.layout.num_repeats - 1.0 for one in moments]
    shared = SHARED_CORRELATION**2
    pairs = sum(min(one, other) for one, other in combinations(repeat_dfs, 2))
    of_sizes = sum(repeat_dfs) ** 2 / (sum(repeat_dfs) + 2 * shared * pairs)
    # Rows are many, so how the gains of two policies correlate over rows is well known.
    covariance = sum(weight * one.explained for weight, one in zip(repeat_dfs, moments, strict=True))
    variances = np.outer(np.diag(covariance), np.diag(covariance))
    squares = np.divide(covariance**2, variances, out=np.zeros_like(variances), where=variances > 0)
    squares = np.clip(squares, shared, 1.0)
    np.fill_diagonal(squares, 1.0)
    return float(of_sizes * len(squares) ** 2 / squares.sum())
