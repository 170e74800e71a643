"""The loop of :mod:`meltpoint.tasks.losses`, compiled."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]


@compiled
def fill_cross_entropy_gradient(scores: Floats, labels: NDArray[np.int64], no_label: int, gradient: Floats) -> None:
    """Fills ``gradient`` (K, B, C): of the mean cross-entropy of each member, by its scores.

    Args:
        scores: ``(K, B, C)``.
        labels: ``(K, B)``.
        no_label: Marks the rows that do not count.
        gradient: Receives it.
    """
    num_texts, num_classes = scores.shape[1:]
    for member in range(scores.shape[0]):
        num_known = 0
        for text in range(num_texts):
            num_known += labels[member, text] != no_label
        share = np.float32(1) / np.float32(num_known)
        for text in range(num_texts):
            label, own, out = labels[member, text], scores[member, text], gradient[member, text]
            highest = own[0]
            for c in range(1, num_classes):
                highest = max(highest, own[c])
            total = np.float32(0)
            for c in range(num_classes):
                out[c] = np.exp(own[c] - highest)
                total += out[c]
            scale = (share if label != no_label else np.float32(0)) / total
            for c in range(num_classes):
                out[c] *= scale
            if label != no_label:
                out[label] -= share
