"""The loops of :mod:`meltpoint.models.windows`, compiled. One thread: each worker process has one."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]


@compiled
def _count_tokens(tokens: NDArray[np.int64]) -> int:
    length = 0
    while length < len(tokens) and tokens[length] != 0:
        length += 1
    return length


@compiled
def find_highest(
    projected: Floats, ids: NDArray[np.int64], widths: NDArray[np.int64], highest: Floats, winners: NDArray[np.int32]
) -> None:
    """Fills ``highest`` and ``winners`` (K, B, W, F): the highest window sum of each filter, and where it starts.

    Args:
        projected: ``(K, U, S)``.
        ids: ``(K or 1, B, T)``.
        widths: ``(W,)``.
        highest: Receives the sums.
        winners: Receives the first token of the window that has it, from ``1 - width`` on; the first of equals.
    """
    num_filters = highest.shape[3]
    sums = np.empty((ids.shape[2] + widths.max() - 1, num_filters), dtype=np.float32)
    for member in range(projected.shape[0]):
        texts = ids[member if ids.shape[0] > 1 else 0]
        rows = projected[member]
        for text in range(texts.shape[0]):
            tokens = texts[text]
            length = _count_tokens(tokens)
            first_column = 0
            for kind in range(len(widths)):
                width = widths[kind]
                num_windows = length + width - 1
                sums[:num_windows] = 0
                for token in range(length):
                    for position in range(width):
                        column = first_column + position * num_filters
                        window = sums[token - position + width - 1]
                        term = rows[tokens[token], column : column + num_filters]
                        for f in range(num_filters):
                            window[f] += term[f]
                best, where = highest[member, text, kind], winners[member, text, kind]
                best[:] = -np.inf
                where[:] = 1 - width
                for number in range(num_windows):
                    window = sums[number]
                    for f in range(num_filters):
                        # What is not a number stays the highest, as in torch: a divergence must be seen.
                        if window[f] > best[f] or window[f] != window[f]:
                            best[f] = window[f]
                            where[f] = number - width + 1
                first_column += width * num_filters


@compiled
def spread_gradient(
    gradient: Floats,
    ids: NDArray[np.int64],
    widths: NDArray[np.int64],
    winners: NDArray[np.int32],
    spread: Floats,
) -> None:
    """Adds the gradient of each highest sum (K, B, W, F) to the words of its window, in ``spread`` (K, U, S)."""
    num_filters = gradient.shape[3]
    for member in range(gradient.shape[0]):
        texts = ids[member if ids.shape[0] > 1 else 0]
        rows = spread[member]
        for text in range(texts.shape[0]):
            tokens = texts[text]
            length = _count_tokens(tokens)
            first_column = 0
            for kind in range(len(widths)):
                width = widths[kind]
                for f in range(num_filters):
                    value = gradient[member, text, kind, f]
                    if value == 0.0:
                        continue
                    start = winners[member, text, kind, f]
                    for position in range(max(0, -start), min(width, length - start)):
                        rows[tokens[start + position], first_column + position * num_filters + f] += value
                first_column += width * num_filters
