"""Metrics of sets of labels."""

import numpy as np

from meltpoint.tasks.metrics.classes import mean_f1
from meltpoint.tasks.metrics.metric import Floats, IntArray, Judged, Metric, f1, of_rows


def _label_counts(judged: Judged) -> tuple[IntArray, Floats]:
    """Counts ``(n, 3 C)``: true positives, false positives and false negatives of each label."""
    held, found = judged.labels > 0, judged.predicted > 0
    return of_rows(judged, np.concatenate([held & found, ~held & found, held & ~found], axis=1).astype(np.float64))


def _all_counts(judged: Judged) -> tuple[IntArray, Floats]:
    """Counts ``(n, 3)``, all labels together."""
    units, counts = _label_counts(judged)
    return units, counts.reshape(len(counts), 3, -1).sum(axis=-1)


def _alike(judged: Judged) -> tuple[IntArray, Floats]:
    return of_rows(judged, (judged.labels == judged.predicted).all(axis=1).astype(np.float64)[:, None])


def f1_of_sums(sums: Floats) -> Floats:
    """Returns F1 of sums ``(.., 3)``."""
    return f1(sums[..., 0], sums[..., 1], sums[..., 2])


LABEL_MICRO_F1 = Metric(name="micro-f1", tally=_all_counts, statistic=f1_of_sums)
LABEL_MACRO_F1 = Metric(name="macro-f1", tally=_label_counts, statistic=mean_f1)
SUBSET_ACCURACY = Metric(name="subset-accuracy", tally=_alike)
