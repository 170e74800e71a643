"""Classifying new texts with a model folder."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meltpoint.embedding import PADDING_INDEX, UNKNOWN_INDEX
from meltpoint.errors import MeltpointError
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.vectors import Vectors, open_vectors

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

    def __init__(self, trained: TrainedModel, vectors: Vectors | None) -> None:
        """Takes a model, and the vectors it was made with (None: unseen words are unknown words)."""
        self._trained = trained
        self._vectors = vectors if trained.reads_unseen_words else None

    def predict(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Yields a prediction per text, in order, as batches fill."""
        waiting = iter(texts)
        while batch := tuple(islice(waiting, BATCH_SIZE)):
            yield from self._predict_batch(batch)

    def _predict_batch(self, texts: Sequence[str]) -> Iterator[Prediction]:
        config, vocabulary = self._trained.config, self._trained.vocabulary
        tokens = [words[: config.max_tokens] for words in vocabulary.tokenizer.tokenize_all(list(texts))]
        unseen = sorted({word for words in tokens for word in words if word not in vocabulary})
        rows, appended = self._read_unseen(unseen)
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

    def _read_unseen(self, words: list[str]) -> tuple[dict[str, int], Tensor]:
        """Returns the pretrained rows of unseen words, and the ids they get beyond the table."""
        first, dim = self._trained.embedding.weight.shape
        if self._vectors is None or not words:
            return {}, torch.empty(0, dim)
        rows, found = self._vectors.gather(words)
        known = np.flatnonzero(found)
        appended = torch.from_numpy(rows[known])
        return {words[index]: first + number for number, index in enumerate(known)}, appended


def make_predictor(trained: TrainedModel) -> Predictor:
    """Opens the model's vectors for words that training never saw.

    Where they cannot be opened, or are no longer the same, such words are unknown words, and a warning says so.
    """
    if not trained.reads_unseen_words:
        return Predictor(trained, None)
    source = trained.config.vectors
    try:
        vectors = open_vectors(source["source"])
    except MeltpointError as error:
        warnings.warn(
            f"The pretrained vectors of this model cannot be opened: words that training never saw are taken as "
            f"unknown. {error}",
            stacklevel=2,
        )
        return Predictor(trained, None)
    if vectors.digest != source["digest"]:
        warnings.warn(
            f"The vectors at {source['source']} are not those the model was made with: words that training never saw "
            "are taken as unknown.",
            stacklevel=2,
        )
        return Predictor(trained, None)
    return Predictor(trained, vectors)
