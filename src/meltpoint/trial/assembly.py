"""Model, table and optimiser of one training, put together."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from meltpoint.embedding import PretrainedEmbedding, make_policy
from meltpoint.models import PoolsFirst, build_model
from meltpoint.randomness import generator, seed_for, torch_seeded
from meltpoint.trial.data import TrialData
from meltpoint.trial.spec import TrialSpec
from meltpoint.trial.table import append_unseen, trial_table
from meltpoint.trial.training import Examples, Scores, pooled, score

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What a training needs beside its rows.

    Attributes:
        model: The architecture over the embedding.
        embedding: The table, by words of the training rows first.
        optimizer: Made by the policy.
        table_rows: ``(L,)`` int64, the row for each token of the lexicon; rows beyond the table are of ``unseen``.
        num_words: Rows of the table that belong to the vocabulary, pad and unknown included.
        unseen: ``(U, D)`` pretrained rows of words that training never sees and that stand outside the table: scoring
            reads them.
        max_tokens: Longer texts are cut.
    """

    model: nn.Module
    embedding: PretrainedEmbedding
    optimizer: Optimizer
    table_rows: Rows
    num_words: int
    unseen: Tensor
    max_tokens: int

    @property
    def pooling_model(self) -> PoolsFirst | None:
        """The model, where the layers that learn stand above features that never change; otherwise None."""
        if not isinstance(self.model, PoolsFirst) or self.embedding.weight.requires_grad:
            return None
        # A subclass with a forward pass of its own is more than its head over its pooled features.
        return self.model if type(self.model).forward is PoolsFirst.forward else None

    @property
    def learner(self) -> nn.Module:
        """The module that is trained and scored on :meth:`examples`: the model, or its head over pooled features."""
        pooling = self.pooling_model
        return self.model if pooling is None else pooling.head

    @property
    def trainable_parameters(self) -> int:
        """How many numbers training can change; of the table, the rows of the vocabulary."""
        total = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        if self.embedding.weight.requires_grad:
            total -= (self.embedding.num_embeddings - self.num_words) * self.embedding.embedding_dim
        return total

    def examples(self, data: TrialData, rows: Rows) -> Examples:
        """Returns rows of the data as :attr:`learner` reads them: token ids, or features that are pooled here once."""
        texts = self.texts(data, rows)
        pooling = self.pooling_model
        if pooling is None:
            return texts
        with self.embedding.extended(self.unseen):
            return pooled(texts, pooling)

    def score(self, learner: nn.Module, examples: Examples) -> Scores:
        """Scores the learner, reading words that training never saw."""
        if self.pooling_model is not None:
            return score(learner, examples)
        with self.embedding.extended(self.unseen):
            return score(learner, examples)

    def texts(self, data: TrialData, rows: Rows) -> Examples:
        """Returns rows of the data as token ids."""
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
        extend=extend and policy.moves_unseen_rows,
        random=generator(seed, "unknown words", *where),
    )
    unseen = np.empty(0, dtype=np.int64)
    if extend and policy.reads_unseen_words:
        table_rows, unseen = append_unseen(data, table_rows, embedding.num_embeddings)
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
        unseen=torch.from_numpy(data.pretrained[unseen]),
        max_tokens=spec.schedule.max_tokens,
    )
