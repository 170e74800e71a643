"""The tables of K members, and how training moves their rows: not at all, row by row, all at every step, or adapted."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from meltpoint.embedding import AdamUpdate, Adaptation, PretrainedEmbedding
from meltpoint.trial.dense_adam import StackedAdam
from meltpoint.trial.joining import on_device, stack_padded
from meltpoint.trial.moving_rows import MovingRows


class MemberRows(Protocol):
    """The tables of K members. Rows are asked for by K tensors ``(U_k,)`` of distinct int64, one per member."""

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns rows as they now are, for a training step: ``(K, U, D)``, shorter lists followed by zeros.

        Where the members share a table and the rows, ``(1, U, D)``.
        """

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:
        """Moves the rows by the gradients of what :meth:`gather` returned."""

    def settle(self) -> None:
        """Brings every row up to date with the steps taken so far."""

    def table(self, member: int) -> Tensor:
        """Returns a member's table ``(V, D)`` itself, up to date after :meth:`settle`."""

    def unseen_map(self, member: int) -> Tensor | None:
        """Returns the ``(D, D)`` matrix through which a member reads words outside its table; None: as they are."""

    def remember(self, member: int) -> tuple[Tensor, ...]:
        """Returns a copy of what a member has learned here; nothing where training does not move it."""

    def recall(self, member: int, weights: tuple[Tensor, ...]) -> None:
        """Sets a member to what it had learned."""

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""


def member_rows(
    embeddings: Sequence[PretrainedEmbedding],
    updates: Sequence[AdamUpdate],
    device: torch.device,
    *,
    moving_rows: Sequence[Tensor | None] | None = None,
    adaptations: Sequence[Adaptation | None] = (),
) -> MemberRows:
    """Makes the tables of K members.

    Args:
        embeddings: Where each member starts.
        updates: How each moves: none of them, or all in one manner at rates of their own.
        device: Where the tables are.
        moving_rows: ``(V,)`` bool for each member, the rows that may move; None: all.
        adaptations: For each member what it trains in place of the rows, where the updates say that it does.
    """
    if any(update.adapts for update in updates):
        own = [adaptation for adaptation in adaptations if adaptation is not None]
        return AdaptedRows(embeddings, updates, own, device)
    if not any(update.row_learning_rate for update in updates):
        return FixedRows(embeddings, device)
    if any(update.coupled_decay for update in updates):
        return DecayingRows(embeddings, updates, device)
    return MovingRows(embeddings, updates, device, moving_rows=moving_rows)


class FixedRows:
    """Tables that do not change; members that start from the same embedding share one."""

    def __init__(self, embeddings: Sequence[PretrainedEmbedding], device: torch.device) -> None:
        self._tables = on_device([embedding.weight for embedding in embeddings], device)

    def unseen_map(self, member: int) -> Tensor | None:  # noqa: ARG002
        """Returns None."""
        return None

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns rows, which take no gradient."""
        first = rows[0]
        shared = all(own is first for own in rows) and len({table.data_ptr() for table in self._tables}) == 1
        return self._tables[0][first].unsqueeze(0) if shared else _gather(self._tables, rows)

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:
        """Does nothing."""

    def settle(self) -> None:
        """Does nothing."""

    def table(self, member: int) -> Tensor:
        """Returns a member's table."""
        return self._tables[member]

    def remember(self, member: int) -> tuple[Tensor, ...]:  # noqa: ARG002
        """Returns nothing."""
        return ()

    def recall(self, member: int, weights: tuple[Tensor, ...]) -> None:
        """Does nothing."""

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        self._tables = [self._tables[member] for member in members]


class _OwnRows:
    """A table of its own for each member."""

    def __init__(self, embeddings: Sequence[PretrainedEmbedding], device: torch.device) -> None:
        self._tables = [embedding.table().to(device, copy=True) for embedding in embeddings]
        fixed = [None if e.adaptation is None else e.adaptation.unseen_map() for e in embeddings]
        self._unseen_maps = [None if matrix is None else matrix.to(device) for matrix in fixed]

    def table(self, member: int) -> Tensor:
        """Returns a member's table."""
        return self._tables[member]

    def unseen_map(self, member: int) -> Tensor | None:
        """Returns the map of the policy, which training does not change."""
        return self._unseen_maps[member]

    def remember(self, member: int) -> tuple[Tensor, ...]:
        """Returns a copy of a member's table."""
        return (self._tables[member].clone(),)

    def recall(self, member: int, weights: tuple[Tensor, ...]) -> None:
        """Copies a member's table back."""
        self._tables[member].copy_(weights[0])

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        self._tables = [self._tables[member] for member in members]
        self._unseen_maps = [self._unseen_maps[member] for member in members]


class DecayingRows(_OwnRows):
    """Tables under Adam with coupled decay: every row has a gradient at every step, and none can be left for later."""

    def __init__(
        self, embeddings: Sequence[PretrainedEmbedding], updates: Sequence[AdamUpdate], device: torch.device
    ) -> None:
        super().__init__(embeddings, device)
        self._adams = [
            StackedAdam([table.unsqueeze(0)], [update.row_learning_rate], [update.coupled_decay])
            for table, update in zip(self._tables, updates, strict=True)
        ]
        # Zero but for the rows of the batch, between the beginning and the end of a step.
        self._gradients = [torch.zeros_like(table) for table in self._tables]

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns rows."""
        return _gather(self._tables, rows).requires_grad_()

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:
        """Moves all rows."""
        assert gradients is not None
        for adam, dense, own, gradient in zip(self._adams, self._gradients, rows, gradients, strict=True):
            dense[own] = gradient[: len(own)]
            adam.step([dense.unsqueeze(0)])
            dense[own] = 0

    def settle(self) -> None:
        """Does nothing: every row is up to date at all times."""

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        super().keep(members)
        self._adams = [self._adams[member] for member in members]
        self._gradients = [self._gradients[member] for member in members]


class AdaptedRows:
    """Tables that stand still behind an adaptation of each member's own, which Adam moves.

    Only the rows of a batch are adapted, and the gradient of what came out is led on into the adaptation.
    """

    def __init__(
        self,
        embeddings: Sequence[PretrainedEmbedding],
        updates: Sequence[AdamUpdate],
        adaptations: Sequence[Adaptation],
        device: torch.device,
    ) -> None:
        self._weights = on_device([embedding.weight for embedding in embeddings], device)
        self._adaptations = [adaptation.to(device) for adaptation in adaptations]
        self._adams = [
            torch.optim.Adam(adaptation.parameters(), lr=update.row_learning_rate, fused=True)
            for adaptation, update in zip(self._adaptations, updates, strict=True)
        ]
        self._adapted: list[Tensor] = []
        self._tables: dict[int, Tensor] = {}

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns rows as they are now adapted."""
        self._adapted = [
            adaptation(weight[own], own)
            for adaptation, weight, own in zip(self._adaptations, self._weights, rows, strict=True)
        ]
        return stack_padded([adapted.detach() for adapted in self._adapted]).requires_grad_()

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:  # noqa: ARG002
        """Moves the adaptations."""
        assert gradients is not None
        for adam, adapted, gradient in zip(self._adams, self._adapted, gradients, strict=True):
            adam.zero_grad()
            adapted.backward(gradient[: len(adapted)])  # type: ignore[no-untyped-call]
            adam.step()
        self._adapted = []
        self._tables.clear()

    def settle(self) -> None:
        """Does nothing: tables are made when they are asked for."""

    @torch.no_grad()
    def table(self, member: int) -> Tensor:
        """Returns a member's table as the model reads it, made once after each step."""
        if member not in self._tables:
            weight = self._weights[member]
            self._tables[member] = self._adaptations[member](weight, torch.arange(len(weight), device=weight.device))
        return self._tables[member]

    def unseen_map(self, member: int) -> Tensor | None:
        """Returns what a member has learned for all words."""
        return self._adaptations[member].unseen_map()

    def remember(self, member: int) -> tuple[Tensor, ...]:
        """Copies the parameters of a member's adaptation."""
        return tuple(parameter.detach().clone() for parameter in self._adaptations[member].parameters())

    @torch.no_grad()
    def recall(self, member: int, weights: tuple[Tensor, ...]) -> None:
        """Copies the parameters of a member's adaptation back."""
        for parameter, before in zip(self._adaptations[member].parameters(), weights, strict=True):
            parameter.copy_(before)
        self._tables.pop(member, None)

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        self._weights = [self._weights[member] for member in members]
        self._adaptations = [self._adaptations[member] for member in members]
        self._adams = [self._adams[member] for member in members]
        self._tables.clear()


def _gather(tables: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    gathered = [table.index_select(0, own) for table, own in zip(tables, rows, strict=True)]
    return stack_padded(gathered)
