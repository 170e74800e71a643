"""Lightning: a callback that trains the module under a policy, and resumes under no other."""

from dataclasses import asdict
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from torch.optim import Optimizer

from meltpoint.embedding import Policy
from meltpoint.errors import InputError


class EmbeddingPolicy(pl.Callback):
    """Makes the module's optimiser by the policy; nothing else of the module changes.

    What a policy remembers (steps until a thaw, moments) is in the optimiser, and so in Lightning's checkpoints. The
    callback's own state is the policy's name and settings: a checkpoint of another policy is refused, where Lightning
    would go on with rows that are silently frozen, or thawed. The module needs a ``configure_optimizers`` all the same:
    Lightning looks for one before it asks any callback.

        trainer = Trainer(callbacks=[EmbeddingPolicy(mp.Scaled(), torch.optim.AdamW, lr=1e-3)])
    """

    def __init__(
        self, policy: Policy, optimizer_class: type[Optimizer] = torch.optim.AdamW, *, lr: float, **options: Any
    ) -> None:
        """Takes what :meth:`meltpoint.embedding.Policy.optimizer` takes.

        Args:
            policy: How the embedding may change.
            optimizer_class: Any class of ``torch.optim``.
            lr: Learning rate of everything but the embedding.
            **options: ``seed``, and options of the optimiser such as ``weight_decay``.
        """
        self.policy = policy
        self._optimizer_class = optimizer_class
        self._options = {"lr": lr, **options}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Puts the policy's optimiser in the place of ``configure_optimizers``; Lightning asks for it after this."""
        if stage == "fit":
            optimizer = partial(self.policy.optimizer, pl_module, self._optimizer_class, **self._options)
            pl_module.configure_optimizers = optimizer  # type: ignore[method-assign]

    def state_dict(self) -> dict[str, Any]:
        """Returns what the checkpoint says about the policy."""
        return {"policy": self.policy.name, "settings": asdict(self.policy)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Compares with the checkpoint.

        Raises:
            InputError: It was made under another policy, or other settings.
        """
        if state_dict != self.state_dict():
            raise InputError(
                f"The checkpoint was made under the policy {state_dict['policy']!r} with {state_dict['settings']}; the "
                f"callback is {self.policy.name!r} with {asdict(self.policy)}. Resume with the policy that began it, "
                "or load only the weights."
            )
