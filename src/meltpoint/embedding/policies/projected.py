"""The embedding stands still; one linear map of all its rows is learned."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies.base import NO_DECAY, AdamUpdate, GroupOptions, Policy, require_positive
from meltpoint.embedding.table import PretrainedEmbedding


class LinearMap(Adaptation):
    """Multiplies every row by ``matrix`` ``(D, D)``, the identity at the start."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device))

    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:  # noqa: ARG002
        """Maps the rows. There is no bias: the pad row stays zero, and the layer above has one."""
        return rows @ self.matrix

    def unseen_map(self) -> Tensor:
        """Returns the map, which holds for all words."""
        return self.matrix.detach()


@dataclass(frozen=True, kw_only=True)
class Projected(Policy):
    """``W = W0 M`` with M ``(D, D)``, the identity at the start, trained: D^2 numbers, whatever the vocabulary.

    Astudillo et al., "Learning word representations from scarce and noisy data with embedding subspaces", ACL 2015.
    The space is stretched and turned as a whole, so that every word moves, those that training never meets, too: they
    pass through the same map when the model is used, and keep their place among the words that it met.

    One number of M moves all rows: its learning rate is a fraction of the rest's. Weight decay is switched off for
    it; it would pull toward the zero matrix.

    Attributes:
        learning_rate_multiplier: Factor on the learning rate of the map, above 0.
    """

    name = "projected"
    summary = "frozen, then one learned linear map of all rows, unseen words' too"
    search_values = {"learning_rate_multiplier": (0.3, 0.1, 0.03)}  # noqa: RUF012

    learning_rate_multiplier: float = 0.1

    def __post_init__(self) -> None:
        require_positive(self.name, learning_rate_multiplier=self.learning_rate_multiplier)

    def embedding_options(self, lr: float) -> GroupOptions:
        """Scales the learning rate and switches decay toward zero off."""
        return {"lr": lr * self.learning_rate_multiplier, **NO_DECAY}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves M at a multiple of the learning rate."""
        return AdamUpdate(row_learning_rate=lr * self.learning_rate_multiplier, adapts=True)

    def num_trainable(self, embedding: PretrainedEmbedding, num_rows: int) -> int:  # noqa: ARG002
        """Counts the numbers of the map."""
        return embedding.embedding_dim**2

    def new_adaptation(self, embedding: PretrainedEmbedding, seed: int) -> Adaptation:  # noqa: ARG002
        """Puts the identity between the rows and the model."""
        return LinearMap(embedding.weight)
