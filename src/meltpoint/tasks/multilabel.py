"""Any number of labels for each text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.tasks.answers import PROBABILITY_DIGITS, Prediction, Queries
from meltpoint.tasks.control import Control, ControlRows, FittedControl, TextControl, fit_logistic
from meltpoint.tasks.json_rows import probability_rows
from meltpoint.tasks.metrics import LABEL_MACRO_F1, LABEL_MICRO_F1, SUBSET_ACCURACY
from meltpoint.tasks.task import Task
from meltpoint.text import LABEL_SETS

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]

# The logit of a label that training never or always has.
_CERTAIN = 20.0


class MultiLabel(Task):
    """A sigmoid for each label, binary cross-entropy; a label is predicted where its probability is above one half."""

    name = "multilabel"
    summary = "any number of labels for each text"
    targets = LABEL_SETS
    metrics = (LABEL_MICRO_F1, LABEL_MACRO_F1, SUBSET_ACCURACY)

    def loss(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Binary cross-entropy, summed over labels: scores ``(*K, B, C)``, labels ``(B, C)`` or ``(K, B, C)``."""
        from meltpoint.tasks.losses import binary_cross_entropy  # noqa: PLC0415

        return binary_cross_entropy(scores, labels)

    def total_loss(self, scores: "Tensor", labels: "Tensor") -> "tuple[float, int]":
        """Summed binary cross-entropy."""
        from meltpoint.tasks.losses import total_binary_cross_entropy  # noqa: PLC0415

        return total_binary_cross_entropy(scores, labels)

    def read_out(self, scores: "Tensor") -> "Tensor":
        """1 for the labels that are more probable than not: ``(B, C)``."""
        return (scores > 0).long()

    def guess(self, labels: IntArray, counts: IntArray) -> tuple[str, IntArray]:
        """The most frequent label everywhere."""
        guessed = np.zeros_like(labels)
        guessed[:, counts.argmax()] = 1
        return "always naming the most frequent label", guessed

    def control(self, train: ControlRows, others: Sequence[ControlRows]) -> Control:
        """One logistic regression for each label, on TF-IDF."""
        return _LabelControl(train, others)

    def columns(self, label_ids: IntArray, predicted: IntArray, classes: Sequence[str]) -> Mapping[str, Any]:
        """Lists of label names."""
        return {
            "label": _names(label_ids, classes),
            "predicted": _names(predicted, classes),
            "right": (label_ids == predicted).all(axis=1),
        }

    def answers(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> Iterator[Prediction]:
        """The labels that are more probable than not, and the probability of each."""
        del queries, num_scores
        for values in scores.sigmoid().tolist():
            found = [name for name, value in zip(classes, values, strict=True) if value > 0.5]
            probabilities = dict(zip(classes, values, strict=True))
            rounded = {name: round(value, PROBABILITY_DIGITS) for name, value in probabilities.items()}
            yield Prediction(
                label=tuple(found), probabilities=probabilities, details={"labels": found, "probabilities": rounded}
            )

    def output_columns(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> dict[str, Sequence[Any]]:
        """The same, all at a time."""
        del num_scores
        probabilities = scores.sigmoid()
        return {
            **queries.asked,
            "labels": _names((probabilities > 0.5).numpy(), classes),
            "probabilities": probability_rows(probabilities, classes),
        }


MULTILABEL = MultiLabel()


def _names(held: NDArray[Any], classes: Sequence[str]) -> list[list[str]]:
    return [[classes[label] for label in np.flatnonzero(row).tolist()] for row in held]


class _LabelControl(TextControl):
    def fit(self, strength: float) -> FittedControl:
        outputs = [np.empty((features.shape[0], self.labels.shape[1])) for features in self.others]
        num_coefficients, all_converged = 0, True
        for label, held in enumerate(self.labels.T):
            if held.min() == held.max():
                for scores in outputs:
                    scores[:, label] = _CERTAIN if held[0] else -_CERTAIN
                continue
            model, converged = fit_logistic(self.train, held, strength)
            all_converged &= converged
            num_coefficients += int(model.coef_.size + model.intercept_.size)
            for scores, features in zip(outputs, self.others, strict=True):
                scores[:, label] = model.decision_function(features)
        return FittedControl(outputs=tuple(outputs), num_coefficients=num_coefficients, converged=all_converged)
