"""Labelled texts as models read them: batches of table rows, and what is local to each batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.embedding import PADDING_INDEX
from meltpoint.embedding.rowwise.numbering import RowNumbers
from meltpoint.randomness import Generator
from meltpoint.tasks import Judged, Metric, Task
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import PackedTexts

SCORING_BATCH_SIZE = 512
# Batches are cut from pools of this many batches, sorted by length within the pool: little padding, little order.
POOL_BATCHES = 8

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LocalBatch:
    """Texts over the rows that occur in them and no others.

    Attributes:
        ids: ``(B, T)`` int64 numbers into ``rows``, padded with 0.
        rows: ``(U,)`` int64 distinct rows of the table; the first is the pad row.
    """

    ids: Tensor
    rows: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """Labelled texts as a model reads them.

    Attributes:
        packed: All texts of the study.
        rows: ``(n,)`` which of them.
        label_ids: ``(N, ...)`` targets of all texts.
        table_rows: ``(L,)`` int64, the row of the embedding table for each token of the lexicon.
        max_tokens: Longer texts are cut.
        task: What is learned.
        metric: What it is measured by.
        classes: Names of the classes; they may be left out where the metric needs none.
        units: ``(N,)`` the unit of each text; None where each is one.
    """

    packed: PackedTexts
    rows: Rows
    label_ids: Rows
    table_rows: Rows
    max_tokens: int
    task: Task = CLASSIFY
    metric: Metric = CLASSIFY.metrics[0]
    classes: tuple[str, ...] = ()
    units: Rows | None = None

    @cached_property
    def labels(self) -> Rows:
        """``(n, ...)`` int64 targets of the examples."""
        return self.label_ids[self.rows]

    def judge(self, read: NDArray[Any], loss: float) -> "Scores":
        """Scores what was read from the outputs of all examples, ``(n, ...)``."""
        units = self.rows if self.units is None else self.units[self.rows]
        predicted = self.task.settle(read, self.labels, units)
        judged = Judged(labels=self.labels, predicted=predicted, units=units, classes=self.classes)
        return Scores(predicted=predicted, score=self.metric.score(judged), loss=loss)

    @cached_property
    def by_length(self) -> tuple[Rows, ...]:
        """The positions of all examples in batches of like length, for scoring."""
        order = np.argsort(self.packed.lengths[self.rows], kind="stable")
        return tuple(order[first : first + SCORING_BATCH_SIZE] for first in range(0, len(order), SCORING_BATCH_SIZE))

    @cached_property
    def local_by_length(self) -> tuple[LocalBatch, ...]:
        """The batches of :attr:`by_length`, made once: validation rows are read again and again."""
        return tuple(self.local(positions) for positions in self.by_length)

    def ids(self, positions: Rows) -> Tensor:
        """Returns these positions in ``rows`` as ids of the table: ``(B, T)`` int64, padded with 0."""
        return torch.from_numpy(self.packed.padded(self.rows[positions], self.max_tokens, self.table_rows))

    def local(self, positions: Rows) -> LocalBatch:
        """Returns these positions in ``rows`` over the rows of the table that occur in them."""
        ids = self.ids(positions)
        rows = self._numbers.number(ids)
        return LocalBatch(ids=self._numbers.look_up(ids), rows=rows)

    def epochs(self, batch_size: int, random: Generator) -> Iterator[Rows]:
        """Yields the positions of each batch for ever: every epoch shuffled, of like length within a batch."""
        lengths = self.packed.lengths[self.rows]
        while True:
            order = random.permutation(len(self.rows))
            batches: list[Rows] = []
            for start in range(0, len(order), batch_size * POOL_BATCHES):
                pool = order[start : start + batch_size * POOL_BATCHES]
                pool = pool[np.argsort(lengths[pool], kind="stable")]
                batches += [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
            for index in random.permutation(len(batches)):
                yield batches[index]

    @cached_property
    def _numbers(self) -> RowNumbers:
        num_rows = int(self.table_rows.max(initial=1)) + 1
        return RowNumbers(num_rows, padding_idx=PADDING_INDEX, device=torch.device("cpu"))


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How a model does on some examples.

    Attributes:
        predicted: ``(n, ...)`` int64, what the task keeps (of a class: its number), in the order of the examples.
        score: By the study's metric, from 0 to 1; the higher, the better.
        loss: Mean loss, in nats.
    """

    predicted: Rows
    score: float
    loss: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders models: the higher score first, ties to the lower loss."""
        return (self.score, -self.loss)
