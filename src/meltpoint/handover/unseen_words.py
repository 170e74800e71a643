"""Words that a model never saw in training, met when it is used: what they are read by."""

from functools import cached_property
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from meltpoint.embedding.carrying import CarryingMap, fit_carrying
from meltpoint.errors import InputError
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.vectors import Vectors

UnseenReading = Literal["pretrained", "mapped", "unknown"]
"""How unseen words are read: by their pretrained vectors, by these carried into the tuned space, or as unknown."""


class UnseenWords:
    """Finds rows for words that are not in the table of a model.

    ``pretrained`` takes the word's vector as it stands in the vectors, composed of its n-grams where they can do so:
    that is what the tests of a study read. ``mapped`` carries that vector to where training would have moved it, as
    far as a linear map fitted on the words that did move can tell. ``unknown`` takes every such word as unknown.
    """

    def __init__(
        self, trained: TrainedModel, vectors: Vectors | None, *, reading: UnseenReading = "pretrained"
    ) -> None:
        """Takes a model, and the vectors it was made with (None: unseen words are unknown).

        Raises:
            InputError: ``reading`` is none of those there are.
        """
        if reading not in get_args(UnseenReading):
            known = ", ".join(get_args(UnseenReading))
            raise InputError(f"Unseen words can be read as one of {known}; found {reading!r}.")
        self._trained = trained
        self._vectors = vectors if trained.reads_unseen_words and reading != "unknown" else None
        # Where the policy has learned a map for all words, the embedding itself applies it: that one is no guess.
        self._carries = reading == "mapped" and trained.embedding.unseen_map is None

    def read(self, words: list[str]) -> tuple[dict[str, int], Tensor]:
        """Returns the ids beyond the table that words get, and the rows they stand for.

        Args:
            words: Distinct words that are not in the model's vocabulary.

        Returns:
            Ids from V on, by word, for those that have a row; and ``(U, D)`` those rows, in order.
        """
        first, dim = self._trained.embedding.weight.shape
        if self._vectors is None or not words:
            return {}, torch.empty(0, dim)
        rows, found = self._vectors.gather(words)
        known = np.flatnonzero(found)
        kept = rows[known]
        if self._carries:
            kept = self.carrying.carry(kept)
        return {words[index]: first + number for number, index in enumerate(known)}, torch.from_numpy(kept)

    @cached_property
    def carrying(self) -> CarryingMap:
        """The map from pretrained to tuned vectors, fitted on the words that training saw and the vectors know."""
        if self._vectors is None:
            raise InputError("A map into the tuned space needs the vectors that the model was made with.")
        words = self._trained.vocabulary.words[2:]
        before, found = self._vectors.gather(words)
        after = self._trained.embedding.weight.detach().numpy()[2:]
        # What the policy learned for all words is applied when the rows are read; the map is fitted to what remains.
        read = self._trained.embedding.map_unseen(torch.from_numpy(before[found])).numpy()
        return fit_carrying(read, after[found])
