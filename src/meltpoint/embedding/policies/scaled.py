"""B: the embedding is trained at a fraction of the learning rate."""

from dataclasses import dataclass

from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy, require_positive


@dataclass(frozen=True, kw_only=True)
class Scaled(Policy):
    """Gives the embedding a parameter group with learning rate ``learning_rate_multiplier * lr``.

    (Scaling the gradient instead does nothing under Adam, which divides by the gradient's own size.)

    Attributes:
        learning_rate_multiplier: Factor on the learning rate, above 0; usually below 1.
    """

    name = "scaled"
    summary = "trained in a parameter group of its own, at a multiple of the learning rate (textbook B)"
    search_values = {"learning_rate_multiplier": (0.3, 0.1, 0.03)}  # noqa: RUF012

    learning_rate_multiplier: float = 0.1

    def __post_init__(self) -> None:
        require_positive(self.name, learning_rate_multiplier=self.learning_rate_multiplier)

    def embedding_options(self, lr: float) -> GroupOptions:
        """Scales the learning rate."""
        return {"lr": lr * self.learning_rate_multiplier}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at a multiple of the learning rate."""
        return AdamUpdate(row_learning_rate=lr * self.learning_rate_multiplier)
