"""The level of one look among several at the same growing estimate.

The estimate after R' repeats is what it was after R < R', and something that is independent of it: the estimates of all
looks are a walk with independent steps, Cov(G(R), G(R')) = Var G(R'), so that z(R) = G(R) / se(R) correlates by
se(R') / se(R) and the looks form a Markov chain (Jennison & Turnbull 2000, chapter 3; Scharfstein, Tsiatis & Robins
1997 for information that is estimated on the way). The probability of missing the truth now, and at no look before, is
found by carrying the density of z along from look to look (Armitage, McPherson & Rowe 1969).
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from meltpoint.verdict.layout import Floats

NUM_NODES = 128
LARGEST_CORRELATION = 0.998
"""Above it a step between looks is narrower than the nodes lie apart; to take less is to the safe side."""


def level_of_look(standard_errors: Sequence[float], levels: Sequence[float], share: float) -> float:
    """Returns the two-sided level at which a look, where none before it has, misses the truth in ``share`` of studies.

    Args:
        standard_errors: (K,) of the estimate at each look, the last now; they do not grow.
        levels: (K - 1,) two-sided level of each look before.
        share: The probability that this look may add.

    Returns:
        The level: at least ``share``, and the more above it the more the looks overlap.

    >>> round(level_of_look([1, 1e-9], [0.01], 0.02), 6)  # independent; one study in a hundred has missed before
    0.020202
    """
    nodes, weights = _quadrature()
    correlations = [
        min(later / earlier, LARGEST_CORRELATION) if earlier > 0 else LARGEST_CORRELATION
        for earlier, later in pairwise(standard_errors)
    ]
    # z at nodes within the bounds of the look before, and the probability around each of them.
    bound = _critical(levels[0])
    z: Floats = bound * nodes
    mass: Floats = bound * weights * _density(z)
    for correlation, level in zip(correlations, levels[1:], strict=False):
        bound = _critical(level)
        step = np.sqrt(1 - correlation**2)
        # A sum, not a product of matrices: the same bits with any number of threads.
        density = (_density((bound * nodes[:, None] - correlation * z) / step) * mass).sum(axis=1) / step
        z, mass = bound * nodes, bound * weights * density
    correlation = correlations[-1]
    step = np.sqrt(1 - correlation**2)

    def surplus(critical: float) -> float:
        beyond = ndtr((correlation * z - critical) / step) + ndtr((-correlation * z - critical) / step)
        return float((mass * beyond).sum()) - share

    # Overlap can only take from a look: beyond the critical value of `share` alone there is less than `share`.
    highest = _critical(share)
    if surplus(highest) >= 0:
        return share
    return float(2 * ndtr(-brentq(surplus, 0.0, highest)))


@cache
def _quadrature() -> tuple[Floats, Floats]:
    """Returns nodes in (-1, 1) and their weights: Fejer's first rule, in closed form."""
    angles = (np.arange(NUM_NODES) + 0.5) * np.pi / NUM_NODES
    orders = np.arange(1, NUM_NODES // 2 + 1)
    waves = np.cos(2 * orders * angles[:, None]) / (4 * orders**2 - 1)
    return np.cos(angles), 2 / NUM_NODES * (1 - 2 * waves.sum(axis=1))


def _critical(level: float) -> float:
    return float(-ndtri(level / 2))


def _density(z: Floats) -> Floats:
    density: Floats = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return density
