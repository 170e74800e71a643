"""The loops of :mod:`meltpoint.models.means`, compiled. One thread: each worker process has one."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


@compiled
def mean_rows(table: Floats, ids: Ids, means: Floats) -> None:
    """Fills ``means`` (K, B, D).

    Args:
        table: ``(K or 1, U, D)``.
        ids: ``(K or 1, B, T)``; 0 is padding.
        means: Receives the mean of the rows of each text.
    """
    for member in range(means.shape[0]):
        rows = table[member if table.shape[0] > 1 else 0]
        texts = ids[member if ids.shape[0] > 1 else 0]
        for text in range(texts.shape[0]):
            total = means[member, text]
            total[:] = 0
            count = 0
            for word in texts[text]:
                if word != 0:
                    count += 1
                    row = rows[word]
                    for j in range(len(total)):
                        total[j] += row[j]
            share = np.float32(1) / np.float32(max(count, 1))
            for j in range(len(total)):
                total[j] *= share


@compiled
def spread_means(gradient: Floats, ids: Ids, spread: Floats) -> None:
    """Adds to ``spread`` (K, U, D) what the gradient (K, B, D) of the means is to each row."""
    share = np.empty(gradient.shape[2], dtype=np.float32)
    for member in range(gradient.shape[0]):
        rows = spread[member]
        texts = ids[member if ids.shape[0] > 1 else 0]
        for text in range(texts.shape[0]):
            count = 0
            for word in texts[text]:
                count += word != 0
            own = gradient[member, text]
            scale = np.float32(1) / np.float32(max(count, 1))
            for j in range(len(share)):
                share[j] = scale * own[j]
            for word in texts[text]:
                if word != 0:
                    row = rows[word]
                    for j in range(len(share)):
                        row[j] += share[j]
