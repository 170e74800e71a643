"""The loop of :mod:`meltpoint.trial.dense_adam`, compiled."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]

_KEEP_MEAN, _KEEP_SQUARE = np.float32(0.9), np.float32(0.999)
_NEW_MEAN, _NEW_SQUARE = np.float32(1 - 0.9), np.float32(1 - 0.999)
_EPSILON = np.float32(1e-8)


@compiled
def move_members(
    weights: Floats,
    gradients: Floats,
    means: Floats,
    squares: Floats,
    rates: Floats,
    decays: Floats,
    mean_correction: np.float32,
    root_correction: np.float32,
) -> None:
    """Takes a step of Adam.

    Args:
        weights: ``(K, P)``, as are the gradients and the two moments; each member's numbers in one row.
        gradients: Without the decay.
        means: First moments.
        squares: Second moments.
        rates: ``(K,)`` learning rates.
        decays: ``(K,)`` coefficients of the coupled decay.
        mean_correction: ``1 - b1^t``.
        root_correction: ``sqrt(1 - b2^t)``.
    """
    for member in range(weights.shape[0]):
        weight, gradient, mean, square = weights[member], gradients[member], means[member], squares[member]
        rate, decay = rates[member] / mean_correction, decays[member]
        for i in range(len(weight)):
            slope = gradient[i] + decay * weight[i]
            mean[i] = _KEEP_MEAN * mean[i] + _NEW_MEAN * slope
            square[i] = _KEEP_SQUARE * square[i] + _NEW_SQUARE * slope * slope
            weight[i] -= rate * mean[i] / (np.sqrt(square[i]) / root_correction + _EPSILON)
