"""A tag for each token."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.tasks.answers import Prediction, Queries, Query
from meltpoint.tasks.control import Control, ControlRows, FittedControl, fit_logistic, log_probabilities
from meltpoint.tasks.metrics import ENTITY_F1, TOKEN_ACCURACY
from meltpoint.tasks.task import Task
from meltpoint.text import NO_LABEL, TAGS

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]


class Tag(Task):
    """Softmax over the tags of every token, cross-entropy over tokens. Tags are chosen one by one."""

    name = "tag"
    summary = "a tag for each token: entities in the BIO scheme"
    reads = "tokens"
    unit = "sentence"
    targets = TAGS
    metrics = (ENTITY_F1, TOKEN_ACCURACY)

    def tokenizer(self, fitting: str) -> str:
        """Tokens come as they are; in lower case where the vectors' tokenizer makes them so."""
        return "whitespace" if fitting in ("treebank", "whole", "whitespace") else "whitespace-lower"

    def loss(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Mean cross-entropy over tokens: scores ``(*K, B, T, C)``, labels ``(B, >= T)`` or ``(K, B, >= T)``."""
        from meltpoint.tasks.losses import cross_entropy  # noqa: PLC0415

        return cross_entropy(scores, labels[..., : scores.shape[-2]].contiguous(), num_axes=3)

    def total_loss(self, scores: "Tensor", labels: "Tensor") -> "tuple[float, int]":
        """Summed cross-entropy."""
        from meltpoint.tasks.losses import total_cross_entropy  # noqa: PLC0415

        return total_cross_entropy(scores, labels[:, : scores.shape[1]].contiguous())

    def read_out(self, scores: "Tensor") -> "Tensor":
        """The tag with the highest score: ``(B, T)``."""
        return scores.argmax(dim=-1)

    def settle(self, read: NDArray[Any], labels: IntArray, units: IntArray) -> IntArray:
        """Nothing behind the last token. Tokens of a sentence that was cut are outside, the tag 0."""
        del units
        return np.where(labels == NO_LABEL, NO_LABEL, read).astype(np.int64)

    def guess(self, labels: IntArray, counts: IntArray) -> tuple[str, IntArray]:
        """The most frequent tag everywhere."""
        return "always giving the most frequent tag", np.where(labels == NO_LABEL, NO_LABEL, int(counts.argmax()))

    def control(self, train: ControlRows, others: Sequence[ControlRows]) -> Control:
        """Logistic regression on each token, its ending and its neighbours."""
        return _TokenControl(train, others)

    def columns(self, label_ids: IntArray, predicted: IntArray, classes: Sequence[str]) -> Mapping[str, Any]:
        """Lists of tags."""
        return {
            "label": _tags(label_ids, classes),
            "predicted": _tags(predicted, classes),
            "right": (label_ids == predicted).all(axis=1),
        }

    def query(self, row: Any, text_key: str = "text") -> Query:
        """Reads a text, cut at blanks, or an object with a text or a list of ``tokens``."""
        if isinstance(row, dict) and text_key not in row and isinstance(row.get("tokens"), list):
            row = {text_key: " ".join(map(str, row["tokens"]))}
        return super().query(row, text_key)

    def answers(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> Iterator[Prediction]:
        """The tokens, each with its tag."""
        found = iter([classes[number] for number in scores.argmax(dim=-1).tolist()])
        for text, count in zip(queries.texts, num_scores.tolist(), strict=True):
            tokens = text.split()
            # Of a text without tokens one was read, an unknown one.
            tags = list(islice(found, count))[: len(tokens)]
            # Tokens behind the longest text that the model reads.
            tags += ["O"] * (len(tokens) - len(tags))
            yield Prediction(label=tuple(tags), probabilities={}, details={"tokens": tokens, "tags": tags})


TAG = Tag()


def _tags(numbers: IntArray, classes: Sequence[str]) -> list[list[str]]:
    return [[classes[number] for number in row[row != NO_LABEL]] for row in numbers]


class _TokenControl:
    """One-hot words: the token, its neighbours, its last three letters."""

    def __init__(self, train: ControlRows, others: Sequence[ControlRows]) -> None:
        from sklearn.feature_extraction import DictVectorizer  # noqa: PLC0415 - slow to import

        vectorizer = DictVectorizer(dtype=np.float64)
        self._train = vectorizer.fit_transform(_token_features(train))
        self._labels = train.labels[train.labels != NO_LABEL]
        self._others = [(vectorizer.transform(_token_features(part)), part.labels) for part in others]
        self._num_classes = int(max(part.labels.max() for part in (train, *others))) + 1

    def fit(self, strength: float) -> FittedControl:
        model, converged = fit_logistic(self._train, self._labels, strength)
        outputs = []
        for features, labels in self._others:
            scores = np.zeros((*labels.shape, self._num_classes))
            scores[labels != NO_LABEL] = log_probabilities(model, features, self._num_classes)
            outputs.append(scores)
        return FittedControl(
            outputs=tuple(outputs),
            num_coefficients=int(model.coef_.size + model.intercept_.size),
            converged=converged,
        )


def _token_features(part: ControlRows) -> list[dict[str, float]]:
    found = []
    for (tokens,) in part.texts:
        around = ("", *tokens, "")
        for before, token, after in zip(around, tokens, around[2:], strict=False):
            found.append({f"0 {token}": 1.0, f"-1 {before}": 1.0, f"+1 {after}": 1.0, f"end {token[-3:]}": 1.0})
    return found
