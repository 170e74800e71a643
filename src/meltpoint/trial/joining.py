"""Tensors of many members brought together."""

from collections.abc import Sequence

import torch
from torch import Tensor


def on_device(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Brings tensors to a device; members that share one go on sharing it."""
    moved = {id(tensor): tensor for tensor in tensors}
    moved = {key: tensor.detach().to(device) for key, tensor in moved.items()}
    return [moved[id(tensor)] for tensor in tensors]


def stack_padded(tensors: Sequence[Tensor], value: float = 0) -> Tensor:
    """Stacks tensors of like dimensions, the smaller ones followed by ``value`` along each axis."""
    first = tensors[0]
    if all(tensor.shape == first.shape for tensor in tensors):
        return torch.stack(list(tensors))
    shape = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    stacked = first.new_full((len(tensors), *shape), value)
    for place, tensor in zip(stacked, tensors, strict=True):
        place[tuple(slice(size) for size in tensor.shape)] = tensor
    return stacked
