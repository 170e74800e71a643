"""A frozen and a fine-tuned copy of the embedding, both read."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy
from meltpoint.embedding.table import PADDING_INDEX, PretrainedEmbedding


class SecondChannel(Adaptation):
    """Adds the rows of a second table, ``tuned`` ``(V, D)``, which starts as a copy of the first."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.tuned = nn.Parameter(weight.detach().clone())

    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:
        """Adds both channels."""
        return rows + functional.embedding(ids, self.tuned, padding_idx=PADDING_INDEX)

    def unseen_map(self) -> Tensor:
        """Returns twice the identity: a word that training never met is the same in both channels."""
        return 2 * torch.eye(self.tuned.shape[1], dtype=self.tuned.dtype, device=self.tuned.device)


@dataclass(frozen=True, kw_only=True)
class TwoChannel(Policy):
    """Kim's multichannel model: one copy of the rows stands still, one is trained, and the model reads their sum.

    ``w = w0 + u``, ``u`` starts at ``w0`` and takes the optimiser's step. Kim, "Convolutional neural networks for
    sentence classification", EMNLP 2014: each filter is applied to both channels and the results are added before
    the bias and the non-linearity, ``c = f(v * w0 + v * u + b)``. A convolution is linear: that is
    ``f(v * (w0 + u) + b)``, and so the sum of the channels is his model exactly. It is defined for any other
    model likewise, and the same for each whose first layer is linear and shared by the channels.

    So two channels hold no more than one: they are a table that starts at twice the pretrained rows and moves as
    under ``fine-tuned``; relative to its length, a row moves half as far. What differs is the optimiser's weight decay,
    which reaches the trained channel alone.
    """

    name = "two-channel"
    summary = "the sum of a frozen and a fine-tuned copy (Kim's multichannel)"

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Adds nothing to the optimiser's own options."""
        return {}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the sum as its trained part moves."""
        return AdamUpdate(row_learning_rate=lr)

    def new_adaptation(self, embedding: PretrainedEmbedding, seed: int) -> Adaptation:  # noqa: ARG002
        """Makes the second channel."""
        return SecondChannel(embedding.weight)
