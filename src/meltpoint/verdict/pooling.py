"""Training noise estimated from a whole study: every candidate at every training size has a say.

With R repeats a gain alone shows its training noise with R - 1 degrees of freedom. The gains of a study share the
baseline's noise and come from like models, so on the scale of what is expected of each (``prior``) their noise is
alike, and together they know it several times better. Alike is not equal: a policy, or a size, that is noisier than the
others keeps its own, larger noise.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from meltpoint.verdict.layout import Floats
from meltpoint.verdict.moments import Moments
from meltpoint.verdict.prior import ALIKE_DF, EXPECTED_DF, Variance, expected_ratio, learn

SHARED_CORRELATION = 0.5
"""The correlation that the repeat means of two gains are taken to have at least: those of two policies, which share the
baseline's noise, and those of one policy at two sizes, which share test rows and some training rows. It only sets the
degrees of freedom; what rows show of a larger correlation between policies is used instead."""


def pooled_training(moments: Sequence[Moments]) -> list[tuple[Variance, ...]]:
    """Estimates the training noise of P gains at S sizes from all of them.

    What is estimated is the ratio of the whole training noise, training / (1 - rho), to what is expected of a gain
    whose units differ by v at that size: first of everything (t), beginning with 1; then over the sizes of each policy
    (t_p) and over the policies at each size (t_s), both beginning with t. A gain is given the variance

        t * max(1, t_p / t) * max(1, t_s / t) * v * expected_ratio * (1 - rho)

    with t in both ratios as it would be learnt by as many degrees of freedom. Every estimate is what
    :func:`~meltpoint.verdict.prior.learn` makes of the means of ``between`` and ``explained``, on the scale of what is
    expected, weighted by the repeats less one.

    Args:
        moments: One per size, of the same P policies in the same order.

    Returns:
        By size, P variances; what is known beforehand where there is nothing to learn from: sizes with one repeat or
        one unit, which also enter no pool.
    """
    # (P, S), as all that follow.
    expected = np.stack([one.unit_variances * expected_ratio(one.layout.train_size) for one in moments], axis=1)
    repeat_dfs = np.array([one.layout.num_repeats - 1.0 if one.layout.is_measurable else 0.0 for one in moments])
    differing = np.array([1 - one.layout.training_correlation for one in moments])
    weights = np.where(expected > 0, repeat_dfs, 0.0)
    scale = np.where(expected > 0, expected, 1.0)
    between = np.stack([np.diag(one.between) for one in moments], axis=1) / scale
    explained = np.stack([np.diag(one.explained) for one in moments], axis=1) / scale
    of_policies = _policies_df(moments, repeat_dfs)
    of_sizes = _sizes_df(repeat_dfs)
    everything = slice(None)

    def pool(policies: slice, sizes: slice, df: float, known: Variance) -> Variance:
        weight = weights[policies, sizes]
        total = float((weight * differing[sizes]).sum())
        if total == 0:
            return known
        mean_between, mean_explained = (
            float((weight * part[policies, sizes]).sum()) / total for part in (between, explained)
        )
        return learn(mean_between, max(mean_explained, 0.0), df, known)

    overall = pool(everything, everything, of_policies * of_sizes, Variance(value=1.0, df=EXPECTED_DF))
    alike = Variance(value=overall.value, df=ALIKE_DF)

    def excess(policies: slice, sizes: slice, df: float) -> float:
        # Over what the same degrees of freedom would make of all the data: the pool is no noisier than itself.
        return max(1.0, pool(policies, sizes, df, alike).value / pool(everything, everything, df, alike).value)

    num_policies, num_sizes = weights.shape
    by_policy = [excess(slice(policy, policy + 1), everything, of_sizes) for policy in range(num_policies)]
    by_size = [excess(everything, slice(size, size + 1), of_policies * repeat_dfs[size]) for size in range(num_sizes)]
    variances = overall.value * np.outer(by_policy, by_size * differing) * expected
    return [tuple(Variance(value=value, df=overall.df) for value in column) for column in variances.T.tolist()]


def _sizes_df(repeat_dfs: Floats) -> float:
    """Returns the degrees of freedom of the mean of one policy's variances of repeat means, over all sizes.

    Variances of normals that correlate by r correlate by r^2. The mean of k equal ones that do is worth
    k^2 / (sum of all r^2) of them; policies and sizes multiply.
    """
    pairs = sum(min(one, other) for one, other in combinations(repeat_dfs.tolist(), 2))
    total = float(repeat_dfs.sum())
    return total**2 / (total + 2 * SHARED_CORRELATION**2 * pairs) if total else 0.0


def _policies_df(moments: Sequence[Moments], repeat_dfs: Floats) -> float:
    """Returns how many times the degrees of freedom of one policy all P policies at a size are worth."""
    # Rows are many, so how the gains of two policies correlate over rows is well known.
    covariance = sum(weight * one.explained for weight, one in zip(repeat_dfs, moments, strict=True))
    variances = np.outer(np.diag(covariance), np.diag(covariance))
    squares = np.divide(covariance**2, variances, out=np.zeros_like(variances), where=variances > 0)
    squares = np.clip(squares, SHARED_CORRELATION**2, 1.0)
    np.fill_diagonal(squares, 1.0)
    return float(len(squares) ** 2 / squares.sum())
