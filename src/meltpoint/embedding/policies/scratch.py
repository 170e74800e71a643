"""The control: the embedding starts from random rows."""

from dataclasses import dataclass

import torch

from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy
from meltpoint.embedding.table import PADDING_INDEX, PretrainedEmbedding
from meltpoint.randomness import torch_generator


@dataclass(frozen=True, kw_only=True)
class Scratch(Policy):
    """Forgets the pretrained rows and trains random ones: what the pretraining is worth.

    Rows are drawn from N(0, s) with s the standard deviation over all rows of the table as it was given, so that
    only what the vectors know is lost and not their scale.
    """

    name = "scratch"
    summary = "random start, trained: the control that shows what pretraining is worth"
    reads_unseen_words = False

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Adds nothing to the optimiser's own options."""
        return {}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at the learning rate of the rest."""
        return AdamUpdate(row_learning_rate=lr)

    def start(self, embedding: PretrainedEmbedding, seed: int) -> None:
        """Draws the rows anew."""
        super().start(embedding, seed)
        random = torch_generator(seed, "scratch rows")
        scale = embedding.pretrained[PADDING_INDEX + 1 :].std(correction=0).cpu()
        rows = torch.randn(embedding.weight.shape, generator=random) * scale
        embedding.restart(rows, torch.zeros_like(embedding.is_pretrained))
