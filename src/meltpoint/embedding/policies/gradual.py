"""The embedding is frozen at first, then thawed at a learning rate of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meltpoint.embedding.policies.base import (
    AdamUpdate,
    GroupOptions,
    Policy,
    require_positive,
    require_whole,
    stop_gradient,
)
from meltpoint.embedding.table import PretrainedEmbedding
from meltpoint.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Gradual(Policy):
    """Trains the layers above alone for ``thaw_step`` steps, then the embedding, too, at ``multiplier * lr``.

    ``w_t = w_0`` for ``t <= thaw_step``, to the bit; from the next step on as ``scaled``. Gradual unfreezing with
    discriminative learning rates: Howard & Ruder, "Universal language model fine-tuning for text classification", ACL
    2018. A head that has learned nothing yet sends noise down as a gradient; this way no row pays for it. (There a
    layer is thawed per epoch; here the count is in steps: for ``n`` epochs, ``n`` times the batches of one.)

    While frozen the weight takes no gradient, and an optimiser of torch passes over a parameter without one: no decay,
    no moment, and Adam's bias correction starts with the thaw. How many steps have been taken stands in the
    embedding's parameter group (``steps_taken``), and so in ``state_dict``: training that goes on from a checkpoint
    thaws when it would have thawed.

    Attributes:
        thaw_step: So many steps of the optimiser leave the embedding frozen, 1 or more.
        learning_rate_multiplier: Factor on the learning rate of the embedding after that, above 0.
    """

    name = "gradual"
    summary = "frozen for the first steps, then trained at a multiple of the learning rate (gradual unfreezing)"
    search_values = {"learning_rate_multiplier": (1.0, 0.3, 0.1), "thaw_step": (50, 200)}  # noqa: RUF012

    thaw_step: int = 100
    learning_rate_multiplier: float = 0.3

    def __post_init__(self) -> None:
        require_whole(self.name, lowest=1, thaw_step=self.thaw_step)
        require_positive(self.name, learning_rate_multiplier=self.learning_rate_multiplier)

    def embedding_options(self, lr: float) -> GroupOptions:
        """Scales the learning rate and starts the count of steps."""
        return {"lr": lr * self.learning_rate_multiplier, "thaw_step": self.thaw_step, "steps_taken": 0}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at a multiple of the learning rate, once they are thawed."""
        return AdamUpdate(row_learning_rate=lr * self.learning_rate_multiplier, thaw_step=int(self.thaw_step))

    def check_length(self, num_steps: int) -> None:
        """Refuses a training that ends before the thaw."""
        if self.thaw_step >= num_steps:
            raise InputError(
                f"Policy {self.name!r} would move nothing: it thaws the embedding after {self.thaw_step} steps, and "
                f"training ends after {num_steps} at the latest. Choose a smaller thaw_step, or the policy 'frozen'."
            )

    def parameters(self, embedding: PretrainedEmbedding) -> list[Any]:
        """Returns the weight, which takes no gradient yet."""
        return [embedding.weight]

    def start(self, embedding: PretrainedEmbedding, seed: int) -> None:
        """Freezes; a gradient left over from earlier is dropped."""
        super().start(embedding, seed)
        stop_gradient(embedding)

    def after_step(self, embedding: PretrainedEmbedding, group: Mapping[str, Any]) -> None:
        """Thaws when it is time."""
        if group["steps_taken"] == group["thaw_step"]:
            embedding.weight.requires_grad_(True)  # noqa: FBT003

    def after_load(self, embedding: PretrainedEmbedding, group: Mapping[str, Any]) -> None:
        """Freezes or thaws as the steps that were loaded say."""
        if "thaw_step" not in group:
            raise InputError(
                f"The state of this optimiser was saved under another policy than {self.name!r}: its parameter group "
                "does not say when to thaw. Make the optimiser with the policy that the checkpoint was made with."
            )
        is_thawed = group["steps_taken"] >= group["thaw_step"]
        embedding.weight.requires_grad_(is_thawed)
        if not is_thawed:
            embedding.weight.grad = None
