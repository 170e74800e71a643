"""Sums of projected words over windows, and the highest of them: a convolution and its max over time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meltpoint.models.architectures import take_rows, token_mask


@dataclass(frozen=True, kw_only=True)
class Bank:
    """The shape of a bank of convolution filters.

    Attributes:
        widths: Tokens in a window, one entry per kind of filter.
        num_filters: F, filters of each kind.
    """

    widths: tuple[int, ...]
    num_filters: int

    @property
    def first_columns(self) -> tuple[int, ...]:
        """Where each kind's columns of the projection start, and where the last one's end."""
        ends = np.cumsum([width * self.num_filters for width in self.widths])
        return (0, *ends.tolist())


def max_over_windows(table: Tensor, filters: Tensor, ids: Tensor, bank: Bank) -> Tensor:
    """Convolves texts with a bank of filters and takes the highest value of each filter over the windows of a text.

    With ``projected = table @ filters``, ``out[b, w F + f] = max_s sum_j projected[ids[b, s + j], c_w + j F + f]`` over
    the window starts s from ``1 - width`` to the last token: the windows that hold at least one token. Pads (id 0) add
    nothing, wherever they stand.

    Args:
        table: ``(U, D)``, or ``(K, U, D)``, or ``(1, U, D)`` where all members read one.
        filters: ``(D, S)``, or ``(K, D, S)``: the columns are every position of every filter.
        ids: ``(B, T)`` int64, or ``(K, B, T)``; padded with 0 on the right, each text with at least one token.
        bank: The filters.

    Returns:
        ``(B, len(widths) x F)``, or with a leading K.
    """
    compiled = table.device.type == "cpu" and table.dtype == filters.dtype == torch.float32
    # What torch traces, for ONNX or for its compiler, must be made of its own operations; so must what it may round.
    if not compiled or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):
        return _by_tensor_operations(table, filters, ids, bank)
    tables, banks = (each if each.ndim == 3 else each.unsqueeze(0) for each in (table, filters))
    texts = ids if ids.ndim == 3 else ids.unsqueeze(0)
    highest: Tensor = _MaxOverWindows.apply(tables, banks, texts, bank)  # type: ignore[no-untyped-call]
    return highest if table.ndim == 3 or filters.ndim == 3 else highest.squeeze(0)


def sums_around_tokens(projected: Tensor, ids: Tensor, bank: Bank) -> Tensor:
    """Adds up the projections of the words of the window around each token.

    The window of the token at t starts at ``t - width // 2``. Arguments as :func:`max_over_windows` has them.

    Returns:
        ``(B, T, len(widths) x F)``, or with a leading K; what stands at a pad means nothing.
    """
    length = ids.shape[-1]
    outputs = []
    for width, sums in zip(bank.widths, _sums_of_windows(projected, ids, bank), strict=True):
        first = width - 1 - width // 2
        outputs.append(sums[..., first : first + length, :])
    return torch.cat(outputs, dim=-1)


def _by_tensor_operations(table: Tensor, filters: Tensor, ids: Tensor, bank: Bank) -> Tensor:
    """Finds the highest sums with torch alone: for other devices and other precisions."""
    projected = table @ filters
    lengths = token_mask(ids).sum(dim=-1, keepdim=True)
    window = torch.arange(ids.shape[-1] + max(bank.widths) - 1, device=ids.device)
    outputs = []
    for width, sums in zip(bank.widths, _sums_of_windows(projected, ids, bank), strict=True):
        inside = (window[: sums.shape[-2]] < lengths + (width - 1)).unsqueeze(-1)
        outputs.append(sums.masked_fill(~inside, -torch.inf).amax(dim=-2))
    return torch.cat(outputs, dim=-1)


def _sums_of_windows(projected: Tensor, ids: Tensor, bank: Bank) -> Iterator[Tensor]:
    """Yields for each width ``(*K, B, T + width - 1, F)``: the sums of the windows that start from ``1 - width`` on."""
    present = token_mask(ids)
    batch_size, length = ids.shape[-2:]
    for width, (first, last) in zip(bank.widths, pairwise(bank.first_columns), strict=True):
        words = take_rows(projected[..., first:last], ids) * present.unsqueeze(-1)
        words = words.reshape(*words.shape[:-1], width, bank.num_filters)
        sums = words.new_zeros(*words.shape[:-4], batch_size, length + width - 1, bank.num_filters)
        for position in range(width):
            # The word at t stands at this position in the window that starts at t - position.
            start = width - 1 - position
            sums[..., start : start + length, :] += words[..., position, :]
        yield sums


class _MaxOverWindows(torch.autograd.Function):
    """The same in compiled loops: only the window that won is remembered, and only its words get a gradient.

    The gradient by the projection is all but empty: a text has one window for each filter, and dropout cuts off half of
    them. Of 64 texts with 1,500 distinct words one number in fifty is not zero, and to add up what there is takes a
    quarter of the time of the two products of matrices that it stands for; it pays from some 250 distinct words on.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, filters: Tensor, ids: Tensor, bank: Bank) -> Tensor:
        from meltpoint.models.window_loops import find_highest  # noqa: PLC0415 - numba, where it is needed

        projected = (table @ filters).contiguous()
        num_members, batch_size = len(projected), ids.shape[1]
        shape = (num_members, batch_size, len(bank.widths), bank.num_filters)
        highest = projected.new_empty(shape)
        winners = np.empty(shape, dtype=np.int32)
        widths = np.array(bank.widths, dtype=np.int64)
        find_highest(projected.detach().numpy(), ids.contiguous().numpy(), widths, highest.numpy(), winners)
        ctx.save_for_backward(table, filters, ids)
        ctx.winners, ctx.widths = winners, widths
        return highest.flatten(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        from meltpoint.models.window_loops import spread_gradient  # noqa: PLC0415

        table, filters, ids = (saved.detach().contiguous() for saved in ctx.saved_tensors)
        wanted = ctx.needs_input_grad[0]
        of_table = torch.zeros_like(table if wanted else table[:0])
        of_filters = torch.zeros_like(filters)
        spread_gradient(
            gradient.contiguous().view(ctx.winners.shape).numpy(),
            ids.numpy(),
            ctx.widths,
            ctx.winners,
            table.numpy(),
            filters.numpy(),
            of_table.numpy(),
            of_filters.numpy(),
        )
        return of_table if wanted else None, of_filters, None, None
