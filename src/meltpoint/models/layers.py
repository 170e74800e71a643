"""Layers whose parameters may carry a leading axis of K members: the same code for one model and for many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Floats = NDArray[np.float32]


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

    def compute(self, inputs: Floats) -> Floats:
        """Does what :meth:`forward` does, for members, in main memory and outside of autograd.

        Args:
            inputs: ``(K, B, F)``, or ``(1, B, F)`` where all members read the same.

        Returns:
            ``(K, B, H)``.
        """
        from meltpoint.models.layer_loops import map_features  # noqa: PLC0415 - numba, where it is needed

        weights, biases = self.weight.detach().numpy(), self.bias.detach().numpy()
        outputs = np.empty((len(weights), inputs.shape[1], weights.shape[2]), dtype=np.float32)
        map_features(inputs, weights, biases, outputs)
        return outputs

    def backward(self, inputs: Floats, gradient: Floats, *, to_inputs: bool = True) -> Floats | None:
        """Leaves the gradients of the parameters in their ``grad``.

        Args:
            inputs: What :meth:`compute` was given.
            gradient: ``(K, B, H)``, of what it returned.
            to_inputs: Whether the gradient of the inputs is wanted.

        Returns:
            ``(K, B, F)``, or None.
        """
        from meltpoint.models.layer_loops import differentiate_map, lead_back  # noqa: PLC0415

        weights = self.weight.detach().numpy()
        weight_gradient, bias_gradient = np.empty_like(weights), np.empty_like(gradient[:, 0])
        differentiate_map(inputs, gradient, weight_gradient, bias_gradient)
        self.weight.grad, self.bias.grad = torch.from_numpy(weight_gradient), torch.from_numpy(bias_gradient)
        if not to_inputs:
            return None
        onward = np.empty((*gradient.shape[:2], inputs.shape[2]), dtype=np.float32)
        lead_back(gradient, weights, onward)
        return onward


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
        mask = self.mask(inputs, of_tokens=of_tokens)
        return inputs if mask is None else inputs * mask

    def mask(self, inputs: Tensor, *, of_tokens: bool = False) -> Tensor | None:
        """Draws what :meth:`forward` multiplies by; None where nothing is dropped.

        Returns:
            ``(B, F)``, or ``(K, B, F)`` where the members read texts of different sources; with an axis of tokens
            ``(*K, B, 1, F)``.
        """
        if not self.training or not self.probability:
            return None
        masks = self._masks(inputs, inputs.shape[-3 if of_tokens else -2])
        return masks.unsqueeze(-2) if of_tokens else masks

    def _masks(self, inputs: Tensor, num_texts: int) -> Tensor:
        num_features = inputs.shape[-1]
        if self.generators is None:
            return self._draw(num_texts, num_features, None, inputs.device).to(inputs)
        counts = self.num_texts or [num_texts // self.texts_per_row] * len(self.generators)
        drawn = [
            self._draw(count * self.texts_per_row, num_features, generator, generator.device)
            for generator, count in zip(self.generators, counts, strict=True)
        ]
        if self.source_of is None:
            return drawn[0].to(inputs)
        return nn.utils.rnn.pad_sequence(drawn, batch_first=True)[self.source_of].to(inputs)

    def _draw(
        self, num_texts: int, num_features: int, generator: torch.Generator | None, device: torch.device
    ) -> Tensor:
        """Draws a mask ``(num_texts, num_features)``.

        Each number takes 16 bits of a 64-bit draw: the share that is kept is right to 2^-17, at a third of the time of
        ``bernoulli_``, which draws twice as many bits and turns them into uniform numbers.
        """
        keep = 1 - self.probability
        size = num_texts * num_features
        words = torch.empty(-(-size // 4), dtype=torch.int64, device=device).random_(
            -(2**63), None, generator=generator
        )
        lowest_kept = round(self.probability * 2**16) - 2**15
        kept = words.view(torch.int16)[:size] >= lowest_kept
        return kept.view(num_texts, num_features).mul(1 / keep)

    def extra_repr(self) -> str:
        """Returns the probability, for printing."""
        return f"p={self.probability}"


@dataclass(frozen=True, kw_only=True)
class HiddenTrace:
    """A pass through hidden layers.

    Attributes:
        values: The inputs of each layer, and the features that the last one gave.
        masks: For each layer what dropout multiplied by, ``(1, B, H)`` or ``(K, B, H)``.
    """

    values: list[Floats]
    masks: list[Floats]

    @property
    def features(self) -> Floats:
        """``(K, B, H)``; without any layer the inputs themselves."""
        return self.values[-1]


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
    def _affine(self) -> Sequence[Affine]:
        return cast("Sequence[Affine]", self.layers)

    def compute(self, inputs: Floats) -> HiddenTrace:
        """Does what :meth:`forward` does, for members ``(K or 1, B, F)``, and keeps what :meth:`backward` needs."""
        from meltpoint.models.layer_loops import rectify  # noqa: PLC0415 - numba, where it is needed

        values, masks = [inputs], []
        for layer in self._affine:
            outputs = layer.compute(values[-1])
            mask = self.dropout.mask(torch.from_numpy(outputs))
            masks.append(np.ones_like(outputs[:1]) if mask is None else mask.view(-1, *outputs.shape[1:]).numpy())
            rectify(outputs, masks[-1])
            values.append(outputs)
        return HiddenTrace(values=values, masks=masks)

    def backward(self, trace: HiddenTrace, gradient: Floats, *, to_inputs: bool) -> Floats | None:
        """Leaves the gradients of the parameters in their ``grad``.

        Args:
            trace: What :meth:`compute` returned.
            gradient: ``(K, B, H)`` of the features; it is used up.
            to_inputs: Whether the gradient of the inputs is wanted.

        Returns:
            ``(K, B, F)``, or None.
        """
        from meltpoint.models.layer_loops import cut_off  # noqa: PLC0415

        wanted: Floats | None = gradient
        for number in reversed(range(len(self.layers))):
            assert wanted is not None
            cut_off(wanted, trace.values[number + 1], trace.masks[number])
            wanted = self._affine[number].backward(trace.values[number], wanted, to_inputs=to_inputs or number > 0)
        return wanted
