"""What is trained: K members that take their steps together, whatever is under them."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.randomness import TorchStream
from meltpoint.trial.examples import Examples, Scores

Rows = NDArray[np.int64]
Weights = tuple[Tensor, ...]
"""What one member has learned, kept aside."""


class Learner(Protocol):
    """K members that are trained side by side, each on the texts of one of S sources."""

    source_of: tuple[int, ...]
    """The source of each member; its length is K."""

    def step(self, positions: Sequence[Rows]) -> None:
        """Takes one training step: for each source, the positions of its batch among its training examples."""

    def score(self, members: Sequence[int], examples: Sequence[Examples]) -> list[Scores]:
        """Scores these members, each on the examples of its source."""

    def remember(self, member: int) -> Weights:
        """Returns a copy of what a member has learned."""

    def recall(self, member: int, weights: Weights) -> None:
        """Sets a member to what it had learned."""

    def keep(self, members: Sequence[int]) -> None:
        """Goes on with these members alone, in this order."""

    def hand_back(self, member: int, model: nn.Module) -> None:
        """Copies what a member has learned into the model that it was made from."""


class OneByOne:
    """Members that share nothing: any model, any optimiser, one after another."""

    def __init__(
        self,
        models: Sequence[nn.Module],
        optimizers: Sequence[Optimizer],
        *,
        train: Sequence[Examples],
        unseen: Sequence[Tensor],
        source_of: Sequence[int],
        dropout: Sequence[TorchStream],
    ) -> None:
        """Takes K members over S sources.

        Args:
            models: K models, each over a :class:`PretrainedEmbedding`.
            optimizers: K optimisers.
            train: The training examples of each source.
            unseen: For each source ``(U, D)`` rows that stand behind the table when members are scored.
            source_of: The source of each member.
            dropout: What the models of each member draw from.
        """
        self._models, self._optimizers, self._dropout = list(models), list(optimizers), list(dropout)
        self._train, self._unseen = tuple(train), tuple(unseen)
        self.source_of = tuple(source_of)

    def step(self, positions: Sequence[Rows]) -> None:
        """Trains each member on the batch of its source."""
        used = set(self.source_of)
        batches = {
            source: (train.ids(positions[source]), torch.from_numpy(train.labels[positions[source]]))
            for source, train in enumerate(self._train)
            if source in used
        }
        for model, optimizer, source, stream in zip(
            self._models, self._optimizers, self.source_of, self._dropout, strict=True
        ):
            ids, labels = batches[source]
            device = next(model.parameters()).device
            model.train()
            optimizer.zero_grad(set_to_none=True)
            with stream.resumed():
                loss = self._train[source].task.loss(model(ids.to(device)), labels.to(device))
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def score(self, members: Sequence[int], examples: Sequence[Examples]) -> list[Scores]:
        """Scores these members, each on the examples of its source."""
        return [self._score(member, examples[self.source_of[member]]) for member in members]

    def _score(self, member: int, examples: Examples) -> Scores:
        model = self._models[member]
        embedding = next(module for module in model.modules() if isinstance(module, PretrainedEmbedding))
        device = embedding.weight.device
        model.eval()
        with torch.inference_mode(), embedding.extended(self._unseen[self.source_of[member]]):
            return measure((model(examples.ids(batch).to(device)) for batch in examples.by_length), examples)

    def remember(self, member: int) -> Weights:
        """Copies the parameters and the buffers of a member."""
        return tuple(tensor.detach().clone() for tensor in self._state(member))

    def recall(self, member: int, weights: Weights) -> None:
        """Copies the parameters and the buffers of a member back."""
        with torch.no_grad():
            for tensor, before in zip(self._state(member), weights, strict=True):
                tensor.copy_(before)

    def keep(self, members: Sequence[int]) -> None:
        """Goes on with these members alone."""
        self._models = [self._models[member] for member in members]
        self._optimizers = [self._optimizers[member] for member in members]
        self._dropout = [self._dropout[member] for member in members]
        self.source_of = tuple(self.source_of[member] for member in members)

    def hand_back(self, member: int, model: nn.Module) -> None:
        """Does nothing: the member is that model."""

    def _state(self, member: int) -> list[Tensor]:
        model = self._models[member]
        fixed = {id(parameter) for parameter in model.parameters() if not parameter.requires_grad}
        fixed |= {id(buffer) for module in _embeddings(model) for buffer in module.buffers()}
        return [tensor for tensor in (*model.parameters(), *model.buffers()) if id(tensor) not in fixed]


def _embeddings(model: nn.Module) -> Iterable[PretrainedEmbedding]:
    return (module for module in model.modules() if isinstance(module, PretrainedEmbedding))


def measure(outputs: Iterable[Tensor], examples: Examples) -> Scores:
    """Turns outputs ``(B, ..)`` of the batches :attr:`Examples.by_length` into scores."""
    task, labels = examples.task, examples.labels
    read: NDArray[Any] | None = None
    total, num_terms = 0.0, 0
    for positions, scores in zip(examples.by_length, outputs, strict=True):
        found = task.read_out(scores).cpu().numpy()
        if read is None:
            read = np.zeros(labels.shape, dtype=found.dtype)
        # Of a sentence that was cut there is less than it has labels.
        width = found.shape[1:]
        read[(positions, slice(*width)) if width else positions] = found
        loss, count = task.total_loss(scores.cpu(), torch.from_numpy(labels[positions]))
        total, num_terms = total + loss, num_terms + count
    assert read is not None
    return examples.judge(read, total / num_terms)
