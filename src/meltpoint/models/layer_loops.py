"""The loops of :mod:`meltpoint.models.layers`, compiled. One thread: each worker process has one.

Products of matrices are NumPy's, which numba hands to the BLAS of SciPy: for the few rows of a batch that is as fast
as torch's ``bmm``, and what comes before and after a product costs no further call.
"""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]


@compiled
def map_features(inputs: Floats, weights: Floats, biases: Floats, outputs: Floats) -> None:
    """Fills ``outputs`` (K, B, H): ``inputs`` (K or 1, B, F) times ``weights`` (K, F, H) plus ``biases`` (K, H)."""
    for member in range(outputs.shape[0]):
        own, bias = outputs[member], biases[member]
        np.dot(inputs[member if inputs.shape[0] > 1 else 0], weights[member], own)
        for text in range(own.shape[0]):
            row = own[text]
            for j in range(len(row)):
                row[j] += bias[j]


@compiled
def differentiate_map(inputs: Floats, gradient: Floats, weight_gradient: Floats, bias_gradient: Floats) -> None:
    """Fills the gradients (K, F, H) and (K, H) of the parameters of :func:`map_features` from that of its outputs."""
    for member in range(gradient.shape[0]):
        own, sums = gradient[member], bias_gradient[member]
        np.dot(inputs[member if inputs.shape[0] > 1 else 0].T, own, weight_gradient[member])
        sums[:] = 0
        for text in range(own.shape[0]):
            row = own[text]
            for j in range(len(row)):
                sums[j] += row[j]


@compiled
def lead_back(gradient: Floats, weights: Floats, input_gradient: Floats) -> None:
    """Fills the gradient (K, B, F) of the inputs of :func:`map_features` from that of its outputs."""
    for member in range(gradient.shape[0]):
        np.dot(gradient[member], weights[member].T, input_gradient[member])


@compiled
def rectify(values: Floats, masks: Floats) -> None:
    """Applies ReLU and the masks (K or 1, B, H) of dropout to values (K, B, H), in place."""
    for member in range(values.shape[0]):
        own, mask = values[member], masks[member if masks.shape[0] > 1 else 0]
        for text in range(own.shape[0]):
            row, kept = own[text], mask[text]
            for j in range(len(row)):
                # Not max(): what is not a number stays so, and is found out.
                row[j] = np.float32(0) if row[j] < 0 else row[j] * kept[j]


@compiled
def cut_off(gradient: Floats, values: Floats, masks: Floats) -> None:
    """Takes a gradient (K, B, H) of the ``values`` that :func:`rectify` left back through it, in place."""
    for member in range(gradient.shape[0]):
        mask = masks[member if masks.shape[0] > 1 else 0]
        for text in range(gradient.shape[1]):
            row, value, kept = gradient[member, text], values[member, text], mask[text]
            for j in range(len(row)):
                # What is zero was cut off by ReLU, or by a mask that is zero there.
                row[j] = row[j] * kept[j] if value[j] != 0 else np.float32(0)
