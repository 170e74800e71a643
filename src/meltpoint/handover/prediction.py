"""Classifying new texts with a model folder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from meltpoint.embedding import PADDING_INDEX, UNKNOWN_INDEX
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords, open_model_vectors
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
        unseen = sorted({word for words in tokens for word in words if word not in vocabulary})
        rows, appended = self._unseen.read(unseen)
        length = max(1, *(len(words) for words in tokens)) if tokens else 1
        ids = torch.full((len(tokens), length), PADDING_INDEX, dtype=torch.int64)
        for line, words in zip(ids, tokens, strict=True):
            numbers = [rows.get(word) or vocabulary.index(word) for word in words] or [UNKNOWN_INDEX]
            line[: len(numbers)] = torch.tensor(numbers)
        with torch.inference_mode(), self._trained.embedding.extended(appended):
            probabilities = self._trained.model(ids).softmax(dim=1).tolist()
        for values in probabilities:
            best = int(np.argmax(values))
            yield Prediction(label=config.classes[best], probabilities=dict(zip(config.classes, values, strict=True)))


def make_predictor(trained: TrainedModel, *, unseen: UnseenReading = "pretrained") -> Predictor:
    """Opens the model's vectors for words that training never saw.

    Where they cannot be opened, or are no longer the same, such words are unknown words, and a warning says so.

    Raises:
        InputError: ``unseen`` is not ``pretrained``, ``mapped`` or ``unknown``.
    """
    vectors = None
    if trained.reads_unseen_words and unseen != "unknown":
        vectors = open_model_vectors(trained, consequence="words that training never saw are taken as unknown")
    return Predictor(trained, vectors, unseen=unseen)
