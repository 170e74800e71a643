"""Layers whose parameters may carry a leading axis of K members: the same code for one model and for many."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


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
        """Maps features: ``(*K, B, F) -> (*K, B, H)``; features without a member axis are read by every member."""
        if self.weight.ndim == 2:
            return torch.addmm(self.bias, inputs, self.weight)
        shared = inputs if inputs.ndim == 3 else inputs.expand(len(self.weight), *inputs.shape)
        return torch.baddbmm(self.bias.unsqueeze(1), shared, self.weight)


class SharedDropout(nn.Module):
    """Dropout that draws one mask for all members that read the same texts.

    The members are rivals under the same conditions, as they have the same batches: their masks are part of those. A
    mask costs more to draw than a small layer costs to compute.

    Attributes:
        generators: One per source of texts, or None for torch's global generator.
        source_of: ``(K,)`` int64, which of them each member follows; None where there is one.
        num_texts: For each of them, how many texts the batch holds before its padding; None where all fill it. No more
            is drawn than that, so that the masks of a source do not depend on how many texts the others have.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.generators: Sequence[torch.Generator] | None = None
        self.source_of: Tensor | None = None
        self.num_texts: Sequence[int] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Sets a share of the features of ``(*K, B, F)`` to zero and scales the others up, in training only."""
        if not self.training or not self.probability:
            return inputs
        keep = 1 - self.probability
        shape = inputs.shape[-2:]
        if self.generators is None:
            return inputs * torch.empty(shape, device=inputs.device).bernoulli_(keep).div_(keep)
        masks = torch.zeros(len(self.generators), *shape)
        counts = self.num_texts or [len(masks[0])] * len(masks)
        for mask, generator, count in zip(masks, self.generators, counts, strict=True):
            mask[:count].bernoulli_(keep, generator=generator).div_(keep)
        return inputs * (masks[0] if self.source_of is None else masks[self.source_of]).to(inputs)

    def extra_repr(self) -> str:
        """Returns the probability, for printing."""
        return f"p={self.probability}"
