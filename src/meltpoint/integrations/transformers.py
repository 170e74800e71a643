"""Hugging Face: the optimiser of a ``Trainer`` made by a policy."""

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from transformers import TrainingArguments

from meltpoint.embedding import Policy


def trainer_optimizer(
    policy: Policy,
    model: nn.Module,
    args: TrainingArguments,
    optimizer_class: type[Optimizer] = torch.optim.AdamW,
    **options: Any,
) -> tuple[Optimizer, None]:
    """Makes what ``Trainer(optimizers=...)`` takes; the schedule is left to the trainer.

        trainer = Trainer(model, args, train_dataset=data, optimizers=trainer_optimizer(mp.Scaled(), model, args))

    Learning rate and weight decay are those of ``args``; for ``torch.optim.Adam`` and ``AdamW`` the betas and epsilon,
    too. The trainer keeps the optimiser's state in its checkpoints, and with it all that a policy remembers.

    Args:
        policy: How the embedding may change.
        model: The model that the trainer trains.
        args: The trainer's arguments.
        optimizer_class: Any class of ``torch.optim`` that takes ``weight_decay``.
        **options: ``seed``, and further options of the optimiser; they go before those of ``args``.

    Returns:
        The optimiser, and None.
    """
    chosen: dict[str, Any] = {"weight_decay": args.weight_decay}
    if issubclass(optimizer_class, torch.optim.Adam):
        chosen |= {"betas": (args.adam_beta1, args.adam_beta2), "eps": args.adam_epsilon}
    return policy.optimizer(model, optimizer_class, lr=args.learning_rate, **{**chosen, **options}), None
