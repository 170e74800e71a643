"""Architectures over an embedding. A new one is one file here and one entry in :data:`ARCHITECTURES`."""

import difflib
import importlib
from typing import cast

from torch import nn

from meltpoint.errors import InputError
from meltpoint.models.architectures import (
    Architecture,
    Builder,
    HandDifferentiated,
    PoolsFirst,
    Stackable,
    TextModel,
    stack_models,
    token_mask,
)
from meltpoint.models.average import AVERAGE, AverageClassifier
from meltpoint.models.cnn import CNN, ConvolutionalClassifier
from meltpoint.models.lstm import LSTM, RecurrentClassifier
from meltpoint.models.readers import RATE_SHARES, Reads, build_reader
from meltpoint.models.transformer import TRANSFORMER, TransformerClassifier

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "AverageClassifier",
    "Builder",
    "ConvolutionalClassifier",
    "HandDifferentiated",
    "PoolsFirst",
    "Reads",
    "RecurrentClassifier",
    "Stackable",
    "TextModel",
    "TransformerClassifier",
    "attends",
    "build_model",
    "build_reader",
    "depth_of",
    "find_architecture",
    "is_own",
    "learning_rates",
    "stack_models",
    "token_mask",
]

ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture for architecture in (AVERAGE, CNN, LSTM, TRANSFORMER)
}
MAX_DEPTH = 16
ATTENTION = "+attention"

# What a study tries for an architecture it knows nothing about.
DEFAULT_LEARNING_RATES = (3e-4, 1e-2)


def find_architecture(written: str) -> tuple[Builder, tuple[float, float]]:
    """Finds an architecture by the way it is written: ``average``, ``average:2``, ``cnn``, ``package.module:name``.

    Args:
        written: Name, with a depth where the architecture has one; or the import path of a callable
            ``(embedding, num_outputs) -> nn.Module``. Either may end in ``+attention`` (:func:`attends`).

    Returns:
        The callable, and the lowest and highest learning rate that a study tries for it.

    Raises:
        InputError: There is no such architecture, module or callable, or the depth is not one.
    """
    name, detail = _name_and_detail(written)
    if name in ARCHITECTURES:
        architecture = ARCHITECTURES[name]
        depth = _depth(architecture, detail)
        return lambda embedding, num_outputs: architecture.build(embedding, num_outputs, depth), (
            architecture.learning_rates
        )
    if detail and not detail.isdecimal() and all(name.split(".")):
        return _import_builder(name, detail), DEFAULT_LEARNING_RATES
    near = difflib.get_close_matches(name, ARCHITECTURES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"No architecture is called {written!r}.{hint} There are: {', '.join(ARCHITECTURES)}; "
        "your own is written package.module:callable; a task of pairs also takes NAME+attention."
    )


def depth_of(written: str) -> tuple[str, int] | None:
    """Returns the family of an architecture and its layers between the word vectors and the output.

    Returns:
        ``("lstm", 3)`` for ``lstm:3``; one layer for an architecture without a depth of its own; None for a user's own.
        Architectures with attention are families of their own.

    Raises:
        InputError: The depth is not one.
    """
    name, detail = _name_and_detail(written)
    if name not in ARCHITECTURES:
        return None
    architecture = ARCHITECTURES[name]
    family = name + ATTENTION if attends(written) else name
    return (family, 1 if architecture.default_depth is None else _depth(architecture, detail))


def is_own(written: str) -> bool:
    """Whether an architecture is a user's own."""
    return _name_and_detail(written)[0] not in ARCHITECTURES


def attends(written: str) -> bool:
    """Whether an architecture compares the words of two texts, too: ``average+attention``, ``lstm:2+attention``."""
    return written.endswith(ATTENTION)


def learning_rates(architecture: str, reads: Reads) -> tuple[float, float]:
    """Returns the lowest and the highest learning rate that a study tries for an architecture and what a task reads."""
    lowest, highest = find_architecture(architecture)[1]
    share = RATE_SHARES[reads]
    return lowest * share, highest * share


def _name_and_detail(written: str) -> tuple[str, str]:
    name, _, detail = written.removesuffix(ATTENTION).partition(":")
    return name, detail


def _depth(architecture: Architecture, detail: str) -> int:
    if not detail:
        return architecture.default_depth or 0
    if architecture.default_depth is None:
        raise InputError(f"Architecture {architecture.name!r} has no depth; write it without ':{detail}'.")
    if not detail.isdecimal() or not architecture.least_depth <= int(detail) <= MAX_DEPTH:
        raise InputError(
            f"The depth of {architecture.name!r} is a number from {architecture.least_depth} to {MAX_DEPTH}, as in "
            f"{architecture.name}:2; found {detail!r}."
        )
    return int(detail)


def _import_builder(module_name: str, attribute: str) -> Builder:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"Cannot import the module of --architecture {module_name}:{attribute}: {error}. It must be importable "
            "where meltpoint runs (installed, or in a folder on PYTHONPATH)."
        ) from error
    except Exception as error:
        # Anything may happen in the user's own code; where, the traceback says (--traceback).
        raise InputError(
            f"The module of --architecture {module_name}:{attribute} fails when it is imported: "
            f"{type(error).__name__}: {error}."
        ) from error
    builder = getattr(module, attribute, None)
    if not callable(builder):
        raise InputError(
            f"--architecture {module_name}:{attribute}: the module {module_name} has no callable {attribute!r}. "
            "It must be a callable (embedding, num_outputs) -> nn.Module."
        )
    return cast("Builder", builder)


def build_model(architecture: str, embedding: nn.Embedding, num_outputs: int, *, reads: Reads = "text") -> nn.Module:
    """Builds the architecture that is written so over an embedding, for what the task reads (:func:`build_reader`)."""
    builder, _ = find_architecture(architecture)

    def checked(embedding: nn.Embedding, num_outputs: int) -> nn.Module:
        return _checked(architecture, builder(embedding, num_outputs))

    return build_reader(checked, embedding, num_outputs, reads=reads, attends=attends(architecture))


def _checked(architecture: str, model: object) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise InputError(f"Architecture {architecture!r} must return an nn.Module, it returned {type(model).__name__}.")
    return model
