"""The embedding stands still; a low-rank change of it is learned."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy, require_whole
from meltpoint.embedding.table import PADDING_INDEX, PretrainedEmbedding
from meltpoint.randomness import torch_generator


class LowRankChange(Adaptation):
    """Adds ``left[id] @ right``.

    Attributes:
        left: ``(V, r)`` parameter, zero at the start.
        right: ``(r, D)`` parameter, drawn from N(0, 1/r).
    """

    def __init__(self, weight: Tensor, rank: int, seed: int) -> None:
        super().__init__()
        num_rows, dim = weight.shape
        draws = torch.randn(rank, dim, generator=torch_generator(seed, "low-rank directions"))
        self.left = nn.Parameter(weight.new_zeros(num_rows, rank))
        self.right = nn.Parameter((draws * rank**-0.5).to(weight))

    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:
        """Adds the change."""
        return rows + functional.embedding(ids, self.left, padding_idx=PADDING_INDEX) @ self.right


@dataclass(frozen=True, kw_only=True)
class LowRank(Policy):
    """LoRA for a table: ``W = W0 + A B`` with A ``(V, r)`` zero and B ``(r, D)`` random at the start, both trained.

    Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022 (arXiv 2106.09685, 2021). Words move
    in r directions that all share, each as far as its own row of A says. B is drawn from N(0, 1/r), so that Adam's
    first step moves each number of a row by about the learning rate, whatever the rank.

    A row that never occurs in training has a zero row of A, and zero it stays under every optimiser's decay: it keeps
    its bits. Where the optimiser has weight decay, it pulls the change toward zero, that is, the rows toward the
    pretrained ones.

    Attributes:
        rank: r, 1 or more; where it is larger, the dimension of the rows.
    """

    name = "low-rank"
    summary = "frozen, plus a learned change of low rank (LoRA)"
    search_values = {"rank": (4, 8, 16)}  # noqa: RUF012

    rank: int = 8

    def __post_init__(self) -> None:
        require_whole(self.name, lowest=1, rank=self.rank)

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Adds nothing to the optimiser's own options."""
        return {}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves A and B at the learning rate of the rest."""
        return AdamUpdate(row_learning_rate=lr, adapts=True)

    def num_trainable(self, embedding: PretrainedEmbedding, num_rows: int) -> int:
        """Counts the numbers of A and B."""
        return (num_rows + embedding.embedding_dim) * self._rank_of(embedding)

    def new_adaptation(self, embedding: PretrainedEmbedding, seed: int) -> Adaptation:
        """Adds a change that is zero."""
        return LowRankChange(embedding.weight, self._rank_of(embedding), seed)

    def _rank_of(self, embedding: PretrainedEmbedding) -> int:
        return min(int(self.rank), embedding.embedding_dim)
