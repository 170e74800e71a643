"""Answers to a question, put in order."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.tasks.answers import PROBABILITY_DIGITS, Prediction, Queries, Query
from meltpoint.tasks.control import Control, ControlRows, FittedControl, fit_logistic, words_and_pairs
from meltpoint.tasks.metrics import MEAN_AVERAGE_PRECISION, MEAN_RECIPROCAL_RANK, PRECISION_AT_1
from meltpoint.tasks.task import Task
from meltpoint.text import RELEVANCE

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]


class Rank(Task):
    """One score for each pair of question and candidate; binary cross-entropy, pair by pair."""

    name = "rank"
    summary = "the candidates for a question in order, right answers first"
    reads = "pair"
    unit = "question"
    units_are_groups = True
    targets = RELEVANCE
    metrics = (MEAN_AVERAGE_PRECISION, MEAN_RECIPROCAL_RANK, PRECISION_AT_1)

    def num_outputs(self, classes: Sequence[str]) -> int:
        """One score for each pair."""
        del classes
        return 1

    def loss(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Binary cross-entropy: scores ``(*K, B, 1)``, labels ``(B,)`` or ``(K, B)``."""
        from meltpoint.tasks.losses import binary_cross_entropy  # noqa: PLC0415

        return binary_cross_entropy(scores, labels.unsqueeze(-1))

    def total_loss(self, scores: "Tensor", labels: "Tensor") -> "tuple[float, int]":
        """Summed binary cross-entropy."""
        from meltpoint.tasks.losses import total_binary_cross_entropy  # noqa: PLC0415

        return total_binary_cross_entropy(scores, labels.unsqueeze(-1))

    def read_out(self, scores: "Tensor") -> "Tensor":
        """The score of each pair: ``(B,)``."""
        return scores.squeeze(-1)

    def settle(self, read: NDArray[Any], labels: IntArray, units: IntArray) -> IntArray:
        """The place of each candidate: how many of its question have a higher score, so that equals share a place."""
        del labels
        order = np.lexsort((-read, units))
        ordered, values = units[order], read[order]
        number = np.arange(len(order))
        begins = np.r_[True, ordered[1:] != ordered[:-1]] if len(order) else np.empty(0, dtype=np.bool_)
        first_of_unit = np.maximum.accumulate(np.where(begins, number, 0))
        differs = begins | np.r_[True, values[1:] != values[:-1]][: len(order)]
        first_of_equals = np.maximum.accumulate(np.where(differs, number, 0))
        places = np.empty(len(order), dtype=np.int64)
        places[order] = first_of_equals - first_of_unit
        return places

    def guess(self, labels: IntArray, counts: IntArray) -> tuple[str, IntArray]:
        """Any order: all candidates in one place."""
        del counts
        return "putting the candidates in any order", np.zeros_like(labels)

    def control(self, train: ControlRows, others: Sequence[ControlRows]) -> Control:
        """Logistic regression on the cosine of TF-IDF, the overlap of words, and the TF-IDF of the candidate."""
        return _PairControl(train, others)

    def columns(self, label_ids: IntArray, predicted: IntArray, classes: Sequence[str]) -> Mapping[str, Any]:
        """The label, 0 or 1, and the place of the candidate, from 1."""
        del classes
        return {"label": label_ids, "predicted": predicted + 1}

    def query(self, row: Any, text_key: str = "text") -> Query:
        """Reads ``{"question": ..., "answers": [...]}``, or one pair: ``{"question": ..., "answer": ...}``."""
        question_key = "question" if text_key == "text" else text_key
        example = '{"question": "...", "answers": ["...", "..."]}'
        if not isinstance(row, dict):
            raise InputError(f"expected a JSON object such as {example}, found {type(row).__name__}.")
        question, answers = row.get(question_key), row.get("answers", row.get("answer"))
        answers = [answers] if isinstance(answers, str) else answers
        right = isinstance(answers, list) and all(isinstance(answer, str) for answer in answers)
        if not isinstance(question, str) or not right or not answers:
            raise InputError(
                f"expected a question under {question_key!r} and texts under 'answers', such as {example}; found the "
                f"keys {', '.join(row) or 'none'}."
            )
        return Query(asked={"question": question}, rows=tuple((question, answer) for answer in answers))

    def answers(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> Iterator[Prediction]:
        """The candidates, the best first, each with the probability that it is an answer; equals keep their order."""
        del classes
        probabilities = iter(scores.squeeze(-1).sigmoid().tolist())
        for query, count in zip(queries, num_scores.tolist(), strict=True):
            values = list(islice(probabilities, count))
            ranked = [
                {
                    "answer": query.rows[number][1],
                    "score": round(values[number], PROBABILITY_DIGITS),
                    "given": number + 1,
                }
                for number in sorted(range(count), key=lambda number: -values[number])
            ]
            yield Prediction(label=ranked[0]["answer"], probabilities={}, details={"answers": ranked})


RANK = Rank()


class _PairControl:
    """How alike question and candidate are, and what candidates look like that answer anything at all."""

    def __init__(self, train: ControlRows, others: Sequence[ControlRows]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import

        self._vectorizer = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True, dtype=np.float64)
        self._vectorizer.fit([text for texts in train.texts for text in texts])
        self._train, self._labels = self._features(train), train.labels
        self._others = [self._features(part) for part in others]

    def _features(self, part: ControlRows) -> Any:
        from scipy.sparse import csr_matrix, hstack  # noqa: PLC0415

        questions = self._vectorizer.transform([texts[0] for texts in part.texts])
        candidates = self._vectorizer.transform([texts[1] for texts in part.texts])
        cosine = np.asarray(questions.multiply(candidates).sum(axis=1)).ravel()
        shared = [len(set(first) & set(second)) / max(1, len(set(first))) for first, second in part.texts]
        length = [np.log1p(len(second)) for _, second in part.texts]
        return hstack([csr_matrix(np.stack([cosine, shared, length], axis=1)), candidates], format="csr")

    def fit(self, strength: float) -> FittedControl:
        model, converged = fit_logistic(self._train, self._labels, strength)
        return FittedControl(
            outputs=tuple(model.decision_function(features)[:, None] for features in self._others),
            num_coefficients=int(model.coef_.size + model.intercept_.size),
            converged=converged,
        )
