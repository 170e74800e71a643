"""The embedding is trained and pulled back toward its pretrained rows (L2-SP)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from meltpoint.embedding.policies.base import NO_DECAY, AdamUpdate, GroupOptions, Policy, require_positive
from meltpoint.embedding.table import PretrainedEmbedding


@dataclass(frozen=True, kw_only=True)
class Anchored(Policy):
    """L2-SP, decoupled: after each step every pretrained row goes a little way back to where it started.

    ``w <- w + lr * strength * (w0 - w)`` with the embedding's present learning rate, after the optimiser's own step;
    the pull is at most the whole way. Li, Grandvalet & Davoine, "Explicit inductive bias for transfer learning with
    convolutional networks", ICML 2018, decoupled from the gradient as Loshchilov & Hutter, ICLR 2019, do for AdamW, so
    that Adam does not rescale it. A row that never occurs in training has ``w == w0`` and keeps its bits. Rows without
    a pretrained vector have nothing to be pulled to, and the optimiser's own weight decay is switched off for the
    embedding: it would pull toward zero.

    Attributes:
        learning_rate_multiplier: Factor on the learning rate of the embedding, above 0.
        strength: Coefficient of the pull, above 0; ``lr * strength`` is the share of the way back per step.
    """

    name = "anchored"
    summary = "trained, and pulled toward the pretrained rows (L2-SP, decoupled)"
    search_values = {"strength": (0.01, 0.1, 1.0)}  # noqa: RUF012

    learning_rate_multiplier: float = 1.0
    strength: float = 0.01

    def __post_init__(self) -> None:
        require_positive(self.name, learning_rate_multiplier=self.learning_rate_multiplier, strength=self.strength)

    def embedding_options(self, lr: float) -> GroupOptions:
        """Scales the learning rate and switches decay toward zero off."""
        return {"lr": lr * self.learning_rate_multiplier, **NO_DECAY}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at a multiple of the learning rate and pulls them back."""
        return AdamUpdate(row_learning_rate=lr * self.learning_rate_multiplier, anchor_strength=self.strength)

    @torch.no_grad()
    def after_step(self, embedding: PretrainedEmbedding, group: Mapping[str, Any]) -> None:
        """Pulls the pretrained rows back."""
        share = min(1.0, float(group["lr"]) * self.strength)
        pull = embedding.is_pretrained.to(embedding.weight.dtype).unsqueeze(1) * share
        embedding.weight.lerp_(embedding.pretrained, pull)
