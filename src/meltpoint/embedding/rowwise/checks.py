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


def check_parts(table: Tensor, part_rates: Tensor | None, strengths: Tensor) -> None:
    """Raises :class:`InputError` unless the columns fall into parts with a rate and a strength for each."""
    if part_rates is None:
        num_parts = 1
    elif part_rates.ndim != 1 or not len(part_rates) or table.shape[1] % len(part_rates):
        raise InputError(
            f"part_rates must be of shape (G,), with G tables of equal width side by side in {table.shape[1]} columns; "
            f"found {tuple(part_rates.shape)}."
        )
    else:
        num_parts = len(part_rates)
    if len(strengths) not in (1, num_parts):
        raise InputError(
            f"anchor_strength must be one number, or one for each of {num_parts} parts; found {len(strengths)}."
        )
    for name, values in (("part_rates", part_rates), ("anchor_strength", strengths)):
        if values is not None and not bool(((values >= 0) & values.isfinite()).all()):
            raise InputError(f"{name} must be finite numbers of at least 0, found {values.tolist()}.")


def check_anchor(
    table: Tensor,
    anchor: Tensor | None,
    anchored_rows: Tensor | None,
    *,
    num_parts: int,
    weight_decay: float,
    is_pulled: bool,
) -> None:
    """Raises :class:`InputError` unless there is one decay at most, and the anchor fits the table."""
    if is_pulled and weight_decay:
        raise InputError("Rows decay toward zero (weight_decay) or toward an anchor (anchor_strength), not both.")
    expected = (len(table), table.shape[1] // num_parts)
    if is_pulled and anchor is None:
        raise InputError("anchor_strength is given, but no anchor for the rows to be pulled to.")
    if anchor is not None and (
        anchor.shape != expected or anchor.dtype != table.dtype or anchor.device != table.device
    ):
        raise InputError(
            f"The anchor must be like the table, {table.dtype} {expected} on {table.device}; "
            f"found {anchor.dtype} {tuple(anchor.shape)} on {anchor.device}."
        )
    if anchor is not None and not anchor.is_contiguous():
        raise InputError("The anchor must be contiguous; pass anchor.contiguous().")
    if anchored_rows is not None and (anchored_rows.shape != table.shape[:1] or anchored_rows.dtype != torch.bool):
        found = f"{anchored_rows.dtype} {tuple(anchored_rows.shape)}"
        raise InputError(f"anchored_rows must be bool of shape ({len(table)},), found {found}.")
