"""New texts, read by a model folder."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.handover.model_folder import TrainedModel
from meltpoint.handover.opening_vectors import model_vectors_or_none
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords
from meltpoint.handover.word_rows import WordRows
from meltpoint.models import TextModel
from meltpoint.tasks import Prediction, Query, find_task
from meltpoint.text import BulkTexts, NumberedTexts
from meltpoint.vectors import Vectors

__all__ = ["Prediction", "Predictor", "make_predictor"]

Answer = TypeVar("Answer")

# Of texts that may come one by one, no more are waited for than these.
BATCH_SIZE = 256
# Of texts that are there, so many at a time: what is to be done once a batch then costs little.
BULK_SIZE = 8192
# So many word vectors, pads among them, pass through the model at a time: 40 MB at 300 dimensions.
_MAX_CELLS = 1 << 15
_MAX_QUERIES = 1024
# Distinct words and chunks kept in mind, some 100 bytes each; what is asked without end must not fill the memory.
_MAX_REMEMBERED = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadQueries:
    """Q queries whose words have been looked up.

    Attributes:
        queries: As they were asked.
        texts: The words of all their texts, one query after another, as rows of the table.
        num_texts: How many texts each query has, ``(Q,)``.
        table: The rows, ``(V, D)``.
    """

    queries: Sequence[Query]
    texts: NumberedTexts
    num_texts: NDArray[np.int64]
    table: Tensor


class Predictor:
    """Does the task of a model on new texts.

    Words that training never saw are read by their pretrained vectors, as in the study's tests.
    """

    def __init__(self, trained: TrainedModel, vectors: Vectors | None, *, unseen: UnseenReading = "pretrained") -> None:
        """Takes a model, and the vectors it was made with (None: unseen words are unknown words).

        Args:
            trained: The model.
            vectors: Its vectors.
            unseen: How words that training never saw are read: ``pretrained``, ``mapped`` or ``unknown``.

        Raises:
            InputError: ``unseen`` is none of these.
        """
        self._trained = trained
        self._task = find_task(trained.config.task)
        reader = UnseenWords(trained, vectors, reading=unseen)
        self._words = WordRows(trained.vocabulary, trained.embedding, reader)
        self._texts = BulkTexts(trained.vocabulary.tokenizer, self._words.find)
        self._one_at_a_time = threading.Lock()

    def predict(self, texts: Iterable[str | Query]) -> Iterator[Prediction]:
        """Yields a prediction for each text, or query of the model's task, in order, as batches fill."""
        size = BULK_SIZE if isinstance(texts, Sequence) else BATCH_SIZE
        waiting = iter(texts)
        while batch := tuple(islice(waiting, size)):
            queries = [self._task.query(one) if isinstance(one, str) else one for one in batch]
            yield from self._answer(self.read(queries), self._task.answers)

    def read(self, queries: Sequence[Query]) -> ReadQueries:
        """Finds the rows of all words; one thread at a time, since what is found is remembered."""
        if max(self._words.num_remembered, self._texts.num_remembered) > _MAX_REMEMBERED:
            self._words.forget()
            self._texts.forget()
        if self._task.reads == "pair":
            texts = list(chain.from_iterable(chain.from_iterable(query.rows for query in queries)))
            num_texts = np.array([2 * len(query.rows) for query in queries], dtype=np.int64)
        else:
            texts = [query.rows[0][0] for query in queries]
            num_texts = np.ones(len(queries), dtype=np.int64)
        numbered = self._texts.number(texts)
        return ReadQueries(queries=queries, texts=numbered, num_texts=num_texts, table=self._words.table)

    def records(self, read: ReadQueries) -> list[dict[str, Any]]:
        """Returns what a line of output says of each query, in order; several threads may ask at a time."""
        return self._answer(read, self._task.records)

    def _answer(
        self, read: ReadQueries, say: Callable[[Sequence[Query], Tensor, Sequence[str]], Iterable[Answer]]
    ) -> list[Answer]:
        """Returns what is to be said of each query, in order."""
        config = self._trained.config
        first_text = np.cumsum(read.num_texts) - read.num_texts
        answers: list[Any] = [None] * len(read.queries)
        with torch.inference_mode():
            for group in _groups(read.texts, first_text, read.num_texts, config.max_tokens):
                ids = read.texts.padded(_stretches(first_text[group], read.num_texts[group]), config.max_tokens)
                scores = self._scores(read.table, torch.from_numpy(ids))
                asked = [read.queries[query] for query in group.tolist()]
                for query, answer in zip(group.tolist(), say(asked, scores, config.classes), strict=True):
                    answers[query] = answer
        return answers

    def _scores(self, table: Tensor, ids: Tensor) -> Tensor:
        """Lets the model read texts ``(B, T)``, each two of them a pair where it reads pairs."""
        model = self._trained.model
        if self._task.reads == "pair":
            ids = ids.view(-1, 2, ids.shape[-1])
        if isinstance(model, TextModel):
            return model.score_over(table, ids)
        # A model that somebody else has written reads its own embedding, and may keep what it likes.
        with self._one_at_a_time, self._trained.embedding.reading(table):
            scores: Tensor = model(ids)
        return scores


def _stretches(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the numbers from each start on, as many as its length, one stretch after another."""
    moved: NDArray[np.int64] = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(len(moved)) + moved


def _groups(
    numbered: NumberedTexts, first_text: NDArray[np.int64], num_texts: NDArray[np.int64], max_tokens: int
) -> Iterator[NDArray[np.int64]]:
    """Yields the numbers of queries that pass through the model together.

    They are of like length: among 8,192 texts of 24 words on average, one has 200, and all would be padded to it.
    """
    lengths = numbered.lengths.clip(1, max_tokens)
    longest = np.maximum.reduceat(lengths, first_text) if len(lengths) else lengths
    order = np.argsort(longest, kind="stable")
    texts, longest = np.cumsum(num_texts[order]), longest[order]
    first, before = 0, 0
    while first < len(order):
        stop = first + _MAX_QUERIES
        cells = (texts[first:stop] - before) * longest[first:stop]
        stop = first + max(1, int(np.searchsorted(cells, _MAX_CELLS, side="right")))
        yield order[first:stop]
        first, before = stop, texts[stop - 1]


def make_predictor(trained: TrainedModel, *, unseen: UnseenReading = "pretrained") -> Predictor:
    """Opens the model's vectors for words that training never saw.

    Where they cannot be opened, or are no longer the same, such words are unknown words, and a warning says so.

    Raises:
        InputError: ``unseen`` is not ``pretrained``, ``mapped`` or ``unknown``.
    """
    vectors = None
    if trained.reads_unseen_words and unseen != "unknown":
        vectors = model_vectors_or_none(trained, consequence="words that training never saw are taken as unknown")
    return Predictor(trained, vectors, unseen=unseen)
