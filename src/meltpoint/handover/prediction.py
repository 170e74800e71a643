"""New texts, read by a model folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from meltpoint.embedding import PADDING_INDEX, UNKNOWN_INDEX
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.handover.opening_vectors import model_vectors_or_none
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords
from meltpoint.tasks import Prediction, Query, find_task
from meltpoint.vectors import Vectors

__all__ = ["Prediction", "Predictor", "make_predictor"]

BATCH_SIZE = 256


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
        self._unseen = UnseenWords(trained, vectors, reading=unseen)

    def predict(self, texts: Iterable[str | Query]) -> Iterator[Prediction]:
        """Yields a prediction for each text, or query of the model's task, in order, as batches fill."""
        waiting = iter(texts)
        while batch := tuple(islice(waiting, BATCH_SIZE)):
            yield from self._predict_batch([self._task.query(one) if isinstance(one, str) else one for one in batch])

    def _predict_batch(self, queries: Sequence[Query]) -> Iterator[Prediction]:
        config, vocabulary = self._trained.config, self._trained.vocabulary
        rows = [row for query in queries for row in query.rows]
        texts = list(chain.from_iterable(rows))
        tokens = [words[: config.max_tokens] for words in vocabulary.tokenizer.tokenize_all(texts)]
        distinct = set(chain.from_iterable(tokens))
        unseen, appended = self._unseen.read(sorted(word for word in distinct if word not in vocabulary))
        numbers = {word: unseen.get(word) or vocabulary.index(word) for word in distinct}
        ids = _padded(tokens, numbers)
        if self._task.reads == "pair":
            ids = ids.view(len(rows), 2, -1)
        with torch.inference_mode(), self._trained.embedding.extended(appended):
            scores = self._trained.model(ids)
        yield from self._task.answers(queries, scores, config.classes)


def _padded(tokens: Sequence[Sequence[str]], numbers: Mapping[str, int]) -> Tensor:
    """Returns the ids of texts, ``(B, T)`` int64; a text without words is an unknown word."""
    lengths = np.array([len(words) for words in tokens])
    ids = np.full((len(tokens), max(1, lengths.max())), PADDING_INDEX, dtype=np.int64)
    flat = (numbers[word] for words in tokens for word in words)
    ids[np.arange(ids.shape[1]) < lengths[:, np.newaxis]] = np.fromiter(flat, dtype=np.int64, count=lengths.sum())
    ids[lengths == 0, 0] = UNKNOWN_INDEX
    return torch.from_numpy(ids)


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
