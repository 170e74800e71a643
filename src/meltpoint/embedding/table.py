"""The embedding table: a real ``nn.Embedding`` aligned to a vocabulary, which remembers where it started."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.unknown import unknown_initialiser
from meltpoint.errors import InputError
from meltpoint.randomness import Generator, generator
from meltpoint.text import Coverage, Vocabulary, measure_coverage
from meltpoint.vectors import Vectors

PADDING_INDEX = 0
UNKNOWN_INDEX = 1


class PretrainedEmbedding(nn.Embedding):
    """An ``nn.Embedding`` (V rows, D dimensions) that keeps its starting rows apart from its weight.

    ``nn.Embedding.from_pretrained`` aliases its input: fine-tuning then also changes what was meant to be the
    pretrained copy, so that drift and an anchor read zero. Here both tensors are copies of their own.

    A policy that learns something other than rows keeps it in :attr:`adaptation`; :meth:`table` then says what the
    model reads, and :meth:`fold` makes a plain table of it.

    Attributes:
        pretrained: ``(V, D)`` float32 buffer, the rows as they started: the pretrained vector where
            ``is_pretrained``, the initialisation elsewhere. Not part of ``state_dict`` (it would double every
            checkpoint, and is rebuilt from the vectors).
        is_pretrained: ``(V,)`` bool buffer, which rows came from the vectors.
        vocabulary: The words of the rows, where the table was built from a vocabulary.
        coverage: How much of the vocabulary the vectors knew, where it was measured.
        counts: ``(V,)`` int64, how often each word occurs in training, where that is known.
        adaptation: What the model reads in place of the rows of the weight; None: those rows.
        unseen_map: ``(D, D)`` buffer or None: takes the pretrained row of a word outside the table to where the model
            reads it (:meth:`map_unseen`). Part of ``state_dict`` where it is there.
    """

    pretrained: Tensor
    is_pretrained: Tensor
    adaptation: Adaptation | None
    unseen_map: Tensor | None

    def __init__(
        self,
        rows: Tensor,
        is_pretrained: Tensor,
        *,
        vocabulary: Vocabulary | None = None,
        coverage: Coverage | None = None,
        counts: Tensor | None = None,
    ) -> None:
        """Copies the rows.

        Args:
            rows: ``(V, D)`` starting rows of a floating dtype; row 0 is the pad row and is set to zero.
            is_pretrained: ``(V,)`` bool.
            vocabulary: The words of the rows.
            coverage: How much of the vocabulary the vectors knew.
            counts: ``(V,)`` int64, how often each word occurs in training; by default those of the vocabulary.

        Raises:
            InputError: The shapes or dtypes do not fit together.
        """
        if rows.ndim != 2 or not len(rows) or not rows.is_floating_point():
            found = f"{rows.dtype} {tuple(rows.shape)}"
            raise InputError(f"rows must be a (V, D) floating tensor with at least the pad row, found {found}.")
        if is_pretrained.shape != rows.shape[:1] or is_pretrained.dtype != torch.bool:
            found = f"{is_pretrained.dtype} {tuple(is_pretrained.shape)}"
            raise InputError(f"is_pretrained must be bool of shape ({len(rows)},), found {found}.")
        start = rows.detach().clone().contiguous()
        start[PADDING_INDEX] = 0
        super().__init__(len(start), start.shape[1], padding_idx=PADDING_INDEX, _weight=start.clone())
        self.register_buffer("pretrained", start, persistent=False)
        self.register_buffer("is_pretrained", is_pretrained.clone(), persistent=False)
        self.register_buffer("unseen_map", None)
        self.adaptation = None
        self.vocabulary = vocabulary
        self.coverage = coverage
        if counts is None and vocabulary is not None:
            counts = torch.tensor(vocabulary.counts)
        self.counts = counts

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Looks rows up: ids ``(*)`` int64 -> ``(*, D)``, adapted where the policy says so."""
        rows = super().forward(input)
        return rows if self.adaptation is None else self.adaptation(rows, input)

    @torch.no_grad()
    def table(self) -> Tensor:
        """Returns the rows as the model reads them, ``(V, D)``; without an adaptation the weight itself."""
        weight = self.weight.detach()
        if self.adaptation is None:
            return weight
        adapted: Tensor = self.adaptation(weight, torch.arange(len(weight), device=weight.device))
        return adapted

    @torch.no_grad()
    def map_unseen(self, rows: Tensor) -> Tensor:
        """Takes pretrained rows ``(U, D)`` of words outside the table to where the model reads them.

        Training moves no row that it does not meet, but what it learned for all words applies to these, too.
        """
        for matrix in (self.unseen_map, None if self.adaptation is None else self.adaptation.unseen_map()):
            if matrix is not None:
                rows = rows.to(matrix) @ matrix
        return rows

    @torch.no_grad()
    def fold(self) -> None:
        """Makes a plain table of weight and adaptation, in place: the model reads what it read before.

        What applies to words outside the table, too, is kept in :attr:`unseen_map`. Without an adaptation there is
        nothing to do. An optimiser that trained the adaptation has no more use.
        """
        if self.adaptation is None:
            return
        learned = self.adaptation.unseen_map()
        if learned is not None:
            learned = learned.clone()
            self.unseen_map = learned if self.unseen_map is None else self.unseen_map @ learned
        self.weight.copy_(self.table())
        self.adaptation = None

    @contextmanager
    def extended(self, rows: Tensor) -> Iterator[None]:
        """Reads with further rows while the block runs: ids from V on mean pretrained ``rows`` ``(U, D)``.

        They pass through :meth:`map_unseen`, as the words of the table pass through the adaptation. An optimiser keeps
        the weight that it has, and nothing of the block reaches it: this is for words that training never sees.
        Copying V rows is cheap beside scoring; stepping U rows that never move is not.
        """
        with self.reading(torch.cat([self.table(), self.map_unseen(rows.to(self.weight))])):
            yield

    @contextmanager
    def reading(self, table: Tensor) -> Iterator[None]:
        """Reads the rows of another table, as they stand, while the block runs."""
        trained, adaptation = self.weight, self.adaptation
        self.weight, self.adaptation = nn.Parameter(table, requires_grad=False), None
        try:
            yield
        finally:
            self.weight, self.adaptation = trained, adaptation

    def restart(self, rows: Tensor, is_pretrained: Tensor) -> None:
        """Starts again from other rows of the same shape, in place (an optimiser keeps its parameter)."""
        with torch.no_grad():
            self.pretrained.copy_(rows)
            self.pretrained[PADDING_INDEX] = 0
            self.weight.copy_(self.pretrained)
            self.is_pretrained.copy_(is_pretrained)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        # An optional buffer that is None takes no part in loading: what the state holds decides whether it is there.
        found = state_dict.get(f"{prefix}unseen_map")
        self.unseen_map = None if found is None else torch.empty_like(found, device=self.weight.device)
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def build_embedding(
    vectors: Vectors, vocabulary: Vocabulary, *, unknown: str = "matched-normal", seed: int = 0
) -> PretrainedEmbedding:
    """Builds the embedding of a vocabulary from pretrained vectors.

    Row ``i`` is the vector of ``vocabulary.words[i]``, composed of its n-grams where it has no row of its own and the
    vectors can do so (fastText's ``.bin``); row 0 (``<pad>``) is zero and stays so; row 1 (``<unk>``) and
    the words that the vectors do not know start as ``unknown`` says.

    Args:
        vectors: The pretrained vectors, D dimensions.
        vocabulary: V words, from training texts only.
        unknown: ``matched-normal`` (default), ``zero``, ``mean`` or ``shared``.
        seed: Master seed of the draws for unknown words.

    Returns:
        An ``nn.Embedding`` of shape ``(V, D)``, float32, all of it trainable until a policy says otherwise.

    Raises:
        InputError: ``unknown`` names no initialisation.
    """
    pretrained, known = vectors.gather(vocabulary.words)
    known[[PADDING_INDEX, UNKNOWN_INDEX]] = False
    rows = assemble_rows(pretrained[known], known, unknown=unknown, random=generator(seed, "unknown words"))
    words, counts = vocabulary.words[2:], vocabulary.counts[2:]
    return PretrainedEmbedding(
        torch.from_numpy(rows),
        torch.from_numpy(known),
        vocabulary=vocabulary,
        coverage=measure_coverage(vectors, words, counts),
    )


def assemble_rows(
    pretrained: NDArray[np.float32], known: NDArray[np.bool_], *, unknown: str, random: Generator
) -> NDArray[np.float32]:
    """Puts pretrained rows ``(P, D)`` where ``known`` (V,) is true and fills the others: ``(V, D)`` float32."""
    rows = np.empty((len(known), pretrained.shape[1]), dtype=np.float32)
    rows[known] = pretrained
    rows[~known] = unknown_initialiser(unknown)(pretrained, int((~known).sum()), random)
    rows[PADDING_INDEX] = 0
    return rows
