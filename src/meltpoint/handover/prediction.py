"""New texts, read by a model folder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.handover.model_folder import TrainedModel
from meltpoint.handover.opening_vectors import model_vectors_or_none
from meltpoint.handover.scoring import Scorer
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords
from meltpoint.handover.word_rows import WordRows
from meltpoint.tasks import Prediction, Queries, Query, find_task
from meltpoint.text import BulkTexts, NumberedTexts
from meltpoint.vectors import Vectors

__all__ = ["Prediction", "Predictor", "make_predictor"]

# Of texts that may come one by one, no more are waited for than these.
BATCH_SIZE = 256
# Of texts that are there, so many at a time: what is to be done once a batch then costs little.
BULK_SIZE = 8192
# Distinct words and chunks kept in mind, some 100 bytes each; what is asked without end must not fill the memory.
_MAX_REMEMBERED = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadQueries:
    """Q queries whose words have been looked up.

    Attributes:
        queries: As they were asked.
        texts: The words of all their texts, one query after another, as rows of the table; as long as they are read.
        table: The rows, ``(V, D)``.
    """

    queries: Queries
    texts: NumberedTexts
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
        self._scorer = Scorer(trained)

    def predict(self, texts: Iterable[str | Query]) -> Iterator[Prediction]:
        """Yields a prediction for each text, or query of the model's task, in order, as batches fill."""
        size = BULK_SIZE if isinstance(texts, Sequence) else BATCH_SIZE
        waiting = iter(texts)
        while batch := tuple(islice(waiting, size)):
            queries = [self._task.query(one) if isinstance(one, str) else one for one in batch]
            read = self.read(queries)
            yield from self._task.answers(read.queries, *self._scores(read), self._trained.config.classes)

    def read(self, queries: Sequence[Query]) -> ReadQueries:
        """Finds the rows of all words; one thread at a time, since what is found is remembered."""
        if max(self._words.num_remembered, self._texts.num_remembered) > _MAX_REMEMBERED:
            self._words.forget()
            self._texts.forget()
        queries = queries if isinstance(queries, Queries) else Queries(queries)
        texts = self._texts.number(queries.texts).cut(self._trained.config.max_tokens)
        return ReadQueries(queries=queries, texts=texts, table=self._words.table)

    def output_columns(self, read: ReadQueries) -> dict[str, Sequence[Any]]:
        """Returns what lines of output say, a column for each key; several threads may ask at a time."""
        return self._task.output_columns(read.queries, *self._scores(read), self._trained.config.classes)

    def _scores(self, read: ReadQueries) -> tuple[Tensor, NDArray[np.int64]]:
        """Lets the model read: the scores of one query after another, and how many belong to each."""
        scores, num_scores = self._scorer.score(read.table, read.texts)
        ends = np.cumsum(num_scores)[np.cumsum(read.queries.num_rows) - 1]
        return scores, np.diff(ends, prepend=0)


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
