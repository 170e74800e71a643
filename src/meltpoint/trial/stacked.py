"""Members of one built-in architecture, trained in one pass: one code path for one of them and for many."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from meltpoint.embedding import AdamUpdate, Adaptation, PretrainedEmbedding, pretrained_embeddings
from meltpoint.models import HandDifferentiated, PoolsFirst, Stackable, stack_models
from meltpoint.models.layers import SharedDropout
from meltpoint.text import NO_LABEL
from meltpoint.trial.dense_adam import StackedAdam
from meltpoint.trial.examples import Examples, LocalBatch, Scores
from meltpoint.trial.joining import stack_padded
from meltpoint.trial.learners import Weights, measure
from meltpoint.trial.member_rows import FixedRows, member_rows

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Texts that members read, with the table and the weights that they start from.

    Attributes:
        train: The training examples.
        model: The architecture with its initial weights, over ``embedding``.
        embedding: The table, ``(V, D)``, as the policy starts it.
        unseen: ``(U, D)`` rows that stand behind the table when members are scored.
        dropout: Draws the masks.
    """

    train: Examples
    model: Stackable
    embedding: PretrainedEmbedding
    unseen: Tensor
    dropout: torch.Generator


class Stacked:
    """Members whose parameters share tensors, with a leading axis of K.

    Only the rows of the table that occur in a batch are gathered, trained and put back. Nothing but a tensor operation
    that computes them side by side joins the members: who else is there changes a member's results by rounding alone.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        source_of: Sequence[int],
        *,
        updates: Sequence[AdamUpdate],
        learning_rates: Sequence[float],
        device: torch.device,
        moving_rows: Sequence[Tensor | None] | None = None,
        adaptations: Sequence[Adaptation | None] = (),
    ) -> None:
        """Takes K members over S sources.

        Args:
            sources: The texts, tables and initial weights.
            source_of: The source of each member.
            updates: How the rows of each member are updated: in one manner, at rates of their own.
            learning_rates: Of everything else, for each member.
            device: Where it is computed.
            moving_rows: ``(V,)`` bool for each member, the rows of its table that may move; None: all of them.
            adaptations: What each member trains in place of rows, where the updates say that it does.
        """
        self._sources, self.source_of = tuple(sources), tuple(source_of)
        self._device = device
        self._task = sources[0].train.task
        self._model = stack_models([sources[source].model for source in source_of]).to(device)
        self._readout = _Readout(self._model)
        own = [sources[source].embedding for source in source_of]
        self._rows = member_rows(own, updates, device, moving_rows=moving_rows, adaptations=adaptations)
        self._dropouts = [module for module in self._model.modules() if isinstance(module, SharedDropout)]
        self._unseen = [source.unseen.to(device) for source in sources]
        self._pooled: dict[Examples, tuple[Tensor, ...]] = {}
        self._follow_members()
        self._optimizer = StackedAdam(self._moved, learning_rates, [update.coupled_decay for update in updates])

    @property
    def _pools_once(self) -> bool:
        return isinstance(self._rows, FixedRows) and isinstance(self._model, PoolsFirst)

    def step(self, positions: Sequence[Rows]) -> None:
        """Takes one step for every member, on the batch of its source."""
        if not self._model.training:  # asked, because being told anew costs a walk over the modules
            self._model.train()
        used = self._used_sources
        for dropout in self._dropouts:
            dropout.num_texts = [len(positions[s]) for s in used]
        labels = self._per_member(
            [torch.from_numpy(self._sources[s].train.labels[positions[s]]) for s in used], NO_LABEL
        )
        if self._pools_once:
            features = [self._train_features[s].index_select(0, torch.from_numpy(positions[s])) for s in used]
            self._backpropagate(self._per_member(features), None, labels)
            self._move_parameters()
        else:
            batches = {s: self._sources[s].train.local(positions[s]) for s in used}
            own = {s: batch.rows.to(self._device) for s, batch in batches.items()}
            rows = [own[source] for source in self.source_of]
            table = self._rows.gather(rows)
            gradient = self._backpropagate(table, self._per_member([batches[s].ids for s in used]), labels)
            self._move_parameters()
            self._rows.step(rows, gradient)

    def _backpropagate(self, inputs: Tensor, ids: Tensor | None, labels: Tensor) -> Tensor | None:
        """Leaves the gradient of each member's mean loss in the parameters' ``grad``; returns that of the inputs.

        Args:
            inputs: Pooled features where there are no ids, else the rows that these are numbers of.
            ids: Those of the batch.
            labels: What the texts are.

        Returns:
            In the shape of the inputs; None where they take no gradient.
        """
        if self._pass is not None:
            assert isinstance(self._model, HandDifferentiated)
            with torch.no_grad():
                pooled = inputs if ids is None else self._model.pool(inputs, ids)
                gradient = self._pass.backpropagate(
                    pooled,
                    lambda scores: self._task.score_gradient(scores, labels),
                    to_pooled=inputs.requires_grad,
                )
                if gradient is None or ids is None:
                    return gradient
                return self._model.spread(gradient, ids, inputs.shape[1])
        # A sum over the members: the gradient of each is that of its own mean loss.
        self._task.loss(self._readout(inputs, ids), labels).sum().backward()  # type: ignore[no-untyped-call]
        return inputs.grad

    def _move_parameters(self) -> None:
        if self._pass is not None:
            self._optimizer.step([self._pass.gradients])
            return
        self._optimizer.step([p.grad for p in self._parameters if p.grad is not None])
        for parameter in self._parameters:
            parameter.grad = None

    def score(self, members: Sequence[int], examples: Sequence[Examples]) -> list[Scores]:
        """Scores these members, each on the examples of its source."""
        self._model.eval()
        self._rows.settle()
        found: dict[int, Scores] = {}
        with torch.inference_mode():
            for source in sorted({self.source_of[member] for member in members}):
                group = [member for member in members if self.source_of[member] == source]
                outputs = [output.cpu() for output in self._outputs(group, examples[source])]
                for number, member in enumerate(group):
                    found[member] = measure((output[number] for output in outputs), examples[source])
        return [found[member] for member in members]

    def remember(self, member: int) -> Weights:
        """Copies a member's parameters and, where it is trained, its table."""
        self._rows.settle()
        parameters = tuple(parameter.detach()[member].clone() for parameter in self._parameters)
        return (*parameters, *self._rows.remember(member))

    def recall(self, member: int, weights: Weights) -> None:
        """Copies a member's parameters and table back."""
        with torch.no_grad():
            self._rows.settle()
            own = len(self._parameters)
            for parameter, before in zip(self._parameters, weights[:own], strict=True):
                parameter[member].copy_(before)
            self._rows.recall(member, weights[own:])

    def keep(self, members: Sequence[int]) -> None:
        """Goes on with these members alone."""
        index = torch.tensor(list(members), dtype=torch.int64, device=self._device)
        for module in self._model.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(parameter.detach()[index]))
        self._rows.keep(members)
        self.source_of = tuple(self.source_of[member] for member in members)
        self._follow_members()
        self._optimizer.keep(index, self._moved)

    def hand_back(self, member: int, model: nn.Module) -> None:
        """Copies what a member has learned into a model of its own, which has no axis of members."""
        self._rows.settle()
        (embedding,) = pretrained_embeddings(model)
        unseen_map = self._rows.unseen_map(member)
        with torch.no_grad():
            embedding.adaptation = None
            embedding.weight.copy_(self._rows.table(member))
            embedding.unseen_map = None if unseen_map is None else unseen_map.to(embedding.weight, copy=True)
            for name, parameter in self._model.named_parameters():
                model.get_parameter(name).copy_(parameter[member])

    def _follow_members(self) -> None:
        """Takes note of who the members are: at the start, and whenever some have left."""
        by_hand = isinstance(self._model, HandDifferentiated) and self._device.type == "cpu"
        self._pass = cast("HandDifferentiated", self._model).lay_out() if by_hand else None
        self._parameters = list(self._model.parameters())
        self._moved = self._parameters if self._pass is None else [self._pass.parameters]
        self._used_sources = sorted(set(self.source_of))
        places = torch.tensor([self._used_sources.index(source) for source in self.source_of])
        for dropout in self._dropouts:
            dropout.generators = [self._sources[source].dropout for source in self._used_sources]
            dropout.source_of = None if len(self._used_sources) == 1 else places

    def _per_member(self, per_source: Sequence[Tensor], padding: float = 0) -> Tensor:
        """Hands out what belongs to the sources in use: shared as it is where there is one, else with an axis of K."""
        if len(per_source) == 1:
            return per_source[0].to(self._device)
        index = torch.tensor([self._used_sources.index(source) for source in self.source_of])
        return stack_padded(per_source, padding)[index].to(self._device)

    @cached_property
    def _train_features(self) -> dict[int, Tensor]:
        """``(n, F)`` pooled features of the training examples of each source."""
        features = {}
        for member, source in enumerate(self.source_of):
            if source not in features:
                examples = self._sources[source].train
                batches = self._pool(member, examples)
                ordered = batches[0].new_empty(len(examples.rows), batches[0].shape[-1])
                for positions, batch in zip(examples.by_length, batches, strict=True):
                    ordered[torch.from_numpy(positions)] = batch
                features[source] = ordered
        return features

    def _outputs(self, members: Sequence[int], examples: Examples) -> list[Tensor]:
        """Returns ``(len(members), B, C)`` for each batch; the members read the same source."""
        parameters: dict[str, Tensor] = dict(self._model.named_parameters())
        if len(members) < len(self.source_of):
            index = torch.tensor(list(members), device=self._device)
            parameters = {name: parameter[index] for name, parameter in parameters.items()}
        own = {f"stack.{name}": parameter for name, parameter in parameters.items()}
        if self._pools_once:
            return [
                functional_call(self._readout, own, (features, None)) for features in self._pool(members[0], examples)
            ]
        return [
            functional_call(
                self._readout,
                own,
                (self._read(members, batch), batch.ids.to(self._device)),
            )
            for batch in examples.local_by_length
        ]

    def _pool(self, member: int, examples: Examples) -> tuple[Tensor, ...]:
        """Returns the features ``(B, F)`` of each batch by length, computed once for all members of a source.

        Pooling reads each row where it stands, in less time than it takes to find the distinct ones.
        """
        assert isinstance(self._model, PoolsFirst)
        if examples not in self._pooled:
            read = torch.cat([self._rows.table(member), self._unseen[self.source_of[member]]])
            with torch.no_grad():
                self._pooled[examples] = tuple(
                    self._model.pool(read, examples.ids(positions).to(self._device)) for positions in examples.by_length
                )
        return self._pooled[examples]

    def _read(self, members: Sequence[int], batch: LocalBatch) -> Tensor:
        """Returns the rows of a batch ``(len(members), U, D)``, those behind the table too."""
        size = len(self._rows.table(members[0]))
        within = batch.rows.clamp(max=size - 1).to(self._device)
        read = torch.stack([self._rows.table(member).index_select(0, within) for member in members])
        (outside,) = torch.where(batch.rows >= size)
        if len(outside):
            behind = self._unseen[self.source_of[members[0]]][(batch.rows[outside] - size).to(self._device)]
            outside = outside.to(self._device)
            for place, member in zip(read, members, strict=True):
                learned = self._rows.unseen_map(member)
                place[outside] = behind if learned is None else behind @ learned
        return read


class _Readout(nn.Module):
    """What is above the rows or the features, as a module that ``functional_call`` can be given other weights for."""

    def __init__(self, stack: Stackable) -> None:
        super().__init__()
        self.stack = stack

    def forward(self, inputs: Tensor, ids: Tensor | None) -> Tensor:
        if ids is not None:
            return self.stack.scores(inputs, ids)
        assert isinstance(self.stack, PoolsFirst)
        return self.stack.score_pooled(inputs)
