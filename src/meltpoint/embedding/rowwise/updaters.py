"""The row updaters, one for each rule."""

from typing import Any

from torch import Tensor

from meltpoint.embedding.rowwise.rules import AdagradRule, AdamRule, SgdRule
from meltpoint.embedding.rowwise.updater import RowUpdater


class RowAdam(RowUpdater):
    """Adam, or with ``weight_decay`` AdamW, on rows: see :class:`RowUpdater` and :class:`AdamRule`.

    Exact mode stands for ``torch.optim.AdamW`` up to rounding wherever ``sqrt(v)`` is well above ``eps``: the sum over
    the missed steps, ``sum_k w_k / (sqrt(v) + e_k)``, is replaced by one of two terms, which agrees with it in
    value and slope at ``sqrt(v) = 0`` and in the two leading terms for large ``sqrt(v)``.
    """

    def __init__(
        self,
        table: Tensor,
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        **options: Any,
    ) -> None:
        """Starts at step 0. ``options`` are those of :class:`RowUpdater`."""
        super().__init__(table, AdamRule(betas=betas, eps=eps), lr=lr, **options)


class RowSGD(RowUpdater):
    """Stochastic gradient descent on rows: see :class:`RowUpdater` and :class:`SgdRule`."""

    def __init__(
        self, table: Tensor, *, lr: float = 1e-3, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        """Starts at step 0. ``options`` are those of :class:`RowUpdater`."""
        super().__init__(table, SgdRule(momentum=momentum, nesterov=nesterov), lr=lr, **options)


class RowAdagrad(RowUpdater):
    """Adagrad on rows: see :class:`RowUpdater` and :class:`AdagradRule`."""

    def __init__(self, table: Tensor, *, lr: float = 1e-2, eps: float = 1e-10, **options: Any) -> None:
        """Starts at step 0. ``options`` are those of :class:`RowUpdater`."""
        super().__init__(table, AdagradRule(eps=eps), lr=lr, **options)
