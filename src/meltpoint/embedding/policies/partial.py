"""Only chosen rows of the embedding are trained."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies.base import AdamUpdate, GroupOptions, Policy, require_whole
from meltpoint.embedding.table import PADDING_INDEX, PretrainedEmbedding
from meltpoint.errors import InputError


class ChosenRows(Adaptation):
    """Reads chosen rows from a small table of their own, ``(n, D)``, and all others from the weight.

    Attributes:
        rows: ``(n, D)`` parameter.
        slots: ``(V,)`` int64 buffer, which of them stands for a row of the weight; -1 for those that do not move.
    """

    slots: Tensor

    def __init__(self, weight: Tensor, chosen: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(weight.detach()[chosen].clone())
        slots = torch.full((len(weight),), -1, device=weight.device)
        slots[chosen] = torch.arange(len(self.rows), device=weight.device)
        self.register_buffer("slots", slots)

    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:
        """Puts the rows that move in the place of those that do not."""
        slots = self.slots[ids]
        return torch.where((slots >= 0).unsqueeze(-1), functional.embedding(slots.clamp(min=0), self.rows), rows)


@dataclass(frozen=True, kw_only=True)
class Partial(Policy):
    """Trains some rows and keeps every bit of the others, under any optimiser.

    ``w <- w + step`` for ``w`` in the choice, ``w = w0`` for all others. The choice is a union: words without a
    pretrained vector (they have nothing to lose), the k most frequent words of training (they have enough examples to
    learn from: ``--tune-partial`` of DrQA, Chen et al., "Reading Wikipedia to answer open-domain questions", ACL
    2017, which tunes 1,000), and words of a list. Words that never occur in training never move.

    Rows that move stand in a table of their own, which alone is in the optimiser. Masking gradients would not do: the
    weight decay and the momentum of an optimiser move rows that have none.

    Attributes:
        unknown: Whether words without a pretrained vector move.
        most_frequent: So many of the words that occur most often in training move; ties to the lower row.
        words: These words move, where the vocabulary has them.
    """

    name = "partial"
    summary = "only chosen rows are trained: words without a pretrained vector, the k most frequent, or a given list"
    search_values = {"most_frequent": (1000, 300, 100)}  # noqa: RUF012

    unknown: bool = True
    most_frequent: int = 0
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_whole(self.name, lowest=0, most_frequent=self.most_frequent)
        words: object = self.words
        if not isinstance(words, tuple):
            raise InputError(f"Policy {self.name!r}: words must be a tuple of words, found {words!r}.")
        if not (self.unknown or self.most_frequent or self.words):
            raise InputError(
                f"Policy {self.name!r} would move nothing: choose rows by unknown=True, by most_frequent, or by words; "
                "or take the policy 'frozen'."
            )

    def embedding_options(self, lr: float) -> GroupOptions:  # noqa: ARG002
        """Adds nothing to the optimiser's own options."""
        return {}

    def adam_update(self, lr: float) -> AdamUpdate:
        """Moves the rows of :meth:`moving_rows` at the learning rate of the rest."""
        return AdamUpdate(row_learning_rate=lr)

    def num_trainable(self, embedding: PretrainedEmbedding, num_rows: int) -> int:  # noqa: ARG002
        """Counts the numbers of the chosen rows."""
        return int(self.moving_rows(embedding).sum()) * embedding.embedding_dim

    def new_adaptation(self, embedding: PretrainedEmbedding, seed: int) -> Adaptation:  # noqa: ARG002
        """Gives the chosen rows a table of their own."""
        return ChosenRows(embedding.weight, self.moving_rows(embedding))

    def moving_rows(self, embedding: PretrainedEmbedding) -> Tensor:
        """Returns the choice, ``(V,)`` bool on the embedding's device.

        Raises:
            InputError: It is empty, or what it is made by is not known of this embedding.
        """
        counts, vocabulary = embedding.counts, embedding.vocabulary
        chosen = torch.zeros(embedding.num_embeddings, dtype=torch.bool)
        if self.unknown:
            chosen |= ~embedding.is_pretrained.cpu()
        if self.most_frequent:
            if counts is None:
                raise InputError(
                    f"Policy {self.name!r} with most_frequent needs to know how often each word occurs; this "
                    "embedding does not. Build it by meltpoint.build_embedding from a vocabulary of the training texts."
                )
            chosen[counts.argsort(descending=True, stable=True)[: int(self.most_frequent)]] = True
        if self.words:
            if vocabulary is None:
                raise InputError(
                    f"Policy {self.name!r} with words needs an embedding that knows its vocabulary. Build it by "
                    "meltpoint.build_embedding."
                )
            chosen[[vocabulary.index(word) for word in self.words if word in vocabulary]] = True
        chosen[PADDING_INDEX] = False
        if counts is not None:
            chosen &= counts > 0
        if not chosen.any():
            asked = [f"{len(self.words)} given words"] * bool(self.words)
            asked += [f"the {self.most_frequent} most frequent words"] * bool(self.most_frequent)
            asked += ["words without a pretrained vector"] * self.unknown
            raise InputError(
                f"Policy {self.name!r} would move nothing: of {' and '.join(asked)}, none occurs in the "
                f"{embedding.num_embeddings - 2} words of training. Choose other rows, or the policy 'frozen'."
            )
        return chosen.to(embedding.weight.device)
