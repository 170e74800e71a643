"""Metrics of tagged sentences: whole entities, or tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from meltpoint.tasks.metrics.label_sets import f1_of_sums
from meltpoint.tasks.metrics.metric import Floats, IntArray, Judged, Metric, of_rows
from meltpoint.text import NO_LABEL


def _entity_counts(judged: Judged) -> tuple[IntArray, Floats]:
    """Counts ``(n, 3)``: entities found, entities that are none, entities missed.

    An entity is found where begin, end and type are right. As in CoNLL's evaluation script, and in seqeval's default
    mode, an ``I-`` that goes on with nothing begins an entity.
    """
    kinds, begins = _parts_of(judged.classes)
    labelled, predicted = (_entities(tags, kinds, begins) for tags in (judged.labels, judged.predicted))
    found = ((labelled == predicted) & (labelled > 0)).sum(axis=1)
    counts = [found, (predicted > 0).sum(axis=1) - found, (labelled > 0).sum(axis=1) - found]
    return of_rows(judged, np.stack(counts, axis=1).astype(np.float64))


def _parts_of(names: Sequence[str]) -> tuple[IntArray, NDArray[np.bool_]]:
    """Returns for each tag the number of its type, -1 outside, and whether it begins an entity."""
    types = sorted({name[2:] for name in names if name != "O"})
    kinds = np.array([-1 if name == "O" else types.index(name[2:]) for name in names], dtype=np.int64)
    return kinds, np.array([name.startswith("B-") for name in names], dtype=np.bool_)


def _entities(tags: IntArray, kinds: IntArray, begins: NDArray[np.bool_]) -> IntArray:
    """Returns ``(n, T)``: where an entity begins, a number for its type and length; 0 elsewhere."""
    outside = tags == NO_LABEL
    number = np.where(outside, 0, tags)
    kind = np.where(outside, -1, kinds[number])
    before = np.concatenate([np.full((len(kind), 1), -1), kind[:, :-1]], axis=1)
    starts = (kind >= 0) & (begins[number] | (kind != before))
    goes_on = (kind >= 0) & ~starts
    length = np.zeros_like(kind)
    following = np.zeros(len(kind), dtype=np.int64)
    for place in range(kind.shape[1] - 1, -1, -1):
        length[:, place] = following + 1
        following = np.where(goes_on[:, place], following + 1, 0)
    entities: IntArray = np.where(starts, length * len(kinds) + kind, 0)
    return entities


def _tokens(judged: Judged) -> tuple[IntArray, Floats]:
    """Counts ``(n, 2)``: tokens that are right, and tokens."""
    known = judged.labels != NO_LABEL
    right = (judged.labels == judged.predicted) & known
    return of_rows(judged, np.stack([right.sum(axis=1), known.sum(axis=1)], axis=1).astype(np.float64))


def _share(sums: Floats) -> Floats:
    shares: Floats = sums[..., 0] / np.maximum(sums[..., 1], 1)
    return shares


ENTITY_F1 = Metric(name="entity-f1", tally=_entity_counts, statistic=f1_of_sums)
TOKEN_ACCURACY = Metric(name="token-accuracy", tally=_tokens, statistic=_share)
