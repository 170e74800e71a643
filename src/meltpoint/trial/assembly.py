"""Model, table and optimiser of one training, put together."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from meltpoint.embedding import PretrainedEmbedding, make_policy
from meltpoint.models import build_model
from meltpoint.randomness import generator, seed_for, torch_seeded
from meltpoint.trial.data import TrialData
from meltpoint.trial.spec import TrialSpec
from meltpoint.trial.table import trial_table
from meltpoint.trial.training import Examples

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What a training needs beside its rows.

    Attributes:
        model: The architecture over the embedding.
        embedding: The table, by words of the training rows first.
        optimizer: Made by the policy.
        table_rows: ``(L,)`` int64, the row of the table for each token of the lexicon.
        num_words: Rows of the table that belong to the vocabulary (pad and unknown included); the rows after them
            are words that training never sees.
        max_tokens: Longer texts are cut.
    """

    model: nn.Module
    embedding: PretrainedEmbedding
    optimizer: Optimizer
    table_rows: Rows
    num_words: int
    max_tokens: int

    @property
    def trainable_parameters(self) -> int:
        """How many numbers training can change; of the table, the rows of the vocabulary."""
        total = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        if self.embedding.weight.requires_grad:
            total -= (self.embedding.num_embeddings - self.num_words) * self.embedding.embedding_dim
        return total

    def examples(self, data: TrialData, rows: Rows) -> Examples:
        """Returns rows of the data as this model reads them."""
        return Examples(
            packed=data.packed,
            rows=rows,
            label_ids=data.label_ids,
            table_rows=self.table_rows,
            max_tokens=self.max_tokens,
        )


def assemble_model(
    spec: TrialSpec, data: TrialData, train_rows: Rows, *, seed: int, where: tuple[int, int], extend: bool = True
) -> Assembly:
    """Builds table, model and optimiser of a spec, over the vocabulary of the training rows.

    Args:
        spec: Policy, configuration, architecture and schedule.
        data: The study's data.
        train_rows: Rows trained on.
        seed: The master seed.
        where: Repeat and size: with the seed, the names of all that is drawn.
        extend: Whether words that are not trained on are read by their pretrained vectors, where the policy lets them.
    """
    policy = make_policy(spec.policy, **dict(spec.settings))
    embedding, table_rows, num_words = trial_table(
        data,
        train_rows,
        unknown=spec.unknown,
        extend=extend and policy.reads_unseen_words,
        random=generator(seed, "unknown words", *where),
    )
    with torch_seeded(seed, "head", *where):
        model = build_model(spec.architecture, embedding, data.num_classes)
    optimizer = policy.optimizer(
        model,
        torch.optim.AdamW,
        lr=spec.learning_rate,
        seed=seed_for(seed, "policy", *where),
        weight_decay=0.0,
        fused=True,
    )
    return Assembly(
        model=model,
        embedding=embedding,
        optimizer=optimizer,
        table_rows=table_rows,
        num_words=num_words,
        max_tokens=spec.schedule.max_tokens,
    )
