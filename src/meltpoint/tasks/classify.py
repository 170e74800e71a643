"""One class for each text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.tasks.answers import Prediction, Queries
from meltpoint.tasks.control import Control, ControlRows, FittedControl, TextControl, fit_logistic, log_probabilities
from meltpoint.tasks.json_rows import probability_rows
from meltpoint.tasks.metrics import ACCURACY, MACRO_F1
from meltpoint.tasks.task import Task
from meltpoint.text import CLASSES

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]


class Classify(Task):
    """Softmax over the classes, cross-entropy."""

    name = "classify"
    summary = "one class for each text"
    targets = CLASSES
    metrics = (ACCURACY, MACRO_F1)

    def loss(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Mean cross-entropy: scores ``(*K, B, C)``, labels ``(B,)`` or ``(K, B)``."""
        from meltpoint.tasks.losses import cross_entropy  # noqa: PLC0415

        return cross_entropy(scores, labels, num_axes=2)

    def score_gradient(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """The probabilities, less one at the label, over the number of labels."""
        from meltpoint.tasks.losses import cross_entropy_gradient  # noqa: PLC0415

        return cross_entropy_gradient(scores, labels)

    def total_loss(self, scores: "Tensor", labels: "Tensor") -> "tuple[float, int]":
        """Summed cross-entropy."""
        from meltpoint.tasks.losses import total_cross_entropy  # noqa: PLC0415

        return total_cross_entropy(scores, labels)

    def read_out(self, scores: "Tensor") -> "Tensor":
        """The class with the highest score: ``(B,)``."""
        return scores.argmax(dim=-1)

    def control(self, train: ControlRows, others: Sequence[ControlRows]) -> Control:
        """Multinomial logistic regression on TF-IDF."""
        return _ClassControl(train, others)

    def columns(self, label_ids: IntArray, predicted: IntArray, classes: Sequence[str]) -> Mapping[str, Any]:
        """Class names as an enumeration."""
        import polars as pl  # noqa: PLC0415

        names = pl.Series(list(classes), dtype=pl.Enum(list(classes)))
        return {
            "label": names.gather(label_ids),
            "predicted": names.gather(predicted),
            "right": label_ids == predicted,
        }

    def answers(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> Iterator[Prediction]:
        """The most probable class, and the probabilities of all; they add up to 1."""
        del queries, num_scores
        probabilities = scores.softmax(dim=1)
        for best, values in zip(probabilities.argmax(dim=1).tolist(), probabilities.tolist(), strict=True):
            yield Prediction(label=classes[best], probabilities=dict(zip(classes, values, strict=True)))

    def output_columns(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> dict[str, Sequence[Any]]:
        """The same, rounded as :meth:`Prediction.to_dict` does, without an object for each of millions of texts."""
        del num_scores
        probabilities = scores.softmax(dim=1)
        return {
            **queries.asked,
            "label": [classes[best] for best in probabilities.argmax(dim=1).tolist()],
            "probabilities": probability_rows(probabilities, classes),
        }


CLASSIFY = Classify()


class _ClassControl(TextControl):
    def fit(self, strength: float) -> FittedControl:
        model, converged = fit_logistic(self.train, self.labels, strength)
        num_classes = int(self.labels.max()) + 1
        return FittedControl(
            outputs=tuple(log_probabilities(model, features, num_classes) for features in self.others),
            num_coefficients=int(model.coef_.size + model.intercept_.size),
            converged=converged,
        )
