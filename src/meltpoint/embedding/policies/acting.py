"""Optimisers that let a policy act after each of their steps, whatever becomes of them: saved, loaded or copied."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from torch.optim import Optimizer

from meltpoint.embedding.table import PretrainedEmbedding


class Acts(Protocol):
    """What acts."""

    def after_step(self, embedding: PretrainedEmbedding, group: Mapping[str, Any]) -> None:
        """Acts on an embedding after a step."""

    def after_load(self, embedding: PretrainedEmbedding, group: Mapping[str, Any]) -> None:
        """Follows a state that was loaded."""


class ActingOptimizer(Optimizer):
    """Mixed into a class of ``torch.optim`` by :func:`acting_class`.

    A hook on an optimiser is lost when it is copied (``copy.deepcopy``) or pickled: the copy would go on, silently
    without the policy. Here policy and embeddings are part of the optimiser, and are copied with its parameters. The
    number of steps is kept in the embedding's parameter group, so that ``state_dict`` holds it.
    """

    plain_class: type[Optimizer]
    _policy: Acts
    _embeddings: Sequence[PretrainedEmbedding]

    def follow(self, policy: Acts, embeddings: Sequence[PretrainedEmbedding]) -> None:
        """Lets the policy act on these embeddings from now on."""
        self._policy, self._embeddings = policy, embeddings
        self._group.setdefault("steps_taken", 0)
        self.register_step_post_hook(_act)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads a state, and lets the policy follow it."""
        super().load_state_dict(state_dict)
        self._group.setdefault("steps_taken", 0)
        for embedding in self._embeddings:
            self._policy.after_load(embedding, self._group)

    @property
    def _group(self) -> dict[str, Any]:
        # Looked up each time: load_state_dict replaces the groups.
        return next(group for group in self.param_groups if group["name"] == "embedding")

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy is made from."""
        return {**super().__getstate__(), "_policy": self._policy, "_embeddings": self._embeddings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes over what a copy is made from."""
        # Loading a state_dict comes by here, too: then the hook is there already.
        is_new = "_policy" not in self.__dict__
        super().__setstate__(state)
        if is_new:
            self.register_step_post_hook(_act)

    def __reduce_ex__(self, protocol: object) -> tuple[Callable[..., Any], tuple[type[Optimizer]], dict[str, Any]]:
        """Says how to make a copy: the class has no name to be found by, but the class that it extends has."""
        return _new, (self.plain_class,), self.__getstate__()


_ACTING: dict[type[Optimizer], type[ActingOptimizer]] = {}


def acting_class(plain_class: type[Optimizer]) -> Any:
    """Returns the subclass of an optimiser's class that lets a policy act: always the same one."""
    if plain_class not in _ACTING:
        body = {"plain_class": plain_class, "__doc__": plain_class.__doc__}
        _ACTING[plain_class] = type(plain_class.__name__, (ActingOptimizer, plain_class), body)
    return _ACTING[plain_class]


def _new(plain_class: type[Optimizer]) -> Any:
    made = acting_class(plain_class)
    return made.__new__(made)


def _act(optimizer: Optimizer, args: object, kwargs: object) -> None:  # noqa: ARG001
    assert isinstance(optimizer, ActingOptimizer)
    group = optimizer._group
    group["steps_taken"] += 1
    for embedding in optimizer._embeddings:
        optimizer._policy.after_step(embedding, group)
