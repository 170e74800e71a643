"""Classifying new texts with a model folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meltpoint.embedding import PADDING_INDEX, UNKNOWN_INDEX
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.handover.opening_vectors import model_vectors_or_none
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords
from meltpoint.vectors import Vectors

BATCH_SIZE = 256


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A text's class.

    Attributes:
        label: The most probable class.
        probabilities: By class name, in the order of the model's outputs; they add up to 1.
    """

    label: str
    probabilities: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Returns what one line of output says."""
        return {
            "label": self.label,
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
        }


class Predictor:
    """Classifies texts. Words that training never saw are read by their pretrained vectors, as in the study's tests."""

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
        self._unseen = UnseenWords(trained, vectors, reading=unseen)

    def predict(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Yields a prediction per text, in order, as batches fill."""
        waiting = iter(texts)
        while batch := tuple(islice(waiting, BATCH_SIZE)):
            yield from self._predict_batch(batch)

    def _predict_batch(self, texts: Sequence[str]) -> Iterator[Prediction]:
        config, vocabulary = self._trained.config, self._trained.vocabulary
        tokens = [words[: config.max_tokens] for words in vocabulary.tokenizer.tokenize_all(list(texts))]
        distinct = set(chain.from_iterable(tokens))
        rows, appended = self._unseen.read(sorted(word for word in distinct if word not in vocabulary))
        numbers = {word: rows.get(word) or vocabulary.index(word) for word in distinct}
        with torch.inference_mode(), self._trained.embedding.extended(appended):
            probabilities = self._trained.model(_padded(tokens, numbers)).softmax(dim=1).numpy()
        for best, values in zip(probabilities.argmax(axis=1).tolist(), probabilities.tolist(), strict=True):
            yield Prediction(label=config.classes[best], probabilities=dict(zip(config.classes, values, strict=True)))


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
