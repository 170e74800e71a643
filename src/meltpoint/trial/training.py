"""The training loop: one for every policy, architecture and optimiser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from meltpoint.errors import DivergedError, InputError
from meltpoint.models import PoolsFirst
from meltpoint.randomness import Generator
from meltpoint.text import PackedTexts
from meltpoint.trial.spec import Schedule

SCORING_BATCH_SIZE = 512
# Batches are cut from pools of this many batches, sorted by length within the pool: little padding, little order.
POOL_BATCHES = 8
DIVERGENCE_CAUSES = (
    "The learning rate may be too high for this architecture, or its forward pass divides by zero on short texts."
)

# A loss that falls by less than this, in nats, is no longer progress: separable texts would be trained for ever.
LEAST_PROGRESS = 1e-3

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Labelled texts as a model reads them.

    Attributes:
        packed: All texts of the study.
        rows: ``(n,)`` which of them.
        label_ids: ``(N,)`` classes of all texts.
        table_rows: ``(L,)`` int64, the row of the embedding table for each token of the lexicon.
        max_tokens: Longer texts are cut.
        features: ``(n, F)``, what a model's ``pool`` makes of the rows, where that was computed once; else None.
    """

    packed: PackedTexts
    rows: Rows
    label_ids: Rows
    table_rows: Rows
    max_tokens: int
    features: Tensor | None = None

    def batch(self, positions: Rows) -> tuple[Tensor, Tensor]:
        """Returns these positions in ``rows``: inputs and labels ``(B,)`` int64.

        The inputs are the pooled features ``(B, F)`` where there are any, else ids ``(B, T)`` int64, padded with 0.
        """
        rows = self.rows[positions]
        if self.features is not None:
            return self.features[torch.from_numpy(positions)], torch.from_numpy(self.label_ids[rows])
        ids = self.packed.padded(rows, self.max_tokens, self.table_rows)
        return torch.from_numpy(ids), torch.from_numpy(self.label_ids[rows])

    def epoch(self, batch_size: int, random: Generator) -> Iterator[Rows]:
        """Yields the positions of each batch of one epoch: shuffled, of like length within a batch."""
        order = random.permutation(len(self.rows))
        lengths = self.packed.lengths[self.rows]
        batches: list[Rows] = []
        for start in range(0, len(order), batch_size * POOL_BATCHES):
            pool = order[start : start + batch_size * POOL_BATCHES]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            batches += [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
        for index in random.permutation(len(batches)):
            yield batches[index]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How a model does on some examples.

    Attributes:
        predicted: ``(n,)`` int64, the class with the highest score, in the order of the examples.
        accuracy: Share that is right.
        loss: Mean cross-entropy, in nats.
    """

    predicted: Rows
    accuracy: float
    loss: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders models: the higher accuracy first, ties to the lower loss."""
        return (self.accuracy, -self.loss)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The course of one training.

    Attributes:
        best_step: The step whose weights the model now holds.
        steps: Steps taken.
        converged: Whether training ended by patience; if not, ``max_steps`` cut it off.
        validation: Scores on the validation rows at the best step.
    """

    best_step: int
    steps: int
    converged: bool
    validation: Scores


def pooled(examples: Examples, model: PoolsFirst) -> Examples:
    """Computes the pooled features of all examples, in batches of like length."""
    order = np.argsort(examples.packed.lengths[examples.rows], kind="stable")
    features: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(order), SCORING_BATCH_SIZE):
            ids, _ = examples.batch(order[start : start + SCORING_BATCH_SIZE])
            features.append(model.pool(ids))
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    # A copy made outside inference mode: autograd may save it.
    return replace(examples, features=torch.cat(features)[torch.from_numpy(ranks)].clone())


def score(model: nn.Module, examples: Examples) -> Scores:
    """Scores a model on examples, in evaluation mode, in batches of like length."""
    order = np.argsort(examples.packed.lengths[examples.rows], kind="stable")
    predicted = np.empty(len(order), dtype=np.int64)
    total_loss = 0.0
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), SCORING_BATCH_SIZE):
            positions = order[start : start + SCORING_BATCH_SIZE]
            ids, labels = examples.batch(positions)
            outputs = model(ids)
            predicted[positions] = outputs.argmax(dim=1).numpy()
            total_loss += float(functional.cross_entropy(outputs, labels, reduction="sum"))
    right = predicted == examples.label_ids[examples.rows]
    return Scores(predicted=predicted, accuracy=float(right.mean()), loss=total_loss / len(order))


def fit(
    model: nn.Module,
    optimizer: Optimizer,
    train: Examples,
    validation: Examples,
    schedule: Schedule,
    random: Generator,
    *,
    scorer: Callable[[nn.Module, Examples], Scores] = score,
) -> Fit:
    """Trains until the validation rows show no better for ``patience_steps``, and goes back to the best step.

    A look at the validation rows is better if its accuracy is higher, or as high with a lower loss. Patience also
    starts anew whenever the loss reaches a clear new low: while it falls, a model still learns, though its accuracy on
    a few dozen rows may stand still.

    Raises:
        DivergedError: The loss is no longer finite.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    best: Scores | None = None
    best_weights: list[Tensor] = []
    best_step = step = last_progress = 0
    lowest_loss = np.inf
    while True:
        for positions in train.epoch(schedule.batch_size, random):
            train_step(model, optimizer, *train.batch(positions))
            step += 1
            if step % schedule.evaluate_every and step < schedule.max_steps:
                continue
            now = scorer(model, validation)
            if not np.isfinite(now.loss):
                raise DivergedError(f"The validation loss is not finite at step {step}. {DIVERGENCE_CAUSES}")
            if best is None or now.rank > best.rank:
                best, best_step, last_progress = now, step, step
                best_weights = [p.detach().clone() for p in trainable]
            if now.loss < lowest_loss - LEAST_PROGRESS:
                lowest_loss, last_progress = now.loss, step
            converged = step - last_progress >= schedule.patience_steps
            if converged or step >= schedule.max_steps:
                with torch.no_grad():
                    for parameter, weights in zip(trainable, best_weights, strict=True):
                        parameter.copy_(weights)
                return Fit(best_step=best_step, steps=step, converged=converged, validation=best)


def fit_for(
    model: nn.Module,
    optimizer: Optimizer,
    train: Examples,
    num_steps: int,
    batch_size: int,
    random: Generator,
) -> None:
    """Trains for a number of steps, without looking at anything."""
    step = 0
    while step < num_steps:
        for positions in train.epoch(batch_size, random):
            train_step(model, optimizer, *train.batch(positions))
            step += 1
            if step == num_steps:
                return


def train_step(model: nn.Module, optimizer: Optimizer, ids: Tensor, labels: Tensor) -> None:
    """Takes one step of cross-entropy on a batch: ids ``(B, T)``, labels ``(B,)``."""
    model.train()
    optimizer.zero_grad(set_to_none=True)
    loss = functional.cross_entropy(model(ids), labels)
    if not torch.isfinite(loss):
        raise DivergedError(f"The training loss is no longer finite. {DIVERGENCE_CAUSES}")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def check_outputs(model: nn.Module, examples: Examples, num_classes: int) -> None:
    """Raises :class:`InputError` unless the model turns ids ``(B, T)`` into ``(B, num_classes)`` floats."""
    ids, _ = examples.batch(np.arange(min(2, len(examples.rows))))
    model.eval()
    with torch.inference_mode():
        outputs = model(ids)
    expected = (len(ids), num_classes)
    if not isinstance(outputs, Tensor) or outputs.shape != expected or not outputs.is_floating_point():
        tensor = isinstance(outputs, Tensor)
        found = f"{outputs.dtype} {tuple(outputs.shape)}" if tensor else type(outputs).__name__
        raise InputError(
            f"The architecture must return floating scores of shape (batch, classes) = {expected} for token ids of "
            f"shape {tuple(ids.shape)}; it returned {found}."
        )
