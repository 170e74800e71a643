"""What an architecture is, and how its name is written.

An architecture is a callable ``(embedding, num_outputs) -> nn.Module`` whose module takes token ids ``(B, T)`` int64,
padded with 0 on the right, and returns ``(B, num_outputs)`` scores. The built-in ones are registered in
:data:`meltpoint.models.ARCHITECTURES`; anyone's own is written ``package.module:callable``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.text import NumberedTexts

Builder = Callable[[nn.Embedding, int], nn.Module]


class TextModel(nn.Module, ABC):
    """A model over rows of a table: features of a text, and a linear output that makes scores of them.

    What reads texts (:meth:`encode`, :meth:`states`) stands apart from what answers (``output``): a model of pairs or a
    tagger builds on the first and brings an answer of its own.

    Attributes:
        embedding: The table.
        output: Makes scores of the features: ``(*K, B, F) -> (*K, B, C)``.
        num_features: F.
        texts_per_row: How many texts make a row of scores: 2 where pairs are read.
        pads: Whether texts read together are padded to the longest of them, so that they had better be of like length.
    """

    embedding: nn.Embedding
    output: nn.Module
    num_features: int
    texts_per_row: ClassVar[int] = 1
    pads: ClassVar[bool] = True

    @abstractmethod
    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads texts.

        Args:
            table: ``(U, D)``; row 0 is the pad row.
            ids: ``(B, T)`` int64 rows of the table, padded with 0 on the right.

        Returns:
            ``(B, F)`` features. They do not depend on the width of the batch; a text without a token has features, too.
        """

    @abstractmethod
    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads texts and gives each token features of its own.

        Args:
            table: As :meth:`encode` has it.
            ids: Likewise.

        Returns:
            ``(B, T, F)``; what stands at a pad means nothing.
        """

    def scores(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores texts: ``(B, C)``; arguments as :meth:`encode` has them."""
        scores: Tensor = self.output(self.encode(table, ids))
        return scores

    def forward(self, ids: Tensor) -> Tensor:
        """Scores texts: ids ``(B, T)`` int64 -> ``(B, C)``.

        The embedding is asked once for each distinct row, through its own ``forward``: hooks and sparse gradients work.
        """
        rows, local = _distinct(ids)
        return self.scores(self.embedding(rows), local)

    def score_over(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores texts as :meth:`forward` does, over a table ``(U, D)`` of any size; several threads may do so."""
        rows, local = _distinct(ids)
        return self.scores(table[rows], local)

    def score_texts(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        """Scores texts as :meth:`score_over` does: N texts, each of at least one word, ``texts_per_row`` a row."""
        ids = torch.from_numpy(texts.padded())
        if self.texts_per_row > 1:
            ids = ids.view(-1, self.texts_per_row, ids.shape[-1])
        return self.score_over(table, ids)


def _distinct(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the distinct ids, ``(U,)``, and where each stands there, in the shape of ``ids``."""
    # The pad row comes first whether or not the batch holds any pad.
    rows, local = torch.unique(torch.cat([ids.new_zeros(1), ids.flatten()]), return_inverse=True)
    return rows, local[1:].view_as(ids)


class Stackable(TextModel):
    """A model many of which can be trained in one pass.

    Every parameter but the embedding's may carry a leading axis of K members (:func:`stack_models`): the K models then
    read K tables at once. Written for the last axes alone, its methods are the same code for one and for many:

    - ``table`` is ``(K, U, D)``, or ``(1, U, D)`` where all members read one;
    - ``ids`` are ``(B, T)``, or ``(K, B, T)`` where each member reads texts of its own;
    - what is returned has a leading K, or 1 where the members have nothing of their own.
    """


class PoolsFirst(Stackable):
    """A model of pooled features, where pooling has no randomness and no parameter.

    Where the table is frozen, the pooled features never change and are computed once for all trainings that share the
    rows.
    """

    pads = False

    @abstractmethod
    def pool(self, table: Tensor, ids: Tensor) -> Tensor:
        """Turns ids ``(B, T)`` into pooled features ``(B, P)``; with members as in :class:`Stackable`."""

    @abstractmethod
    def encode_pooled(self, pooled: Tensor) -> Tensor:
        """Turns pooled features ``(*K, B, P)`` into features ``(*K, B, F)``."""

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads texts."""
        return self.encode_pooled(self.pool(table, ids))

    @abstractmethod
    def pool_texts(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        """Does what :meth:`pool` does with words that stand one after another, each text of at least one."""

    def score_over(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores texts over a table of any size."""
        # Pooling reads each row where it stands, in less time than it takes to find the distinct ones.
        return self.scores(table, ids)

    def score_texts(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        """Scores texts of any lengths."""
        return self.score_pooled(self.pool_texts(table, texts))

    def score_pooled(self, pooled: Tensor) -> Tensor:
        """Scores texts by their pooled features: ``(*K, B, P) -> (*K, B, C)``."""
        scores: Tensor = self.output(self.encode_pooled(pooled))
        return scores


class MemberPass(Protocol):
    """The layers of K members above what they pool, with a backward pass written out.

    The gradients are those of autograd but for rounding. What is saved is the graph: to build it and to walk it takes
    longer than the arithmetic of small layers.

    Attributes:
        parameters: ``(K, P)`` float32, in main memory: all numbers of a member in one piece.
        gradients: ``(K, P)``; what the parameters' ``grad`` are views of.
    """

    parameters: Tensor
    gradients: Tensor

    def backpropagate(
        self, pooled: Tensor, score_gradient: Callable[[Tensor], Tensor], *, to_pooled: bool
    ) -> Tensor | None:
        """Goes from pooled features to scores, and back; leaves the gradients of the parameters in ``gradients``.

        Args:
            pooled: ``(K, B, P)``, or ``(B, P)`` where the members share them.
            score_gradient: Given scores ``(K, B, C)``, returns the gradient of the loss by them.
            to_pooled: Whether the gradient of the pooled features is wanted.

        Returns:
            ``(K, B, P)``, or None.
        """


class HandDifferentiated(PoolsFirst):
    """A model that pools first, and whose passes are written out for members in main memory (:class:`MemberPass`)."""

    @abstractmethod
    def lay_out(self) -> MemberPass:
        """Makes the parameters of a stack views of one buffer, and returns the passes over it."""

    @abstractmethod
    def spread(self, gradient: Tensor, ids: Tensor, num_rows: int) -> Tensor:
        """Turns the gradient of what :meth:`pool` returned, ``(K, B, P)``, into that of its tables, ``(K, U, D)``.

        Args:
            gradient: Of the pooled features.
            ids: Those that were pooled.
            num_rows: U.
        """


def stack_models(models: Sequence[Stackable]) -> Stackable:
    """Puts K models of one architecture together: one model whose parameters have a leading axis of K members.

    Args:
        models: The members; one model may stand there several times. They stay as they are.

    Returns:
        A model without an embedding: its ``scores`` are given the tables, and its ``forward`` is not to be used.
    """
    first = models[0]
    embedding = first.embedding
    # Stands in, so that no table is copied; a new embedding would draw from torch's global generator.
    first.embedding = nn.Embedding(1, 1, _weight=torch.zeros(1, 1))
    try:
        stack = deepcopy(first)
    finally:
        first.embedding = embedding
    del stack.embedding
    for path, module in stack.named_modules():
        for name in dict(module.named_parameters(recurse=False)):
            values = [model.get_submodule(path).get_parameter(name).detach() for model in models]
            setattr(module, name, nn.Parameter(torch.stack(values)))
    return stack


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A built-in architecture.

    Attributes:
        name: As written on the command line.
        summary: One line.
        build: ``(embedding, num_outputs, depth) -> nn.Module``.
        default_depth: Depth where ``name`` is written without ``:depth``; None where it has no depth.
        least_depth: The smallest depth there is.
        learning_rates: The lowest and the highest that a study tries.
    """

    name: str
    summary: str
    build: Callable[[nn.Embedding, int, int], nn.Module]
    default_depth: int | None
    learning_rates: tuple[float, float]
    least_depth: int = 0


def token_mask(ids: Tensor) -> Tensor:
    """Returns which positions hold a token: bool, the shape of ``ids``. The pad id is 0."""
    return ids != 0


def take_rows(table: Tensor, ids: Tensor) -> Tensor:
    """Looks words up: ``(U, F)`` and ``(B, T)`` -> ``(B, T, F)``, with members as in :class:`Stackable`."""
    if table.ndim == 2:
        return functional.embedding(ids, table)
    # The tables of all members stand one below the other.
    num_tables, num_rows, _ = table.shape
    first_row = torch.arange(num_tables, device=ids.device).mul_(num_rows).view(-1, 1, 1)
    return functional.embedding(ids + first_row, table.flatten(0, 1))
