"""Means over the words of texts, and the way back: compiled loops over float32 in main memory, else torch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from meltpoint.models.architectures import take_rows, token_mask


def mean_over_words(table: Tensor, ids: Tensor) -> Tensor:
    """Averages the rows of each text; a text without a token has zeros.

    Args:
        table: ``(U, D)`` or ``(K, U, D)``.
        ids: ``(B, T)`` int64, or ``(K, B, T)``; 0 is padding.

    Returns:
        ``(B, D)``, or with a leading K.
    """
    # What torch traces, for ONNX or for its compiler, must be made of its own operations.
    compiled = table.device.type == "cpu" and table.dtype == torch.float32
    if not compiled or torch.compiler.is_compiling():
        return _by_tensor_operations(table, ids)
    members = table if table.ndim == 3 else table.unsqueeze(0)
    means: Tensor = _MeanOverWords.apply(members, ids)  # type: ignore[no-untyped-call]
    return means if table.ndim == 3 or ids.ndim == 3 else means.squeeze(0)


def spread_over_words(gradient: Tensor, ids: Tensor, num_rows: int) -> Tensor:
    """Turns the gradient of means into that of the tables.

    Args:
        gradient: ``(K, B, D)`` float32, in main memory.
        ids: ``(B, T)`` or ``(K, B, T)``, those that were averaged.
        num_rows: U.

    Returns:
        ``(K, U, D)``; the pad row has zeros.
    """
    from meltpoint.models.mean_loops import spread_means  # noqa: PLC0415 - numba, where it is needed

    spread = gradient.new_zeros(len(gradient), num_rows, gradient.shape[-1])
    spread_means(gradient.contiguous().numpy(), _texts(ids), spread.numpy())
    return spread


class _MeanOverWords(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
        from meltpoint.models.mean_loops import mean_rows  # noqa: PLC0415 - numba, where it is needed

        texts = _texts(ids)
        means = table.new_empty(max(len(table), len(texts)), texts.shape[1], table.shape[-1])
        mean_rows(table.detach().contiguous().numpy(), texts, means.numpy())
        ctx.save_for_backward(ids)
        ctx.table_shape = table.shape
        return means

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (ids,) = ctx.saved_tensors
        num_members, num_rows, _ = ctx.table_shape
        spread = spread_over_words(gradient, ids, num_rows)
        return (spread if num_members > 1 else spread.sum(dim=0, keepdim=True)), None


def _by_tensor_operations(table: Tensor, ids: Tensor) -> Tensor:
    weights = _shares(ids).to(table.dtype)
    if table.ndim == 2 and ids.ndim == 2:
        bagged: Tensor = functional.embedding_bag(ids, table, per_sample_weights=weights, mode="sum")
        return bagged
    return (take_rows(table, ids) * weights.unsqueeze(-1)).sum(dim=-2)


def _shares(ids: Tensor) -> Tensor:
    """Returns what each position has in the mean of its text, in the shape of the ids."""
    mask = token_mask(ids)
    return mask / mask.sum(dim=-1, keepdim=True).clamp(min=1)


def _texts(ids: Tensor) -> Any:
    return (ids if ids.ndim == 3 else ids.unsqueeze(0)).contiguous().numpy()
