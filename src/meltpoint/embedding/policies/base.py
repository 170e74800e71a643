"""What a policy is: how the embedding may change during training, whatever the optimiser and the loop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.optim import Optimizer

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies.acting import ActingOptimizer, acting_class
from meltpoint.embedding.policies.optimizers import check_optimizer, check_parameters
from meltpoint.embedding.table import PretrainedEmbedding
from meltpoint.errors import InputError
from meltpoint.randomness import seed_for

GroupOptions = dict[str, Any]
# Decay toward zero by the names that optimisers have for it: ASGD decays by ``lambd``, 1e-4 unless told otherwise.
NO_DECAY = {"weight_decay": 0.0, "lambd": 0.0}


@dataclass(frozen=True, kw_only=True)
class AdamUpdate:
    """What a policy comes to under Adam without decoupled decay, in numbers: enough to train many members at once.

    Attributes:
        row_learning_rate: Learning rate of the embedding's rows; 0 where they never change.
        coupled_decay: Coefficient of the decay that joins the gradient of every parameter, the rows' too.
        anchor_strength: Coefficient of the pull toward the pretrained rows after each step.
        thaw_step: So many steps leave the rows as they are, and are no steps of theirs.
        adapts: Whether what moves, at the learning rate of the rows, is the policy's adaptation and not the rows.
    """

    row_learning_rate: float
    coupled_decay: float = 0.0
    anchor_strength: float = 0.0
    thaw_step: int = 0
    adapts: bool = False


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

    @property
    def acts(self) -> bool:
        """Whether there is something to do after each step."""
        return type(self).after_step is not Policy.after_step

    @abstractmethod
    def embedding_options(self, lr: float) -> GroupOptions | None:
        """Returns the options of the embedding's own parameter group; None leaves it out of the optimiser."""

    def other_options(self) -> GroupOptions:
        """Returns the options of the parameter group that holds everything but the embedding."""
        return {}

    def start(self, embedding: PretrainedEmbedding, seed: int) -> None:
        """Prepares the embedding before the first step: its trainable parameters are those that require a gradient.

        What an earlier policy learned is folded into the rows. ``seed`` names what the policy draws.
        """
        embedding.fold()
        embedding.weight.requires_grad_(True)  # noqa: FBT003
        adaptation = self.new_adaptation(embedding, seed)
        if adaptation is not None:
            stop_gradient(embedding)
            embedding.adaptation = adaptation

    def new_adaptation(self, embedding: PretrainedEmbedding, seed: int) -> Adaptation | None:  # noqa: ARG002
        """Makes what the policy trains in place of the rows of the weight; None: it trains those."""
        return None

    def after_step(  # noqa: B027 - most policies have nothing to do here
        self, embedding: PretrainedEmbedding, group: Mapping[str, Any]
    ) -> None:
        """Acts on the rows after each optimiser step.

        ``group`` is the embedding's, with its present ``lr`` and, under ``steps_taken``, the number of steps so far.
        """

    def after_load(  # noqa: B027 - most policies have nothing to do here
        self, embedding: PretrainedEmbedding, group: Mapping[str, Any]
    ) -> None:
        """Follows a state that the optimiser has loaded; ``group`` as in :meth:`after_step`."""

    def moving_rows(self, embedding: PretrainedEmbedding) -> Tensor | None:  # noqa: ARG002
        """Returns which rows training may move, ``(V,)`` bool; None: all, or none, or something other than rows."""
        return None

    def num_trainable(self, embedding: PretrainedEmbedding, num_rows: int) -> int:
        """Returns how many numbers of the embedding training can change, of a table with so many rows of words."""
        return num_rows * embedding.embedding_dim

    def parameters(self, embedding: PretrainedEmbedding) -> list[nn.Parameter]:
        """Returns the parameters of the embedding that the policy trains, once it has started."""
        return [parameter for parameter in embedding.parameters() if parameter.requires_grad]

    def check_length(self, num_steps: int) -> None:  # noqa: B027 - most policies work at any length
        """Raises :class:`InputError` if the policy would do nothing in a training of at most so many steps."""

    def adam_update(self, lr: float) -> AdamUpdate | None:  # noqa: ARG002
        """Returns what the policy does under Adam at the learning rate ``lr``, as numbers.

        None, where numbers do not say it all: such a policy is trained one model at a time, by :meth:`optimizer`.
        """
        return None

    def adapt_optimizer(self, optimizer_class: type[Optimizer]) -> type[Optimizer]:
        """Returns the class to use; raises :class:`InputError` where the policy cannot keep its word under it."""
        check_optimizer(self.name, optimizer_class)
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
            seed: Master seed of what the policy draws (``scratch`` and ``low-rank`` draw).
            **options: Passed to ``optimizer_class``, for example ``weight_decay``.

        Returns:
            The optimiser, to be stepped as usual.

        Raises:
            InputError: The model holds no pretrained embedding, the policy does not work under that optimiser, or it
                would move nothing.
        """
        optimizer_class = self.adapt_optimizer(optimizer_class)
        # One entry per weight: embeddings may share one, which is then prepared, stepped and acted on once.
        tables: dict[int, PretrainedEmbedding] = {}
        for position, embedding in enumerate(pretrained_embeddings(model)):
            if embedding.max_norm is not None:
                raise InputError(
                    f"Policy {self.name!r} cannot hold for an embedding with max_norm: it rewrites rows as they are "
                    f"read, frozen ones, too. Found max_norm={embedding.max_norm}; set it to None."
                )
            first = tables.setdefault(id(embedding.weight), embedding)
            if first is embedding:
                self.start(embedding, seed_for(seed, "embedding", position))
            else:
                embedding.fold()
                embedding.adaptation = first.adaptation
        embeddings = list(tables.values())
        inside = {id(parameter) for embedding in embeddings for parameter in embedding.parameters()}
        others = [p for p in model.parameters() if id(p) not in inside and p.requires_grad]
        groups: list[dict[str, Any]] = []
        if others:
            groups.append({"params": others, "name": "other", **self.other_options()})
        own = self.embedding_options(lr)
        if own is not None:
            trained = [parameter for embedding in embeddings for parameter in self.parameters(embedding)]
            groups.append({"params": trained, "name": "embedding", **own})
        if not groups:
            raise InputError(
                f"Policy {self.name!r} would train nothing: it keeps the embedding as it is and the model has no other "
                "trainable parameter. Give the model an output layer, or choose a policy that moves the embedding."
            )
        check_parameters(self.name, optimizer_class, [group["params"] for group in groups])
        if not self.acts:
            return optimizer_class(groups, lr=lr, **options)  # type: ignore[call-arg]
        acting: ActingOptimizer = acting_class(optimizer_class)(groups, lr=lr, **options)
        acting.follow(self, embeddings)
        return acting


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


def stop_gradient(embedding: PretrainedEmbedding) -> None:
    """Lets the weight stand still: it takes no gradient, and one left over, by which it would go on, is dropped."""
    embedding.weight.requires_grad_(False)  # noqa: FBT003
    embedding.weight.grad = None


def require_positive(policy: str, **values: float) -> None:
    """Raises :class:`InputError` unless every value is a positive finite number."""
    for knob, value in values.items():
        if not 0 < value < float("inf"):
            raise InputError(f"Policy {policy!r}: {knob} must be a positive finite number, found {value!r}.")


def require_whole(policy: str, *, lowest: int, **values: float) -> None:
    """Raises :class:`InputError` unless every value is a whole number of at least ``lowest``."""
    for knob, value in values.items():
        if not (lowest <= value < float("inf") and value == int(value)):
            raise InputError(f"Policy {policy!r}: {knob} must be a whole number of at least {lowest}, found {value!r}.")
