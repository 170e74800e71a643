"""What a policy is: how the embedding may change during training, whatever the optimiser and the loop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn
from torch.optim import Optimizer

from meltpoint.embedding.table import PretrainedEmbedding
from meltpoint.errors import InputError
from meltpoint.randomness import seed_for

GroupOptions = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AdamUpdate:
    """What a policy comes to under Adam without decoupled decay, in numbers: enough to train many members at once.

    Attributes:
        row_learning_rate: Learning rate of the embedding's rows; 0 where they never change.
        coupled_decay: Coefficient of the decay that joins the gradient of every parameter, the rows' too.
        anchor_strength: Coefficient of the pull toward the pretrained rows after each step.
    """

    row_learning_rate: float
    coupled_decay: float = 0.0
    anchor_strength: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Policy(ABC):
    """How the embedding may change during training.

    A policy is used through :meth:`optimizer` alone; the training loop stays what it was. A new policy is one
    subclass, which says what its parameter groups look like and, where it must, what happens to the rows when
    training starts and after each step, and one entry in ``meltpoint.embedding.policies.POLICIES``.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    # The values of its own knobs that a study tries, beside the learning rate. Empty: there is nothing to tune.
    search_values: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    # Whether a word that training never saw is read by its pretrained vector.
    reads_unseen_words: ClassVar[bool] = True
    # Whether training also moves the rows of words that it never sees, so that they must be in the table.
    moves_unseen_rows: ClassVar[bool] = False

    @abstractmethod
    def embedding_options(self, lr: float) -> GroupOptions | None:
        """Returns the options of the embedding's own parameter group; None leaves it out of the optimiser."""

    def other_options(self) -> GroupOptions:
        """Returns the options of the parameter group that holds everything but the embedding."""
        return {}

    def start(self, embedding: PretrainedEmbedding, seed: int) -> None:  # noqa: ARG002
        """Prepares the rows before the first step."""
        embedding.weight.requires_grad_(True)  # noqa: FBT003

    def after_step(  # noqa: B027 - most policies have nothing to do here
        self, embedding: PretrainedEmbedding, group: Mapping[str, Any]
    ) -> None:
        """Acts on the rows after each optimiser step; ``group`` is the embedding's, with its present ``lr``."""

    def adam_update(self, lr: float) -> AdamUpdate | None:  # noqa: ARG002
        """Returns what the policy does under Adam at the learning rate ``lr``, as numbers.

        None, where numbers do not say it all: such a policy is trained one model at a time, by :meth:`optimizer`.
        """
        return None

    def adapt_optimizer(self, optimizer_class: type[Optimizer]) -> type[Optimizer]:
        """Returns the class to use; raises :class:`InputError` where the policy cannot keep its word under it."""
        return optimizer_class

    def optimizer(
        self, model: nn.Module, optimizer_class: type[Optimizer], *, lr: float, seed: int = 0, **options: Any
    ) -> Optimizer:
        """Makes the optimiser that trains ``model`` under this policy.

        Build the model, call this, and only then load a checkpoint's ``state_dict`` (policies such as ``scratch``
        set the rows when training starts). The parameter groups are called ``"embedding"`` and ``"other"`` under the
        key ``name``.

        Args:
            model: Any module that holds at least one :class:`PretrainedEmbedding`.
            optimizer_class: Any class of ``torch.optim``, e.g. ``torch.optim.AdamW``.
            lr: Learning rate of everything but the embedding.
            seed: Master seed of what the policy draws (only ``scratch`` draws).
            **options: Passed to ``optimizer_class``, for example ``weight_decay``.

        Returns:
            The optimiser, to be stepped as usual.

        Raises:
            InputError: The model holds no pretrained embedding, or the policy does not work under that optimiser.
        """
        optimizer_class = self.adapt_optimizer(optimizer_class)
        embeddings = pretrained_embeddings(model)
        for position, embedding in enumerate(embeddings):
            self.start(embedding, seed_for(seed, "embedding", position))
        # One entry per weight: embeddings may share one, which is then stepped, and acted on, once.
        tables = {id(embedding.weight): embedding for embedding in embeddings}
        others = [p for p in model.parameters() if id(p) not in tables and p.requires_grad]
        groups: list[dict[str, Any]] = []
        if others:
            groups.append({"params": others, "name": "other", **self.other_options()})
        own = self.embedding_options(lr)
        if own is not None:
            weights = [embedding.weight for embedding in tables.values()]
            groups.append({"params": weights, "name": "embedding", **own})
        if not groups:
            raise InputError(
                f"Policy {self.name!r} would train nothing: it keeps the embedding as it is and the model has no other "
                "trainable parameter. Give the model an output layer, or choose a policy that moves the embedding."
            )
        optimizer = optimizer_class(groups, lr=lr, **options)  # type: ignore[call-arg]
        if type(self).after_step is not Policy.after_step:

            def hook(stepped: Optimizer, args: object, kwargs: object) -> None:  # noqa: ARG001
                # The groups are looked up at each step: load_state_dict replaces them.
                group = next(group for group in stepped.param_groups if group["name"] == "embedding")
                for embedding in tables.values():
                    self.after_step(embedding, group)

            optimizer.register_step_post_hook(hook)
        return optimizer


def pretrained_embeddings(model: nn.Module) -> list[PretrainedEmbedding]:
    """Finds the pretrained embeddings in a model.

    Raises:
        InputError: There is none.
    """
    found = [module for module in model.modules() if isinstance(module, PretrainedEmbedding)]
    if not found:
        raise InputError(
            f"A policy needs a model that holds an embedding made by meltpoint.build_embedding; "
            f"{type(model).__name__} holds none. Build the embedding first and pass it to the model as a submodule."
        )
    return found


def require_positive(policy: str, **values: float) -> None:
    """Raises :class:`InputError` unless every value is a positive finite number."""
    for knob, value in values.items():
        if not 0 < value < float("inf"):
            raise InputError(f"Policy {policy!r}: {knob} must be a positive finite number, found {value!r}.")
