"""Layers whose parameters may carry a leading axis of K members: the same code for one model and for many."""

from collections.abc import Sequence
from typing import cast

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
        num_texts, num_features = inputs.shape[-3 if of_tokens else -2], inputs.shape[-1]
        kept = self.draw(num_texts, num_features, inputs.device)
        if kept is None:
            return inputs
        mask = kept.mul(self.scale).to(inputs.dtype)
        return inputs * (mask.unsqueeze(-2) if of_tokens else mask)

    @property
    def scale(self) -> float:
        """What the features that are kept are multiplied by."""
        return 1 / (1 - self.probability)

    def draw(self, num_texts: int, num_features: int, device: torch.device) -> Tensor | None:
        """Draws which features are kept, for :meth:`forward` or who does its work; None where all of them are.

        Returns:
            ``(B, F)`` bool, or ``(K, B, F)`` where the members read texts of different sources.
        """
        if not self.training or not self.probability:
            return None
        if self.generators is None:
            return self._draw(num_texts, num_features, None, device)
        counts = self.num_texts or [num_texts // self.texts_per_row] * len(self.generators)
        drawn = [
            self._draw(count * self.texts_per_row, num_features, generator, generator.device)
            for generator, count in zip(self.generators, counts, strict=True)
        ]
        if self.source_of is None:
            return drawn[0].to(device)
        return nn.utils.rnn.pad_sequence(drawn, batch_first=True)[self.source_of].to(device)

    def _draw(
        self, num_texts: int, num_features: int, generator: torch.Generator | None, device: torch.device
    ) -> Tensor:
        """Draws for one source, ``(num_texts, num_features)``.

        Each number takes 16 bits of a 64-bit draw: the share that is kept is right to 2^-17, at a third of the time of
        ``bernoulli_``, which draws twice as many bits and turns them into uniform numbers.
        """
        size = num_texts * num_features
        words = torch.empty(-(-size // 4), dtype=torch.int64, device=device).random_(
            -(2**63), None, generator=generator
        )
        lowest_kept = round(self.probability * 2**16) - 2**15
        return (words.view(torch.int16)[:size] >= lowest_kept).view(num_texts, num_features)

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

    @property
    def affine(self) -> Sequence[Affine]:
        """The layers, as what they are."""
        return cast("Sequence[Affine]", self.layers)
