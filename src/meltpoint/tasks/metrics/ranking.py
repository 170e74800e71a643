"""Metrics of candidates in order: the mean over questions, as trec_eval computes it.

Questions without a right answer do not count (trec_eval: "Queries for which there are no relevant docs are ignored").
Candidates that share a place are in no order: their question gets the mean over all orders of them (McSherry & Najork,
ECIR 2008). trec_eval breaks ties by the names of the documents, which is one order at random; without ties the numbers
are the same.
"""

from collections.abc import Callable

import numpy as np

from meltpoint.tasks.metrics.metric import Floats, IntArray, Judged, Metric

Groups = list[tuple[int, int]]
"""The candidates of a question, place by place: how many share it, and how many of them are right."""


def _over_questions(score: Callable[[Groups], float]) -> Callable[[Judged], tuple[IntArray, Floats]]:
    def tally(judged: Judged) -> tuple[IntArray, Floats]:
        order = np.lexsort((judged.predicted, judged.units))
        units, places, labels = judged.units[order], judged.predicted[order], judged.labels[order]
        begins = np.flatnonzero(np.r_[True, (units[1:] != units[:-1]) | (places[1:] != places[:-1])][: len(units)])
        sizes = np.diff(np.r_[begins, len(units)]).tolist()
        right = np.add.reduceat(labels, begins).tolist() if len(units) else []
        questions: dict[int, Groups] = {}
        for unit, size, count in zip(units[begins].tolist(), sizes, right, strict=True):
            questions.setdefault(unit, []).append((size, count))
        kept = [unit for unit, groups in questions.items() if any(count for _, count in groups)]
        scores = np.array([score(questions[unit]) for unit in kept], dtype=np.float64)
        return np.array(kept, dtype=np.int64), scores.reshape(-1, 1)

    return tally


def average_precision(groups: Groups) -> float:
    """Returns the mean, over right answers, of the share of right ones down to each.

    Of n candidates in one place, r of them right, behind s others with R right ones, each of the n positions holds a
    right one with probability r / n, and then (i - 1) (r - 1) / (n - 1) others are expected before it.
    """
    total, seen, right = 0.0, 0, 0
    for size, count in groups:
        if count:
            spread = (count - 1) / (size - 1) if size > 1 else 0.0
            for place in range(size):
                total += count / size * (right + place * spread + 1) / (seen + place + 1)
        seen, right = seen + size, right + count
    return total / right


def reciprocal_rank(groups: Groups) -> float:
    """Returns one over the rank of the first right answer, in expectation over ties."""
    seen = 0
    for size, count in groups:
        if count:
            total, none_before = 0.0, 1.0
            for place in range(size - count + 1):
                here = count / (size - place)
                total += none_before * here / (seen + place + 1)
                none_before *= 1 - here
            return total
        seen += size
    return 0.0


def first_is_right(groups: Groups) -> float:
    """Returns the share of right answers in the first place."""
    size, count = groups[0]
    return count / size


MEAN_AVERAGE_PRECISION = Metric(name="map", tally=_over_questions(average_precision))
MEAN_RECIPROCAL_RANK = Metric(name="mrr", tally=_over_questions(reciprocal_rank))
PRECISION_AT_1 = Metric(name="precision-at-1", tally=_over_questions(first_is_right))
