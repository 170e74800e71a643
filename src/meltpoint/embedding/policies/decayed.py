"""C: the whole model is trained with coupled weight decay, as the textbook has it."""

import inspect
from dataclasses import dataclass

from torch.optim import Adam, AdamW, Optimizer

from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy, require_positive
from meltpoint.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Decayed(Policy):
    """Trains as ``torch.optim.Adam(model.parameters(), weight_decay=...)`` does: coupled L2 toward zero.

    The decay joins the gradient, ``g + weight_decay * w``, and Adam then divides by the gradient's own size: a row
    that never occurs has no other gradient and walks toward zero at about ``lr * sign(w)`` a step, however small the
    decay. It is kept so that its damage can be measured; ``anchored`` is the regulariser that people mean.

    ``torch.optim.AdamW``, whose decay is decoupled, is replaced by ``torch.optim.Adam``, its coupled twin; other
    optimisers get it as their ``weight_decay``.

    Attributes:
        weight_decay: Coefficient of the decay, above 0.
    """

    name = "decayed"
    summary = "trained with coupled Adam weight decay toward zero, which also shrinks rows never seen (textbook C)"
    moves_unseen_rows = True
    search_values = {"weight_decay": (1e-6, 1e-5, 1e-4)}  # noqa: RUF012

    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        require_positive(self.name, weight_decay=self.weight_decay)

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Decays the embedding, coupled."""
        return self.other_options()

    def other_options(self) -> GroupOptions:
        """Decays the rest likewise: the textbook passes all parameters."""
        return {"weight_decay": self.weight_decay}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at the learning rate of the rest and decays everything."""
        return AdamUpdate(row_learning_rate=lr, coupled_decay=self.weight_decay)

    def adapt_optimizer(self, optimizer_class: type[Optimizer]) -> type[Optimizer]:
        """Replaces AdamW by Adam, and refuses optimisers without weight decay."""
        if optimizer_class is AdamW:
            return Adam
        if "weight_decay" not in inspect.signature(optimizer_class).parameters:
            raise InputError(
                f"Policy {self.name!r} needs an optimiser with weight decay; {optimizer_class.__name__} has none. "
                "Use torch.optim.Adam, or another policy."
            )
        return super().adapt_optimizer(optimizer_class)
