"""The control without vectors: TF-IDF and logistic regression."""

import warnings
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from meltpoint.trial.data import TrialData
from meltpoint.trial.splits import Split
from meltpoint.trial.training import Scores

TFIDF = "tf-idf"
# Inverse strength of the regularisation, C of scikit-learn: the lowest and the highest that a study tries.
TFIDF_STRENGTHS = (0.1, 300.0)
MAX_ITERATIONS = 1000


def words_and_pairs(tokens: list[str]) -> list[str]:
    """Lists the tokens and the pairs of neighbours. Tokens hold no line feed, so that no pair looks like a token."""
    return tokens + [f"{first}\n{second}" for first, second in pairwise(tokens)]


def run_tfidf(data: TrialData, split: Split, *, strength: float) -> tuple[Scores, Scores, int, bool]:
    """Fits TF-IDF over words and pairs with logistic regression on the training rows, tokenised as for the vectors.

    Args:
        data: The study's data.
        split: The rows.
        strength: C of ``sklearn.linear_model.LogisticRegression``.

    Returns:
        The scores on the validation rows and on the test rows, the number of fitted coefficients, and whether the
        solver converged.
    """

    def tokens(rows: NDArray[np.int64]) -> list[list[str]]:
        return [[data.packed.lexicon[token] for token in data.packed.row(int(row))] for row in rows]

    vectorizer = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True, dtype=np.float64)
    features = vectorizer.fit_transform(tokens(split.train))
    model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # Reported with the trial, as under-training is for the others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, data.label_ids[split.train])

    def score(rows: NDArray[np.int64]) -> Scores:
        labels = data.label_ids[rows]
        probabilities = model.predict_proba(vectorizer.transform(tokens(rows)))
        predicted = model.classes_[probabilities.argmax(axis=1)]
        return Scores(
            predicted=predicted,
            accuracy=float((predicted == labels).mean()),
            loss=float(log_loss(labels, probabilities, labels=model.classes_)),
        )

    converged = bool(model.n_iter_.max() < MAX_ITERATIONS)
    return score(split.validation), score(split.test), int(model.coef_.size + model.intercept_.size), converged
