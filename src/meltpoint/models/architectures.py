"""What an architecture is, and how its name is written.

An architecture is a callable ``(embedding, num_outputs) -> nn.Module`` whose module takes token ids ``(B, T)`` int64,
padded with 0 on the right, and returns ``(B, num_outputs)`` scores. The built-in ones are registered in
:data:`meltpoint.models.ARCHITECTURES`; anyone's own is written ``package.module:callable``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

Builder = Callable[[nn.Embedding, int], nn.Module]


class PoolsFirst(nn.Module, ABC):
    """A model that is ``head(pool(ids))``, where ``pool`` has no randomness and no parameter but the embedding.

    Where the embedding is frozen, what ``pool`` returns never changes and is computed once per training. A model says
    so by inheriting; its attributes would not tell, as ``pool`` and ``head`` are common names for other layers.
    """

    head: nn.Module

    @abstractmethod
    def pool(self, ids: Tensor) -> Tensor:
        """Turns ids ``(B, T)`` int64 into features ``(B, F)``."""

    def forward(self, ids: Tensor) -> Tensor:
        """Scores texts: ids ``(B, T)`` int64 -> ``(B, C)``."""
        scores: Tensor = self.head(self.pool(ids))
        return scores


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
