"""The loops of :mod:`meltpoint.models.means`, compiled. One thread: each worker process has one."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


@compiled
def _share(words: Ids) -> np.float32:
    """Returns what each word of a text, padded with 0, has in the mean."""
    count = 0
    for word in words:
        count += word != 0
    return np.float32(1) / np.float32(max(count, 1))


@compiled
def mean_rows(table: Floats, ids: Ids, means: Floats) -> None:
    """Fills ``means`` (B, K, D).

    Args:
        table: ``(U, K or 1, D)``.
        ids: ``(K, B, T)``; 0 is padding.
        means: Receives the mean of the rows of each text.
    """
    for text in range(means.shape[0]):
        for member in range(means.shape[1]):
            words, total = ids[member, text], means[text, member]
            place = member if table.shape[1] > 1 else 0
            total[:] = 0
            for word in words:
                if word != 0:
                    row = table[word, place]
                    for j in range(len(total)):
                        total[j] += row[j]
            share = _share(words)
            for j in range(len(total)):
                total[j] *= share


@compiled
def mean_stretches(table: Floats, numbers: NDArray[np.int32], starts: Ids, lengths: Ids, means: Floats) -> None:
    """Fills ``means`` (B, D) as :func:`mean_rows` does, the words of text i being those from ``starts[i]`` on."""
    for text in range(len(means)):
        total = means[text]
        total[:] = 0
        for word in numbers[starts[text] : starts[text] + lengths[text]]:
            row = table[word]
            for j in range(len(total)):
                total[j] += row[j]
        share = np.float32(1) / np.float32(lengths[text])
        for j in range(len(total)):
            total[j] *= share


@compiled
def spread_means(gradient: Floats, ids: Ids, spread: Floats) -> None:
    """Adds to ``spread`` (U, K, D) what the gradient (B, K, D) of the means is to each row."""
    part = np.empty(gradient.shape[2], dtype=np.float32)
    for text in range(gradient.shape[0]):
        for member in range(gradient.shape[1]):
            words, own = ids[member, text], gradient[text, member]
            share = _share(words)
            for j in range(len(part)):
                part[j] = share * own[j]
            for word in words:
                if word != 0:
                    row = spread[word, member]
                    for j in range(len(part)):
                        row[j] += part[j]
