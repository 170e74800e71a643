"""Losses over outputs that may have a leading axis of K members."""

import torch
from torch import Tensor
from torch.nn import functional

from meltpoint.text import NO_LABEL


def cross_entropy(scores: Tensor, labels: Tensor, *, num_axes: int) -> Tensor:
    """Returns the mean cross-entropy over all labels but ``NO_LABEL``.

    Args:
        scores: ``(B, .., C)``, or ``(K, B, .., C)``.
        labels: ``(B, ..)``, or ``(K, B, ..)``.
        num_axes: Axes of the scores without members.

    Returns:
        A number, or ``(K,)``.
    """
    if scores.ndim == num_axes:
        return functional.cross_entropy(scores.flatten(0, -2), labels.flatten(), ignore_index=NO_LABEL)
    labels = labels.expand(scores.shape[:-1])
    losses = functional.cross_entropy(scores.flatten(0, -2), labels.flatten(), ignore_index=NO_LABEL, reduction="none")
    return losses.view(len(scores), -1).sum(dim=1) / (labels != NO_LABEL).flatten(1).sum(dim=1)


def cross_entropy_gradient(scores: Tensor, labels: Tensor) -> Tensor:
    """Returns the gradient of :func:`cross_entropy`, summed over the members, by the scores.

    It takes one loop: what torch does in eight operations on so few numbers is nearly all overhead.

    Args:
        scores: ``(K, B, C)`` float32, in main memory.
        labels: ``(B,)`` or ``(K, B)``.
    """
    from meltpoint.tasks.loss_loops import fill_cross_entropy_gradient  # noqa: PLC0415 - numba, where it is needed

    gradient = torch.empty_like(scores)
    expanded = labels.expand(scores.shape[:-1])
    fill_cross_entropy_gradient(scores.detach().contiguous().numpy(), expanded.numpy(), NO_LABEL, gradient.numpy())
    return gradient


def total_cross_entropy(scores: Tensor, labels: Tensor) -> tuple[float, int]:
    """Returns the summed cross-entropy of ``(B, .., C)`` and of how many labels; ``NO_LABEL`` does not count."""
    total = functional.cross_entropy(scores.flatten(0, -2), labels.flatten(), ignore_index=NO_LABEL, reduction="sum")
    return float(total), int((labels != NO_LABEL).sum())


def binary_cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Returns the binary cross-entropy, summed over the outputs of a row and averaged over rows.

    Args:
        scores: Logits ``(B, C)``, or ``(K, B, C)``.
        labels: 0 and 1, ``(B, C)`` or ``(K, B, C)``; rows of ``NO_LABEL`` do not count.

    Returns:
        A number, or ``(K,)``.
    """
    known = labels[..., 0] != NO_LABEL
    targets = labels.clamp(min=0).to(scores.dtype).expand(scores.shape)
    losses = functional.binary_cross_entropy_with_logits(scores, targets, reduction="none").sum(dim=-1)
    return (losses * known).sum(dim=-1) / known.sum(dim=-1)


def total_binary_cross_entropy(scores: Tensor, labels: Tensor) -> tuple[float, int]:
    """Returns the summed loss of ``(B, C)``, and B."""
    with torch.no_grad():
        total = functional.binary_cross_entropy_with_logits(scores, labels.to(scores.dtype), reduction="sum")
    return float(total), len(scores)
