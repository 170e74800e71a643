"""What a row updater is given, looked at before anything is done with it."""

from typing import Literal

import torch
from torch import Tensor

from meltpoint.errors import InputError

Mode = Literal["exact", "lazy"]
MODES = ("exact", "lazy")


def check_options(table: Tensor, *, mode: str, **values: float) -> None:
    """Raises :class:`InputError` unless the table can be stepped by rows and every value is in range."""
    if table.ndim != 2 or not table.is_floating_point() or not table.is_contiguous() or not table.numel():
        found = f"{table.dtype} {tuple(table.shape)}{'' if table.is_contiguous() else ', not contiguous'}"
        raise InputError(f"The table must be a contiguous floating tensor of shape (V, D), found {found}.")
    if mode not in MODES:
        raise InputError(f"mode must be one of {', '.join(MODES)}, found {mode!r}.")
    for name, value in values.items():
        if not 0 <= value < float("inf"):
            raise InputError(f"{name} must be a finite number of at least 0, found {value!r}.")


def check_column_rates(table: Tensor, column_rates: Tensor | None, *, decays: bool) -> None:
    """Raises :class:`InputError` unless there is a rate for each column, and no decay, which is one number a row."""
    if column_rates is None:
        return
    if decays:
        raise InputError("Columns have rates of their own (column_rates), or rows decay, not both.")
    if column_rates.shape != table.shape[1:] or not column_rates.is_floating_point():
        raise InputError(
            f"column_rates must be floating, of shape ({table.shape[1]},), one for each column of the table; found "
            f"{column_rates.dtype} {tuple(column_rates.shape)}."
        )


def check_anchor(
    table: Tensor, anchor: Tensor | None, anchored_rows: Tensor | None, *, weight_decay: float, anchor_strength: float
) -> None:
    """Raises :class:`InputError` unless there is one decay at most, and the anchor fits the table."""
    if anchor_strength and weight_decay:
        raise InputError("Rows decay toward zero (weight_decay) or toward an anchor (anchor_strength), not both.")
    if anchor_strength and anchor is None:
        raise InputError("anchor_strength is given, but no anchor for the rows to be pulled to.")
    if anchor is not None and (
        anchor.shape != table.shape or anchor.dtype != table.dtype or anchor.device != table.device
    ):
        raise InputError(
            f"The anchor must be like the table, {table.dtype} {tuple(table.shape)} on {table.device}; "
            f"found {anchor.dtype} {tuple(anchor.shape)} on {anchor.device}."
        )
    if anchor is not None and not anchor.is_contiguous():
        raise InputError("The anchor must be contiguous; pass anchor.contiguous().")
    if anchored_rows is not None and (anchored_rows.shape != table.shape[:1] or anchored_rows.dtype != torch.bool):
        found = f"{anchored_rows.dtype} {tuple(anchored_rows.shape)}"
        raise InputError(f"anchored_rows must be bool of shape ({len(table)},), found {found}.")
