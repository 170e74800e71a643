"""Tables of members of which only the rows of a batch are touched."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from meltpoint.embedding import AdamUpdate, PretrainedEmbedding
from meltpoint.embedding.rowwise import RowAdam


@dataclass(frozen=True, kw_only=True)
class _Manner:
    """What members must have in common to stand in one table.

    Attributes:
        embedding: The identity of where they start: those that start together read the same rows.
        thaw_step: The first step that moves their rows.
        moving_rows: Which rows move, as bytes; None: all.
        is_pulled: Whether an anchor pulls its rows; how strongly may be each member's own.
    """

    embedding: int
    thaw_step: int
    moving_rows: bytes | None
    is_pulled: bool


class _Block:
    """The tables of G members side by side in one, ``(V, G D)``: a row of it holds that row of each member.

    What rows have missed is counted once for all of them, and memory is read in longer runs.
    """

    def __init__(
        self,
        members: Sequence[int],
        embedding: PretrainedEmbedding,
        updates: Sequence[AdamUpdate],
        moving: Tensor | None,
        device: torch.device,
    ) -> None:
        self.members = list(members)
        self.thaw_step = updates[0].thaw_step
        self._dim = embedding.embedding_dim
        self._moving = None if moving is None else moving.to(device)
        table = embedding.table().to(device).repeat(1, len(members))
        self._adam = RowAdam(
            table,
            lr=1.0,
            part_rates=torch.tensor([update.row_learning_rate for update in updates], dtype=torch.float64),
            anchor=embedding.pretrained.to(device),
            anchor_strength=torch.tensor([update.anchor_strength for update in updates], dtype=torch.float64),
            anchored_rows=embedding.is_pretrained.to(device),
        )
        # Nearly all rows occur: those of the table are the words of the training texts.
        self._adam.make_room(len(table))

    @property
    def where(self) -> slice | list[int]:
        """The place of the members among all: a slice, which copies nothing, where they stand in a row."""
        first, last = self.members[0], self.members[-1] + 1
        return slice(first, last) if self.members == list(range(first, last)) else self.members

    def read(self, rows: Tensor) -> Tensor:
        """Returns what rows ``(U,)`` are by now, ``(U, G, D)``."""
        return self._adam.read(rows).view(len(rows), len(self.members), self._dim)

    def step(self, rows: Tensor, weights: Tensor, gradients: Tensor) -> None:
        """Moves rows ``(U,)`` from what was read, ``(U, G, D)``, by gradients ``(U, G, D)``."""
        present, slopes = weights.reshape(len(rows), -1), gradients.reshape(len(rows), -1)
        if self._moving is None:
            self._adam.step(rows, slopes, weights=present)
        else:
            may_move = self._moving[rows]
            self._adam.step(rows[may_move], slopes[may_move], weights=present[may_move])

    def flush(self) -> None:
        """Brings every row up to date."""
        self._adam.flush()

    def table(self, place: int) -> Tensor:
        """Returns the table ``(V, D)`` of the member at this place: a part of the block's."""
        return self._adam.table.view(-1, len(self.members), self._dim)[:, place]

    def keep(self, members: Sequence[int]) -> None:
        """Goes on with these members, by their numbers so far, which are numbered anew by their place in the list."""
        staying = [
            (number, self.members.index(member)) for number, member in enumerate(members) if member in self.members
        ]
        places = torch.tensor([place for _, place in staying], dtype=torch.int64)
        if staying and places.tolist() != list(range(len(self.members))):
            self._adam.keep_parts(places)
        self.members = [number for number, _ in staying]


class MovingRows:
    """Tables under Adam of which only the rows of a batch are touched; what momentum does to the others is made up for.

    See :mod:`meltpoint.embedding.rowwise` for the mathematics: the result is the dense optimiser's.
    """

    def __init__(
        self,
        embeddings: Sequence[PretrainedEmbedding],
        updates: Sequence[AdamUpdate],
        device: torch.device,
        *,
        moving_rows: Sequence[Tensor | None] | None = None,
    ) -> None:
        moving = [None] * len(embeddings) if moving_rows is None else list(moving_rows)
        groups: dict[_Manner, list[int]] = {}
        for member, (embedding, update, chosen) in enumerate(zip(embeddings, updates, moving, strict=True)):
            manner = _Manner(
                embedding=id(embedding),
                thaw_step=update.thaw_step,
                moving_rows=None if chosen is None else chosen.cpu().numpy().tobytes(),
                is_pulled=bool(update.anchor_strength),
            )
            groups.setdefault(manner, []).append(member)
        self._blocks = [
            _Block(group, embeddings[group[0]], [updates[member] for member in group], moving[group[0]], device)
            for group in groups.values()
        ]
        fixed = [None if e.adaptation is None else e.adaptation.unseen_map() for e in embeddings]
        self._unseen_maps = [None if matrix is None else matrix.to(device) for matrix in fixed]
        self._steps_taken = 0
        self._read: list[Tensor] = []

    def gather(self, rows: Sequence[Tensor]) -> Tensor:
        """Returns the rows as the steps so far have made them."""
        self._read = [block.read(rows[block.members[0]]) for block in self._blocks]
        gathered = self._read[0]
        if len(self._read) > 1:
            gathered = gathered.new_zeros(max(len(own) for own in rows), len(rows), gathered.shape[-1])
            for block, own in zip(self._blocks, self._read, strict=True):
                gathered[: len(own), block.where] = own
        return gathered.transpose(0, 1).requires_grad_()

    def step(self, rows: Sequence[Tensor], gradients: Tensor | None) -> None:
        """Moves the rows of the batch."""
        assert gradients is not None
        for block, read in zip(self._blocks, self._read, strict=True):
            if self._steps_taken < block.thaw_step:
                continue
            own = rows[block.members[0]]
            block.step(own, read, gradients[block.where, : len(own)].transpose(0, 1))
        self._read = []
        self._steps_taken += 1

    def settle(self) -> None:
        """Brings every row up to date."""
        for block in self._blocks:
            block.flush()

    def table(self, member: int) -> Tensor:
        """Returns a member's table."""
        block = next(block for block in self._blocks if member in block.members)
        return block.table(block.members.index(member))

    def unseen_map(self, member: int) -> Tensor | None:
        """Returns the map of the policy, which training does not change."""
        return self._unseen_maps[member]

    def remember(self, member: int) -> tuple[Tensor, ...]:
        """Returns a copy of a member's table."""
        return (self.table(member).contiguous().clone(),)

    def recall(self, member: int, weights: tuple[Tensor, ...]) -> None:
        """Copies a member's table back."""
        self.table(member).copy_(weights[0])

    def keep(self, members: Sequence[int]) -> None:
        """Forgets all but these members."""
        for block in self._blocks:
            block.keep(members)
        self._blocks = [block for block in self._blocks if block.members]
        self._unseen_maps = [self._unseen_maps[member] for member in members]
