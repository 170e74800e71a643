"""The embedding is trained like every other layer."""

from dataclasses import dataclass

from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy


@dataclass(frozen=True, kw_only=True)
class FineTuned(Policy):
    """Trains the embedding at the learning rate of the rest, with whatever options the optimiser is given.

    The optimiser's own weight decay is left as it is passed. ``torch.optim.AdamW`` decays by 0.01 unless told
    otherwise, which also shrinks rows that never occur: pass ``weight_decay=0`` to keep them.
    """

    name = "fine-tuned"
    summary = "trained at the same learning rate as the rest of the model"

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Adds nothing to the optimiser's own options."""
        return {}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows at the learning rate of the rest."""
        return AdamUpdate(row_learning_rate=lr)
