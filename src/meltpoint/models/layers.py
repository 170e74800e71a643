"""Layers whose parameters may carry a leading axis of K members: the same code for one model and for many."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Affine(nn.Module):
    """``x @ weight + bias``: ``(*K, B, F) -> (*K, B, H)``, initialised as ``nn.Linear`` is.

    Attributes:
        weight: ``(*K, F, H)``.
        bias: ``(*K, H)``.
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        bound = num_inputs**-0.5
        self.weight = nn.Parameter(torch.empty(num_inputs, num_outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_outputs).uniform_(-bound, bound))

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps features: ``(*K, ..., F) -> (*K, ..., H)``.

        With members there are at least three axes, of which the first is theirs: of size 1, or left out of ``(B, F)``,
        where all of them read the same features.
        """
        if self.weight.ndim == 2:
            return functional.linear(inputs, self.weight.T, self.bias)
        members = inputs if inputs.ndim > 2 else inputs.unsqueeze(0)
        shape = members.shape[1:-1]
        flat = members.flatten(1, -2).expand(len(self.weight), -1, -1)
        return torch.baddbmm(self.bias.unsqueeze(1), flat, self.weight).view(len(self.weight), *shape, -1)


class Normalization(nn.Module):
    """``nn.LayerNorm`` over the features, with members.

    Attributes:
        weight: ``(*K, F)``.
        bias: ``(*K, F)``.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalises the features of tokens: ``(*K, B, T, F) -> (*K, B, T, F)``."""
        weight, bias = (parameter.unsqueeze(-2).unsqueeze(-2) for parameter in (self.weight, self.bias))
        return functional.layer_norm(inputs, inputs.shape[-1:]) * weight + bias


class SharedDropout(nn.Module):
    """Dropout that draws one mask for all members that read the same texts.

    The members are rivals under the same conditions, as they have the same batches: their masks are part of those. A
    mask costs more to draw than a small layer costs to compute.

    Attributes:
        generators: One per source of texts, or None for torch's global generator.
        source_of: ``(K,)`` int64, which of them each member follows; None where there is one.
        num_texts: For each of them, how many texts the batch holds before its padding; None where all fill it. No more
            is drawn than that, so that the masks of a source do not depend on how many texts the others have.
        texts_per_row: How many texts there are for each of those: 2 in the encoder of a model of pairs.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.generators: Sequence[torch.Generator] | None = None
        self.source_of: Tensor | None = None
        self.num_texts: Sequence[int] | None = None
        self.texts_per_row = 1

    def forward(self, inputs: Tensor, *, of_tokens: bool = False) -> Tensor:
        """Sets a share of the features to zero and scales the others up, in training only.

        Args:
            inputs: ``(*K, B, F)``, or ``(*K, B, T, F)`` features of tokens.
            of_tokens: Whether there is an axis of tokens. All tokens of a text then lose the same features (Gal &
                Ghahramani, NIPS 2016): what is drawn for a text does not depend on the width of its batch.
        """
        if not self.training or not self.probability:
            return inputs
        masks = self._masks(inputs, inputs.shape[-3 if of_tokens else -2])
        return inputs * (masks.unsqueeze(-2) if of_tokens else masks)

    def _masks(self, inputs: Tensor, num_texts: int) -> Tensor:
        """Draws ``(B, F)``, or ``(K, B, F)`` where the members read texts of different sources."""
        keep = 1 - self.probability
        shape = (num_texts, inputs.shape[-1])
        if self.generators is None:
            return torch.empty(shape, device=inputs.device).bernoulli_(keep).div_(keep)
        masks = torch.zeros(len(self.generators), *shape)
        counts = self.num_texts or [len(masks[0])] * len(masks)
        for mask, generator, count in zip(masks, self.generators, counts, strict=True):
            mask[: count * self.texts_per_row].bernoulli_(keep, generator=generator).div_(keep)
        return (masks[0] if self.source_of is None else masks[self.source_of]).to(inputs)

    def extra_repr(self) -> str:
        """Returns the probability, for printing."""
        return f"p={self.probability}"


class HiddenLayers(nn.Module):
    """Layers of ``Affine``, ReLU and dropout, one after another; with none of them, nothing happens.

    Attributes:
        layers: The affine maps.
        num_features: H, of the last layer.
    """

    def __init__(self, num_inputs: int, num_features: int, *, depth: int, dropout: float) -> None:
        super().__init__()
        sizes = [num_inputs, *[num_features] * depth]
        self.layers = nn.ModuleList(Affine(size, num_features) for size in sizes[:-1])
        self.dropout = SharedDropout(dropout)
        self.num_features = sizes[-1]

    def forward(self, inputs: Tensor, *, of_tokens: bool = False) -> Tensor:
        """Maps features ``(*K, B, F) -> (*K, B, H)``, or those of tokens ``(*K, B, T, F) -> (*K, B, T, H)``."""
        for layer in self.layers:
            inputs = self.dropout(functional.relu(layer(inputs)), of_tokens=of_tokens)
        return inputs
