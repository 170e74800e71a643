"""Studies from a model instead of from the pool: any number of repeats and rows, none of them ever drawn twice.

Policy p is right on row i in repeat r where

    a(p) + T[p, r] + X[i] + Y[p, i] + E[p, r, i] > 0,

normal T (training), X (how hard the row is), Y (whom the row favours), E, crossed as in real studies. Frozen is right
on 75% of rows; what others gain is exact. In the rotating design a part of the variance of T comes from training rows
and correlates between repeats as much as their training sets overlap: a quarter, the most that was measured where sets
overlap (docs/calibration, "Training noise"), or half, twice as much as a study should meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from meltpoint.randomness import Generator

POINTS = 100.0
FROZEN = 0.75
SPREADS = {"T": 0.04, "X": 1.0, "Y": 0.45, "E": 0.45}
SIZES_SHARED = 0.3  # the correlation of T between two sizes
ROW_SHARE = 0.25
STRESS_ROW_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A population that is a model: policy to true gain over frozen, in points, at every size."""

    gains: Mapping[str, float]
    sizes: tuple[int, ...] = (400, 1600)
    name: str = "simulated"
    row_share: float = ROW_SHARE
    alike: None = None

    def truth(self, size: int) -> dict[str, float]:
        """Returns the true score of every policy in points, the same at every size."""
        del size
        return {"frozen": POINTS * FROZEN} | {p: POINTS * FROZEN + gain for p, gain in self.gains.items()}

    def draw(self, tested: np.ndarray, draws: Generator) -> dict[int, dict[str, np.ndarray]]:
        """Draws (R, N) scores by size and policy, NaN where a repeat does not test a row."""
        num_repeats, num_rows = tested.shape
        total = np.sqrt(sum(spread**2 for spread in SPREADS.values()))
        repeat, row = np.nonzero(tested)
        hard = SPREADS["X"] * draws.standard_normal(num_rows)[row]
        policies = ("frozen", *self.gains)
        favours = {policy: SPREADS["Y"] * draws.standard_normal(num_rows)[row] for policy in policies}
        shared = {policy: draws.standard_normal(num_repeats) for policy in policies}
        scores: dict[int, dict[str, np.ndarray]] = {}
        for size in self.sizes:
            root = training_root(tested, size, self.row_share)
            scores[size] = {}
            for policy, score in self.truth(size).items():
                training = np.sqrt(1 - SIZES_SHARED) * draws.standard_normal(num_repeats)
                training = SPREADS["T"] * (root @ (training + np.sqrt(SIZES_SHARED) * shared[policy]))
                noise = SPREADS["E"] * draws.standard_normal(len(row))
                level = total * norm.ppf(score / POINTS)
                matrix = np.full(tested.shape, np.nan)
                matrix[repeat, row] = level + training[repeat] + hard + favours[policy] + noise > 0
                scores[size][policy] = matrix
        return scores


def training_root(tested: np.ndarray, size: int, row_share: float) -> np.ndarray:
    """Returns a root of the correlation of T between repeats: that of overlapping training sets, where folds rotate."""
    if tested.all():
        return np.eye(len(tested))
    pools = (~tested).astype(float)
    counts = pools.sum(axis=1)
    correlation = row_share * size * (pools @ pools.T) / np.outer(counts, counts)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    return vectors * np.sqrt(np.maximum(values, 0))
