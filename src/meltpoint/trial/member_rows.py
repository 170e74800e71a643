"""The tables of K members, and how training moves their rows: not at all, row by row, or all of them at every step."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from meltpoint.embedding import AdamUpdate, PretrainedEmbedding
from meltpoint.embedding.rowwise import RowAdam
from meltpoint.trial.dense_adam import StackedAdam


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

    def copy(self, member: int) -> Tensor | None:
        """Returns a copy of a member's table, None where training does not move it."""

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""


def member_rows(
    embeddings: Sequence[PretrainedEmbedding], updates: Sequence[AdamUpdate], device: torch.device
) -> MemberRows:
    """Makes the tables of K members.

    Args:
        embeddings: Where each member starts.
        updates: How each moves: none of them, or all in one manner at rates of their own.
        device: Where the tables are.
    """
    if not any(update.row_learning_rate for update in updates):
        return FixedRows(embeddings, device)
    kind = DecayingRows if any(update.coupled_decay for update in updates) else MovingRows
    return kind(embeddings, updates, device)


class FixedRows:
    """Tables that do not change; members that start from the same embedding share one."""

    def __init__(self, embeddings: Sequence[PretrainedEmbedding], device: torch.device) -> None:
        self._tables = _moved([embedding.weight for embedding in embeddings], device)

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

    def copy(self, member: int) -> Tensor | None:  # noqa: ARG002
        """Returns None."""
        return None

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        self._tables = [self._tables[member] for member in members]


class _OwnRows:
    """A table of its own for each member."""

    def __init__(self, embeddings: Sequence[PretrainedEmbedding], device: torch.device) -> None:
        self._tables = [embedding.weight.detach().to(device, copy=True) for embedding in embeddings]

    def table(self, member: int) -> Tensor:
        """Returns a member's table."""
        return self._tables[member]

    def copy(self, member: int) -> Tensor | None:
        """Returns a copy of a member's table."""
        return self._tables[member].clone()

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        self._tables = [self._tables[member] for member in members]


class MovingRows(_OwnRows):
    """Tables under Adam of which only the rows of a batch are touched; what momentum does to the others is made up for.

    See :mod:`meltpoint.embedding.rowwise` for the mathematics: the result is the dense optimiser's.
    """

    def __init__(
        self, embeddings: Sequence[PretrainedEmbedding], updates: Sequence[AdamUpdate], device: torch.device
    ) -> None:
        super().__init__(embeddings, device)
        anchors = _moved([embedding.pretrained for embedding in embeddings], device)
        self._adams = [
            RowAdam(
                table,
                lr=update.row_learning_rate,
                anchor=anchor if update.anchor_strength else None,
                anchor_strength=update.anchor_strength,
                anchored_rows=embedding.is_pretrained.to(device) if update.anchor_strength else None,
            )
            for table, anchor, embedding, update in zip(self._tables, anchors, embeddings, updates, strict=True)
        ]

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns the rows as the steps so far have made them; the tables themselves follow when they are stepped."""
        read = [adam.read(own) for adam, own in zip(self._adams, rows, strict=True)]
        return stack_padded(read).requires_grad_()

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:
        """Moves the rows of the batch."""
        assert gradients is not None
        for adam, own, gradient in zip(self._adams, rows, gradients, strict=True):
            adam.step(own, gradient[: len(own)])

    def settle(self) -> None:
        """Brings every row up to date."""
        for adam in self._adams:
            adam.flush()

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        super().keep(members)
        self._adams = [self._adams[member] for member in members]


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
        for adam, table, dense, own, gradient in zip(
            self._adams, self._tables, self._gradients, rows, gradients, strict=True
        ):
            dense[own] = gradient[: len(own)]
            adam.step([table.unsqueeze(0)], [dense.unsqueeze(0)])
            dense[own] = 0

    def settle(self) -> None:
        """Does nothing: every row is up to date at all times."""

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        super().keep(members)
        self._adams = [self._adams[member] for member in members]
        self._gradients = [self._gradients[member] for member in members]


def _moved(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Brings tensors to a device; members that share one go on sharing it."""
    moved = {id(tensor): tensor for tensor in tensors}
    moved = {key: tensor.detach().to(device) for key, tensor in moved.items()}
    return [moved[id(tensor)] for tensor in tensors]


def _gather(tables: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    gathered = [table.index_select(0, own) for table, own in zip(tables, rows, strict=True)]
    return stack_padded(gathered)


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
