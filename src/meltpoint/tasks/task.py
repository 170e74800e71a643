"""What a task is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.tasks.answers import Prediction, Queries, Query, TextQueries
from meltpoint.tasks.control import Control, ControlRows
from meltpoint.tasks.metrics import Metric
from meltpoint.text import TargetReader

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]


class Task(ABC):
    """One kind of thing to learn. Everything that differs between kinds is asked of their task.

    Shapes: B rows in a batch, C classes, T tokens, K members that are trained side by side. Labels of N rows are
    ``(N, ...)`` as :class:`meltpoint.text.Targets` has them, and what is predicted has the shape of the labels.

    Attributes:
        name: As written after ``--task``.
        summary: One line.
        reads: What the model reads and answers: a ``text``, a ``pair`` of texts, or every one of a text's ``tokens``.
        unit: What one score of a metric is about.
        units_are_groups: Whether that is a group of rows; otherwise it is a row.
        targets: Reads and checks the labels.
        metrics: What it can be measured by; the first is the default.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    reads: ClassVar[Literal["text", "pair", "tokens"]] = "text"
    unit: ClassVar[str] = "row"
    units_are_groups: ClassVar[bool] = False
    targets: ClassVar[TargetReader]
    metrics: ClassVar[tuple[Metric, ...]]

    def metric(self, name: str = "") -> Metric:
        """Returns the metric of that name, the default one where none is named.

        Raises:
            InputError: The task has no such metric.
        """
        if not name:
            return self.metrics[0]
        found = next((metric for metric in self.metrics if metric.name == name), None)
        if found is None:
            names = ", ".join(metric.name for metric in self.metrics)
            raise InputError(f"--metric must be one of {names} for the task {self.name!r}; found {name!r}.")
        return found

    def num_outputs(self, classes: Sequence[str]) -> int:
        """Returns how many numbers the model gives for a text, a pair or a token."""
        return len(classes)

    def tokenizer(self, fitting: str) -> str:
        """Returns the name of the tokenizer for vectors that ``fitting`` fits."""
        return fitting

    @abstractmethod
    def loss(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Returns the mean loss of a batch, in nats.

        Args:
            scores: Outputs ``(B, ..)``, or ``(K, B, ..)`` of members.
            labels: ``(B, ..)``, or ``(K, B, ..)`` where members read rows of their own; rows of ``NO_LABEL`` do not
                count.

        Returns:
            A number, or ``(K,)`` one for each member.
        """

    def score_gradient(self, scores: "Tensor", labels: "Tensor") -> "Tensor":
        """Returns the gradient of :meth:`loss`, summed over members, by the scores; arguments and shape are theirs."""
        import torch  # noqa: PLC0415 - tasks are read about without it

        with torch.enable_grad():
            leaf = scores.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.loss(leaf, labels).sum(), leaf)
        return gradient

    @abstractmethod
    def total_loss(self, scores: "Tensor", labels: "Tensor") -> tuple[float, int]:
        """Returns the summed loss of a batch ``(B, ..)``, and of how many terms."""

    @abstractmethod
    def read_out(self, scores: "Tensor") -> "Tensor":
        """Returns what the outputs ``(B, ..)`` say by themselves, in the shape of the labels."""

    def settle(self, read: NDArray[Any], labels: IntArray, units: IntArray) -> IntArray:
        """Turns what was read from the outputs of n rows into what is kept as predicted: integers ``(n, ...)``.

        Args:
            read: ``(n, ...)`` from :meth:`read_out`, all batches together; zero where a text was cut.
            labels: ``(n, ...)``.
            units: ``(n,)`` the unit of each row.
        """
        del labels, units
        return read.astype(np.int64)

    def guess(self, labels: IntArray, counts: IntArray) -> tuple[str, IntArray]:
        """Returns what needs no reading at all, in words, and what it predicts in the place of ``labels``."""
        most = int(counts.argmax())
        return "always naming the most frequent class", np.full_like(labels, most)

    @abstractmethod
    def control(self, train: ControlRows, others: Sequence[ControlRows]) -> Control:
        """Prepares the control without vectors: TF-IDF and logistic regression."""

    @abstractmethod
    def columns(self, label_ids: IntArray, predicted: IntArray, classes: Sequence[str]) -> Mapping[str, Any]:
        """Returns the columns ``label`` and ``predicted`` of a frame, and ``right`` where a row is right or wrong."""

    @abstractmethod
    def answers(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> Iterator[Prediction]:
        """Says what the outputs of many queries mean.

        Args:
            queries: What was asked.
            scores: ``(S, C)``, those of one query after another: of each of its rows, or of each token that was read.
            num_scores: ``(Q,)``, how many belong to each query.
            classes: Names of the classes.
        """

    def output_columns(
        self, queries: Queries, scores: "Tensor", num_scores: IntArray, classes: Sequence[str]
    ) -> dict[str, Sequence[Any]]:
        """Says the same as lines of output do, with what they repeat of the query: a column for each key."""
        said = [answer.to_dict() for answer in self.answers(queries, scores, num_scores, classes)]
        return {**queries.asked, **{key: [one[key] for one in said] for key in (said[0] if said else ())}}

    def text_queries(self, texts: Sequence[str]) -> Queries:
        """Reads many texts, each as :meth:`query` does."""
        return TextQueries(texts)

    def query(self, row: Any, text_key: str = "text") -> Query:
        """Reads what is to be predicted: a text, or a JSON object that holds it.

        Raises:
            InputError: It is neither; the message says what was expected.
        """
        if isinstance(row, str):
            return Query(asked={"text": row}, rows=((row,),))
        if not isinstance(row, dict) or not isinstance(row.get(text_key), str):
            found = ", ".join(row) or "none" if isinstance(row, dict) else type(row).__name__
            raise InputError(
                f"expected a text under {text_key!r}, found the keys {found}. Name the right one with --text."
            )
        return Query(asked={"text": row[text_key]}, rows=((row[text_key],),))
