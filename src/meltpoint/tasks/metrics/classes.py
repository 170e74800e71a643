"""Metrics of one class for each row."""

import numpy as np

from meltpoint.tasks.metrics.metric import Floats, IntArray, Judged, Metric, f1, of_rows


def _right(judged: Judged) -> tuple[IntArray, Floats]:
    right = judged.labels == judged.predicted
    return of_rows(judged, right.astype(np.float64)[:, None])


def _class_counts(judged: Judged) -> tuple[IntArray, Floats]:
    """Counts ``(n, 3 C)``: true positives, false positives and false negatives of each class."""
    number = np.arange(len(judged.classes))
    is_label, is_predicted = judged.labels[:, None] == number, judged.predicted[:, None] == number
    counts = np.concatenate([is_label & is_predicted, ~is_label & is_predicted, is_label & ~is_predicted], axis=1)
    return of_rows(judged, counts.astype(np.float64))


def mean_f1(sums: Floats) -> Floats:
    """Returns the mean F1 over classes of sums ``(.., 3 C)``."""
    scores: Floats = f1(*np.split(sums, 3, axis=-1)).mean(axis=-1)
    return scores


ACCURACY = Metric(name="accuracy", tally=_right)
MACRO_F1 = Metric(name="macro-f1", tally=_class_counts, statistic=mean_f1)
