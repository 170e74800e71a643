"""What an architecture is, and how its name is written.

An architecture is a callable ``(embedding, num_outputs) -> nn.Module`` whose module takes token ids ``(B, T)`` int64,
padded with 0 on the right, and returns ``(B, num_outputs)`` scores. The built-in ones are registered in
:data:`meltpoint.models.ARCHITECTURES`; anyone's own is written ``package.module:callable``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Builder = Callable[[nn.Embedding, int], nn.Module]


class Stackable(nn.Module, ABC):
    """A model that scores texts from rows of a table, so that many of it can be trained in one pass.

    Every parameter but the embedding's may carry a leading axis of K members (:func:`stack_models`): the K models
    then read K tables at once. Written for the last axes alone, :meth:`scores` is the same code for one and for many.
    """

    embedding: nn.Embedding

    @abstractmethod
    def scores(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores texts.

        Args:
            table: ``(U, D)``, or ``(K, U, D)`` for K members; row 0 is the pad row.
            ids: ``(B, T)`` int64 rows of the table, padded with 0; ``(K, B, T)`` where each member reads its own texts.

        Returns:
            ``(B, C)``, or ``(K, B, C)``.
        """

    def forward(self, ids: Tensor) -> Tensor:
        """Scores texts: ids ``(B, T)`` int64 -> ``(B, C)``.

        The embedding is asked once for each distinct row, through its own ``forward``: hooks and sparse gradients work.
        """
        # The pad row comes first whether or not the batch holds any pad.
        rows, local = torch.unique(torch.cat([ids.new_zeros(1), ids.flatten()]), return_inverse=True)
        return self.scores(self.embedding(rows), local[1:].view_as(ids))


class PoolsFirst(Stackable):
    """A model that is a head over pooled features, where pooling has no randomness and no parameter.

    Where the table is frozen, the features never change and are computed once for all trainings that share the rows.
    """

    head: nn.Module

    @abstractmethod
    def pool(self, table: Tensor, ids: Tensor) -> Tensor:
        """Turns ids ``(B, T)`` into features ``(B, F)``; with members as in :meth:`Stackable.scores`."""

    def scores(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores texts by their pooled features."""
        scores: Tensor = self.head(self.pool(table, ids))
        return scores


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
        learning_rates: The lowest and the highest that a study tries.
    """

    name: str
    summary: str
    build: Callable[[nn.Embedding, int, int], nn.Module]
    default_depth: int | None
    learning_rates: tuple[float, float]


def token_mask(ids: Tensor) -> Tensor:
    """Returns which positions hold a token: bool, the shape of ``ids``. The pad id is 0."""
    return ids != 0
