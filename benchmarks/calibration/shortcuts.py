"""What people do instead of a study, on the same draws: does it name a winner?

Each takes (P, R) accuracies of P candidates in R repeats, and (R,) of frozen, in points.
"""

import numpy as np
from scipy.stats import ttest_rel

LEVEL = 0.05
RUNS = 5


def one_run(candidates: np.ndarray, frozen: np.ndarray) -> bool:
    """One run each: whichever scores higher has won."""
    return bool((candidates[:, 0] != frozen[0]).any())


def best_of_five(candidates: np.ndarray, frozen: np.ndarray) -> bool:
    """The best of five seeds of each side is reported; whichever is higher has won."""
    return bool((candidates[:, :RUNS].max(axis=1) != frozen[:RUNS].max()).any())


def half_a_point(candidates: np.ndarray, frozen: np.ndarray) -> bool:
    """One run each, but only a difference of more than half a point counts."""
    return bool((np.abs(candidates[:, 0] - frozen[0]) > 0.5).any())


def naive_t_test(candidates: np.ndarray, frozen: np.ndarray) -> bool:
    """A paired t-test over five folds or seeds for each candidate, at 5%."""
    differences = candidates[:, :RUNS] - frozen[:RUNS]
    varied = differences.std(axis=1) > 0
    if not varied.any():
        return bool(differences.any())
    return bool((ttest_rel(candidates[varied, :RUNS], frozen[None, :RUNS], axis=1).pvalue < LEVEL).any())


def deviations_apart(candidates: np.ndarray, frozen: np.ndarray) -> bool:
    """Mean and standard deviation over five seeds: a winner where the two bars do not touch."""
    means, spreads = candidates[:, :RUNS].mean(axis=1), candidates[:, :RUNS].std(axis=1, ddof=1)
    gap = np.abs(means - frozen[:RUNS].mean())
    return bool((gap > spreads + frozen[:RUNS].std(ddof=1)).any())


SHORTCUTS = {
    "one run": one_run,
    "one run, more than half a point": half_a_point,
    "best of five seeds": best_of_five,
    "t-test over five folds or seeds": naive_t_test,
    "mean and deviation of five seeds apart": deviations_apart,
}


def accuracies(scores: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns (P, R) and (R,) accuracies in points from the (R, N) scores of candidates and frozen."""
    means = {policy: 100 * np.nanmean(matrix, axis=1) for policy, matrix in scores.items()}
    frozen = means.pop("frozen")
    return np.stack(list(means.values())), frozen
