"""The loops of :mod:`meltpoint.models.windows`, compiled. One thread: each worker process has one."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Floats = NDArray[np.float32]

# Of the words of a text and of all filters, what is worked on at a time: so much stays in the second cache.
DIMENSIONS = 100


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
    table: Floats,
    filters: Floats,
    of_table: Floats,
    of_filters: Floats,
) -> None:
    """Takes the gradient of each highest sum to the words of its window, and to its filter.

    The words of a text, and the positions of a filter, are first laid one behind the other: a window is then one piece
    of memory, and so is the filter that it is multiplied by.

    Args:
        gradient: ``(K, B, W, F)``.
        ids: As :func:`find_highest` was given them, like the next two.
        widths: Likewise.
        winners: As it has filled them.
        table: ``(K or 1, U, D)``.
        filters: ``(K or 1, D, S)``.
        of_table: Like the table, zeros, to which its gradient is added; without any table where it is not wanted.
        of_filters: Like the filters, zeros, to which their gradient is added.
    """
    margin, num_columns, to_words = widths.max() - 1, filters.shape[2], len(of_table) > 0
    words = np.empty((margin + ids.shape[2] + margin) * DIMENSIONS, dtype=np.float32)
    of_words = np.empty_like(words)
    pieces = np.empty(num_columns * DIMENSIONS, dtype=np.float32)
    of_pieces = np.empty_like(pieces)
    piece_of = _pieces_of(widths, gradient.shape[3])
    for member in range(gradient.shape[0]):
        texts = ids[member if len(ids) > 1 else 0]
        own_table, own_filters = member if len(table) > 1 else 0, member if len(filters) > 1 else 0
        for first in range(0, table.shape[2], DIMENSIONS):
            last = min(first + DIMENSIONS, table.shape[2])
            size = last - first
            if to_words:
                for column in range(num_columns):
                    start = piece_of[column] * size
                    for d in range(size):
                        pieces[start + d] = filters[own_filters, first + d, column]
            of_pieces[:] = 0
            for text in range(len(texts)):
                tokens = texts[text, : _count_tokens(texts[text])]
                words[:], of_words[:] = 0, 0
                for token in range(len(tokens)):
                    start = (margin + token) * size
                    _add(words[start : start + size], np.float32(1), table[own_table, tokens[token], first:last])
                own_gradient, own_winners = gradient[member, text], winners[member, text]
                _spread_text(
                    own_gradient, widths, own_winners, margin, size, words, pieces, to_words, of_words, of_pieces
                )
                for token in range(len(tokens) if to_words else 0):
                    start = (margin + token) * size
                    _add(of_table[own_table, tokens[token], first:last], np.float32(1), of_words[start : start + size])
            for column in range(num_columns):
                start = piece_of[column] * size
                for d in range(size):
                    of_filters[own_filters, first + d, column] += of_pieces[start + d]


@compiled
def _spread_text(
    gradient: Floats,
    widths: NDArray[np.int64],
    winners: NDArray[np.int32],
    margin: int,
    size: int,
    words: Floats,
    pieces: Floats,
    to_words: bool,  # noqa: FBT001
    of_words: Floats,
    of_pieces: Floats,
) -> None:
    """Adds the gradients (W, F) of a text's highest sums to those of all filters and, where wanted, of its words."""
    place = 0
    for kind in range(len(widths)):
        length = widths[kind] * size
        for f in range(gradient.shape[1]):
            value = gradient[kind, f]
            if value != 0.0:
                start = (margin + winners[kind, f]) * size
                _add(of_pieces[place : place + length], value, words[start : start + length])
                if to_words:
                    _add(of_words[start : start + length], value, pieces[place : place + length])
            place += length


@compiled
def _add(total: Floats, factor: np.float32, term: Floats) -> None:
    for j in range(len(total)):
        total[j] += factor * term[j]


@compiled
def _pieces_of(widths: NDArray[np.int64], num_filters: int) -> NDArray[np.int64]:
    """Returns the piece that each column of filters ``(D, S)`` is: by width and filter, position after position."""
    pieces = np.empty(num_filters * widths.sum(), dtype=np.int64)
    column = first = 0
    for width in widths:
        for position in range(width):
            for f in range(num_filters):
                pieces[column] = first + f * width + position
                column += 1
        first += num_filters * width
    return pieces
