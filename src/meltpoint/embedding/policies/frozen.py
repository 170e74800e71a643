"""A: the embedding does not change."""

from dataclasses import dataclass

from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy, stop_gradient
from meltpoint.embedding.table import PretrainedEmbedding


@dataclass(frozen=True, kw_only=True)
class Frozen(Policy):
    """Keeps every bit of every row, under any optimiser.

    The weight takes no gradient, a gradient left over from earlier is dropped (with one, an optimiser would still
    move it), and it is left out of the optimiser (in it, weight decay would still shrink it).
    """

    name = "frozen"
    summary = "the pretrained rows never change (textbook A)"

    def embedding_options(self, lr: float) -> GroupOptions | None:  # noqa: ARG002
        """Leaves the embedding out of the optimiser."""
        return None

    def adam_update(self, lr: float) -> AdamUpdate:  # noqa: ARG002
        """Moves nothing."""
        return AdamUpdate(row_learning_rate=0.0)

    def num_trainable(self, embedding: PretrainedEmbedding, num_rows: int) -> int:  # noqa: ARG002
        """Counts nothing."""
        return 0

    def start(self, embedding: PretrainedEmbedding, seed: int) -> None:
        """Stops the gradient."""
        super().start(embedding, seed)
        stop_gradient(embedding)
