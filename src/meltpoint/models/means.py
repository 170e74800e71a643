"""Means over the words of texts, and the way back: compiled loops over float32 in main memory, else torch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from meltpoint.models.architectures import take_rows, token_mask
from meltpoint.text import NumberedTexts


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


def mean_over_stretches(table: Tensor, texts: NumberedTexts) -> Tensor:
    """Averages the rows ``(U, D)`` of each text where its words stand: no batch is padded, nothing is gathered.

    For use, not for training: there is no way back.

    Args:
        table: In main memory.
        texts: Each of at least one word.

    Returns:
        ``(B, D)``.
    """
    if table.dtype != torch.float32:
        return mean_over_words(table, torch.from_numpy(texts.padded()))
    from meltpoint.models.mean_loops import mean_stretches  # noqa: PLC0415 - numba, where it is needed

    means = table.new_empty(len(texts.lengths), table.shape[1])
    mean_stretches(table.detach().contiguous().numpy(), texts.numbers, texts.starts, texts.lengths, means.numpy())
    return means


def spread_over_words(gradient: Tensor, ids: Tensor, num_rows: int) -> Tensor:
    """Turns the gradient of means into that of the tables.

    Args:
        gradient: ``(K, B, D)`` float32, in main memory.
        ids: ``(B, T)`` or ``(K, B, T)``, those that were averaged.
        num_rows: U.

    Returns:
        ``(K, U, D)``, a row of all members in one piece; the pad row has zeros.
    """
    from meltpoint.models.mean_loops import spread_means  # noqa: PLC0415 - numba, where it is needed

    num_members, num_texts, dim = gradient.shape
    spread = gradient.new_empty(num_rows, num_members, dim)
    texts = _texts(ids)
    by_text = gradient.transpose(0, 1).contiguous()
    spread_means(by_text.view(num_texts, len(texts), -1).numpy(), texts, spread.view(num_rows, len(texts), -1).numpy())
    return spread.transpose(0, 1)


class _MeanOverWords(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
        from meltpoint.models.mean_loops import mean_rows  # noqa: PLC0415 - numba, where it is needed

        # Members that read the same texts are read in one go: a row of all of them stands in one piece.
        texts, words = _texts(ids), table.detach().transpose(0, 1).contiguous()
        num_rows, num_tables, dim = words.shape
        num_members, num_texts = max(num_tables, len(texts)), texts.shape[1]
        means = table.new_empty(num_texts, num_members, dim)
        words = words.view(num_rows, 1, -1) if len(texts) == 1 else words
        mean_rows(words.numpy(), texts, means.view(num_texts, len(texts), -1).numpy())
        means = means.transpose(0, 1)
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
