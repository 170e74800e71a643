"""The control without vectors: TF-IDF and logistic regression."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from meltpoint.tasks import find_task
from meltpoint.tasks.control import ControlRows
from meltpoint.trial.data import TrialData
from meltpoint.trial.examples import Scores
from meltpoint.trial.splits import Split

TFIDF = "tf-idf"
# Inverse strength of the regularisation, C of scikit-learn: the lowest and the highest that a study tries.
TFIDF_STRENGTHS = (0.1, 300.0)


@dataclass(frozen=True, kw_only=True)
class ScoredControl:
    """What a fit came to: scores, the number of coefficients, and whether the solver converged."""

    validation: Scores
    test: Scores
    num_coefficients: int
    converged: bool


class Tfidf:
    """Features of the words themselves, tokenised as for the vectors; computed once for all strengths."""

    def __init__(self, data: TrialData, split: Split, *, metric: str = "") -> None:
        self._data, self._task = data, find_task(data.task)
        self._metric = self._task.metric(metric)
        self._scored = (split.validation, split.test)
        train, *others = (self._rows(rows) for rows in (split.train, *self._scored))
        self._control = self._task.control(train, others)

    def fit(self, *, strength: float) -> ScoredControl:
        """Fits logistic regression on the training rows.

        Args:
            strength: C of ``sklearn.linear_model.LogisticRegression``.
        """
        fitted = self._control.fit(strength)
        validation, test = (
            self._score(rows, torch.from_numpy(outputs))
            for rows, outputs in zip(self._scored, fitted.outputs, strict=True)
        )
        return ScoredControl(
            validation=validation, test=test, num_coefficients=fitted.num_coefficients, converged=fitted.converged
        )

    def _rows(self, rows: NDArray[np.int64]) -> ControlRows:
        packed = self._data.packed
        return ControlRows(texts=[packed.texts(int(row)) for row in rows], labels=self._data.label_ids[rows])

    def _score(self, rows: NDArray[np.int64], outputs: torch.Tensor) -> Scores:
        labels = self._data.label_ids[rows]
        total, count = self._task.total_loss(outputs, torch.from_numpy(labels))
        read = self._task.read_out(outputs).numpy()
        predicted = self._task.settle(read, labels, self._data.units[rows])
        score = self._metric.score(self._data.judged(rows, predicted))
        return Scores(predicted=predicted, score=score, loss=total / count)
