"""Tables, models and optimisers of the members of a search, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meltpoint.embedding import AdamUpdate, Policy, PretrainedEmbedding, make_policy, pretrained_embeddings
from meltpoint.models import Stackable, TextModel, build_model
from meltpoint.randomness import TorchStream, generator, seed_for, torch_generator, torch_seeded
from meltpoint.tasks import find_task
from meltpoint.trial.data import TrialData
from meltpoint.trial.examples import Examples
from meltpoint.trial.learners import Learner, OneByOne
from meltpoint.trial.spec import TrialSpec
from meltpoint.trial.stacked import Source, Stacked
from meltpoint.trial.table import append_unseen, trial_table

Rows = NDArray[np.int64]
Where = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Assembly:
    """A model over its table, ready for training.

    Attributes:
        policy: How the table may change.
        model: The architecture over the embedding.
        embedding: The table, by words of the training rows first.
        table_rows: ``(L,)`` int64, the row for each token of the lexicon; rows beyond the table are of ``unseen``.
        num_words: Rows of the table that belong to the vocabulary, pad and unknown included.
        unseen: ``(U, D)`` pretrained rows of words that training never sees and that stand outside the table: scoring
            reads them.
        max_tokens: Longer texts are cut.
        metric: What it is measured by.
    """

    policy: Policy
    model: nn.Module
    embedding: PretrainedEmbedding
    table_rows: Rows
    num_words: int
    unseen: Tensor
    max_tokens: int
    metric: str

    @property
    def trainable_parameters(self) -> int:
        """How many numbers training can change; of the table, in the rows of the vocabulary."""
        inside = {id(parameter) for parameter in self.embedding.parameters()}
        above = sum(p.numel() for p in self.model.parameters() if p.requires_grad and id(p) not in inside)
        return above + self.policy.num_trainable(self.embedding, self.num_words)

    def examples(self, data: TrialData, rows: Rows) -> Examples:
        """Returns rows of the data as the model reads them."""
        task = find_task(data.task)
        return Examples(
            packed=data.packed,
            rows=rows,
            label_ids=data.label_ids,
            table_rows=self.table_rows,
            max_tokens=self.max_tokens,
            task=task,
            metric=task.metric(self.metric),
            classes=data.classes,
            units=data.units,
        )


def assemble(
    spec: TrialSpec, data: TrialData, train_rows: Rows, *, seed: int, where: Where, extend: bool = True
) -> Assembly:
    """Builds table and model. The policy starts when a learner is made of them.

    Args:
        spec: Policy, configuration, architecture and schedule.
        data: The study's data.
        train_rows: Rows trained on.
        seed: The master seed.
        where: Repeat and size: with the seed, the names of all that is drawn.
        extend: Whether words that are not trained on are read by their pretrained vectors, where the policy lets them.

    Raises:
        InputError: Architecture or policy cannot be built, the policy would move nothing, or the model does not hold
            the embedding.
    """
    policy = spec_policy(spec)
    policy.check_length(spec.schedule.max_steps)
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
    task = find_task(data.task)
    with torch_seeded(seed, "head", *where):
        model = build_model(spec.architecture, embedding, task.num_outputs(data.classes), reads=task.reads)
    pretrained_embeddings(model)
    return Assembly(
        policy=policy,
        model=model,
        embedding=embedding,
        table_rows=table_rows,
        num_words=num_words,
        unseen=torch.from_numpy(data.pretrained[unseen]),
        max_tokens=spec.schedule.max_tokens,
        metric=spec.metric,
    )


def make_learner(
    specs: Sequence[TrialSpec],
    assemblies: Sequence[Assembly],
    train: Sequence[Examples],
    source_of: Sequence[int],
    *,
    seed: int,
    where: Sequence[Where],
    device: torch.device,
) -> Learner:
    """Joins members into one learner: side by side where architecture and policy allow it, else one by one.

    Args:
        specs: K members of one architecture and one policy.
        assemblies: One per member; where members can be stacked, those of one source may be the same object.
        train: The training examples of each source.
        source_of: The source of each member.
        seed: The master seed.
        where: For each source, the names of what is drawn there.
        device: Where it is computed.
    """
    names = [where[source] for source in source_of]
    seeds = [seed_for(seed, "policy", *name) for name in names]
    updates = [member_update(spec) for spec in specs]
    firsts = [source_of.index(source) for source in range(len(train))]
    unseen = [assemblies[first].unseen for first in firsts]
    if can_be_stacked(specs[0], assemblies[0].model):
        policies = [spec_policy(spec) for spec in specs]
        for first in firsts:
            own = assemblies[first]
            own.policy.start(own.embedding, seed_for(seeds[first], "embedding", 0))
        sources = [
            Source(
                train=examples,
                model=cast("Stackable", assemblies[first].model),
                embedding=assemblies[first].embedding,
                unseen=assemblies[first].unseen,
                dropout=torch_generator(seed, "dropout", *names[first]),
            )
            for examples, first in zip(train, firsts, strict=True)
        ]
        return Stacked(
            sources,
            source_of,
            updates=[update for update in updates if update is not None],
            moving_rows=[policy.moving_rows(own.embedding) for policy, own in zip(policies, assemblies, strict=True)],
            adaptations=[
                policy.new_adaptation(own.embedding, seed_for(own_seed, "embedding", 0))
                if update is not None and update.adapts
                else None
                for policy, own, own_seed, update in zip(policies, assemblies, seeds, updates, strict=True)
            ],
            learning_rates=[spec.learning_rate for spec in specs],
            device=device,
        )
    optimizers = [
        own.policy.optimizer(
            own.model.to(device),
            torch.optim.AdamW,
            lr=spec.learning_rate,
            seed=own_seed,
            weight_decay=0.0,
            fused=True,
        )
        for spec, own, own_seed in zip(specs, assemblies, seeds, strict=True)
    ]
    return OneByOne(
        [own.model for own in assemblies],
        optimizers,
        train=train,
        unseen=unseen,
        source_of=source_of,
        dropout=[TorchStream(seed, "dropout", *name, device=device) for name in names],
    )


def can_be_stacked(spec: TrialSpec, model: nn.Module) -> bool:
    """Whether a model is written for many members, and numbers say all that its policy does."""
    # A subclass with a forward pass of its own does more than its scores.
    stackable = isinstance(model, Stackable) and type(model).forward is TextModel.forward
    return stackable and member_update(spec) is not None


def member_update(spec: TrialSpec) -> AdamUpdate | None:
    """Returns what the policy of a member comes to under Adam, where numbers say it all."""
    return spec_policy(spec).adam_update(spec.learning_rate)


def spec_policy(spec: TrialSpec) -> Policy:
    """Returns the policy of a member with its knobs."""
    return make_policy(spec.policy, **dict(spec.settings))
