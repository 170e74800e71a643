"""The control without vectors: TF-IDF and logistic regression."""

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from meltpoint.trial.data import TrialData
from meltpoint.trial.examples import Scores
from meltpoint.trial.splits import Split

TFIDF = "tf-idf"
# Inverse strength of the regularisation, C of scikit-learn: the lowest and the highest that a study tries.
TFIDF_STRENGTHS = (0.1, 300.0)
MAX_ITERATIONS = 1000


def words_and_pairs(tokens: list[str]) -> list[str]:
    """Lists the tokens and the pairs of neighbours. Tokens hold no line feed, so that no pair looks like a token."""
    return tokens + [f"{first}\n{second}" for first, second in pairwise(tokens)]


@dataclass(frozen=True, kw_only=True)
class FittedControl:
    """What a fit came to: scores, the number of coefficients, and whether the solver converged."""

    validation: Scores
    test: Scores
    num_coefficients: int
    converged: bool


class Tfidf:
    """TF-IDF over words and pairs, tokenised as for the vectors; computed once for all strengths."""

    def __init__(self, data: TrialData, split: Split) -> None:
        def tokens(rows: NDArray[np.int64]) -> list[list[str]]:
            return [[data.packed.lexicon[token] for token in data.packed.row(int(row))] for row in rows]

        vectorizer = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True, dtype=np.float64)
        self._train = vectorizer.fit_transform(tokens(split.train)), data.label_ids[split.train]
        self._validation = vectorizer.transform(tokens(split.validation)), data.label_ids[split.validation]
        self._test = vectorizer.transform(tokens(split.test)), data.label_ids[split.test]

    def fit(self, *, strength: float) -> FittedControl:
        """Fits logistic regression on the training rows.

        Args:
            strength: C of ``sklearn.linear_model.LogisticRegression``.
        """
        model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
        with warnings.catch_warnings():
            # Reported with the trial, as under-training is for the others.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(*self._train)

        def score(features: Any, labels: NDArray[np.int64]) -> Scores:
            probabilities = model.predict_proba(features)
            predicted = model.classes_[probabilities.argmax(axis=1)]
            return Scores(
                predicted=predicted,
                score=float((predicted == labels).mean()),
                loss=float(log_loss(labels, probabilities, labels=model.classes_)),
            )

        return FittedControl(
            validation=score(*self._validation),
            test=score(*self._test),
            num_coefficients=int(model.coef_.size + model.intercept_.size),
            converged=bool(model.n_iter_.max() < MAX_ITERATIONS),
        )
