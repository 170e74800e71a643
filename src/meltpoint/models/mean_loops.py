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
    """Fills ``spread`` (U, K, D) with what the gradient (B, K, D) of the means is to each row.

    Row by row, though the texts then have to be found first: every row is written once, and not cleared, read and
    written again, and the texts' gradients are what stays in the cache.
    """
    num_texts, num_members = gradient.shape[:2]
    shares = np.empty(num_texts, dtype=np.float32)
    firsts = np.empty(len(spread) + 1, dtype=np.int64)
    texts = np.empty(ids.shape[1] * ids.shape[2], dtype=np.int64)
    for member in range(num_members):
        _list_texts(ids[member], firsts, texts)
        for text in range(num_texts):
            shares[text] = _share(ids[member, text])
        for word in range(len(spread)):
            row, first, last = spread[word, member], firsts[word], firsts[word + 1]
            if first == last:
                row[:] = 0
            for i in range(first, last):
                own, share = gradient[texts[i], member], shares[texts[i]]
                if i == first:
                    for j in range(len(row)):
                        row[j] = share * own[j]
                else:
                    for j in range(len(row)):
                        row[j] += share * own[j]


@compiled
def _list_texts(ids: Ids, firsts: Ids, texts: Ids) -> None:
    """Lists the texts that each word stands in, once for each time: word w in ``texts[firsts[w]:firsts[w + 1]]``."""
    firsts[:] = 0
    for text in range(len(ids)):
        for word in ids[text]:
            firsts[word] += word != 0
    total = 0
    for word in range(len(firsts)):
        total, firsts[word] = total + firsts[word], total
    for text in range(len(ids)):
        for word in ids[text]:
            if word != 0:
                texts[firsts[word]] = text
                firsts[word] += 1
    # Each entry has moved on to where the next word begins.
    for word in range(len(firsts) - 1, 0, -1):
        firsts[word] = firsts[word - 1]
    firsts[0] = 0
