"""The loops of :mod:`meltpoint.models.perceptron`, compiled. One thread: each worker process has one.

Products of matrices are NumPy's, which numba hands to the BLAS of SciPy: for the few rows of a batch that is as fast
as torch's ``bmm``. One member goes through all layers before the next one: what it computes stays in the first cache.
"""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Sizes = NDArray[np.int64]


@compiled
def compute(
    inputs: Floats, parameters: Floats, sizes: Sizes, kept: Flags, scale: np.float32, values: Floats, scores: Floats
) -> None:
    """Fills ``values`` and ``scores``.

    Args:
        inputs: ``(K or 1, B, F)``.
        parameters: ``(K, P)``: of each layer the weights ``(F, H)`` and the biases ``(H,)``, one behind the other.
        sizes: ``(L + 1,)`` numbers of features before, between and behind the L layers.
        kept: ``(L - 1, K or 1, B, H)``, the features that dropout leaves.
        scale: Factor on these.
        values: ``(L - 1, K, B, H)``, what each hidden layer makes of it.
        scores: ``(K, B, C)``, what the last layer does.
    """
    last = len(sizes) - 2
    for member in range(len(parameters)):
        own, features = parameters[member], inputs[member if len(inputs) > 1 else 0]
        first = 0
        for layer in range(last + 1):
            outputs = scores[member] if layer == last else values[layer, member]
            num_inputs, num_outputs = sizes[layer], sizes[layer + 1]
            end = first + num_inputs * num_outputs
            np.dot(features, own[first:end].reshape(num_inputs, num_outputs), outputs)
            biases = own[end : end + num_outputs]
            if layer == last:
                _add(outputs, biases)
            else:
                _add_and_rectify(outputs, biases, kept[layer, member if kept.shape[1] > 1 else 0], scale)
            features, first = outputs, end + num_outputs


@compiled
def differentiate(
    inputs: Floats,
    parameters: Floats,
    sizes: Sizes,
    kept: Flags,
    scale: np.float32,
    values: Floats,
    score_gradient: Floats,
    gradients: Floats,
    input_gradient: Floats,
) -> None:
    """Fills ``gradients`` and ``input_gradient``.

    Args:
        inputs: As :func:`compute` was given them, like the next four.
        parameters: Likewise.
        sizes: Likewise.
        kept: Likewise.
        scale: Likewise.
        values: As :func:`compute` has filled them.
        score_gradient: ``(K, B, C)``.
        gradients: ``(K, P)`` of the parameters.
        input_gradient: ``(K, B, F)``; without any row, where it is not wanted.
    """
    for member in range(len(parameters)):
        own, out = parameters[member], gradients[member]
        gradient, end = score_gradient[member], len(own)
        for layer in range(len(sizes) - 2, -1, -1):
            features = inputs[member if len(inputs) > 1 else 0] if layer == 0 else values[layer - 1, member]
            num_inputs, num_outputs = sizes[layer], sizes[layer + 1]
            first, middle = end - (num_inputs + 1) * num_outputs, end - num_outputs
            np.dot(features.T, gradient, out[first:middle].reshape(num_inputs, num_outputs))
            _sum(gradient, out[middle:end])
            weights = own[first:middle].reshape(num_inputs, num_outputs)
            end = first
            if layer > 0:
                onward = np.empty(features.shape, dtype=np.float32)
                np.dot(gradient, weights.T, onward)
                _cut_off(onward, features, kept[layer - 1, member if kept.shape[1] > 1 else 0], scale)
                gradient = onward
            elif len(input_gradient):
                np.dot(gradient, weights.T, input_gradient[member])


@compiled
def _add(outputs: Floats, biases: Floats) -> None:
    for text in range(len(outputs)):
        row = outputs[text]
        for j in range(len(row)):
            row[j] += biases[j]


@compiled
def _add_and_rectify(outputs: Floats, biases: Floats, kept: Flags, scale: np.float32) -> None:
    """Adds the biases, and applies ReLU and dropout."""
    for text in range(len(outputs)):
        row, left = outputs[text], kept[text]
        for j in range(len(row)):
            value = row[j] + biases[j]
            # Not max(): what is not a number stays so, and is found out.
            row[j] = np.float32(0) if value < 0 else value * (np.float32(left[j]) * scale)


@compiled
def _sum(gradient: Floats, sums: Floats) -> None:
    sums[:] = 0
    for text in range(len(gradient)):
        row = gradient[text]
        for j in range(len(row)):
            sums[j] += row[j]


@compiled
def _cut_off(gradient: Floats, values: Floats, kept: Flags, scale: np.float32) -> None:
    """Takes a gradient (B, H) of the ``values`` that :func:`_add_and_rectify` left back through it, in place."""
    for text in range(len(gradient)):
        row, value, left = gradient[text], values[text], kept[text]
        for j in range(len(row)):
            # What is zero was cut off by ReLU, or by dropout, whose factor is zero there.
            row[j] = row[j] * (np.float32(left[j]) * scale) if value[j] != 0 else np.float32(0)
