"""The control without vectors, as tasks have it: features of the words themselves, and logistic regression."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS = 1000


@dataclass(frozen=True, kw_only=True)
class ControlRows:
    """Rows as the control reads them.

    Attributes:
        texts: For each row the tokens of its text, or of its two texts.
        labels: ``(n, ...)``.
    """

    texts: Sequence[tuple[tuple[str, ...], ...]]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FittedControl:
    """What a fit came to.

    Attributes:
        outputs: For each part that is scored, outputs in the form of a model's: ``(n, ...)`` float64.
        num_coefficients: Numbers that were fitted.
        converged: Whether the solver did.
    """

    outputs: tuple[NDArray[np.float64], ...]
    num_coefficients: int
    converged: bool


class Control(Protocol):
    """Features computed once, fitted at several strengths of regularisation."""

    def fit(self, strength: float) -> FittedControl:
        """Fits at a strength: C of ``sklearn.linear_model.LogisticRegression``."""


class TextControl:
    """TF-IDF over words and pairs of neighbours, tokenised as for the vectors."""

    def __init__(self, train: ControlRows, others: Sequence[ControlRows]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import

        vectorizer = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True, dtype=np.float64)
        self.train = vectorizer.fit_transform([texts[0] for texts in train.texts])
        self.others = [vectorizer.transform([texts[0] for texts in part.texts]) for part in others]
        self.labels = train.labels


def words_and_pairs(tokens: Sequence[str]) -> list[str]:
    """Lists the tokens and the pairs of neighbours. Tokens hold no line feed, so that no pair looks like a token."""
    return [*tokens, *(f"{first}\n{second}" for first, second in pairwise(tokens))]


def fit_logistic(features: Any, labels: NDArray[np.int64], strength: float) -> tuple[Any, bool]:
    """Fits logistic regression; returns the model, and whether the solver converged."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # Reported with the trial, as under-training is for the others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
    return model, bool(model.n_iter_.max() < MAX_ITERATIONS)


def log_probabilities(model: Any, features: Any, num_classes: int) -> NDArray[np.float64]:
    """Returns ``(n, C)`` log probabilities; a class that training lacked has the least there is."""
    outputs = np.full((features.shape[0], num_classes), -700.0)
    outputs[:, model.classes_] = model.predict_log_proba(features)
    # Of a probability that underflows the logarithm is minus infinity.
    return np.maximum(outputs, -700.0)
