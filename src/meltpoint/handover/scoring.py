"""Thousands of texts, as a model reads them: a few at a time, those that are padded beside others of like length."""

import threading
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.handover.model_folder import TrainedModel
from meltpoint.models import TextModel
from meltpoint.tasks import find_task
from meltpoint.text import NumberedTexts, stretches

IntArray = NDArray[np.int64]

# So many word vectors, pads among them, pass through a model that pads at a time: 40 MB at 300 dimensions.
_MAX_CELLS = 1 << 15
_MAX_ROWS = 1024


class Scorer:
    """Lets a model read any number of texts; several threads may ask at a time."""

    def __init__(self, trained: TrainedModel) -> None:
        """Takes the model."""
        self._trained = trained
        reads = find_task(trained.config.task).reads
        self._texts_per_row = 2 if reads == "pair" else 1
        self._of_tokens = reads == "tokens"
        self._one_at_a_time = threading.Lock()

    def score(self, table: Tensor, texts: NumberedTexts) -> tuple[Tensor, IntArray]:
        """Scores N texts, each of at least one word and none longer than the model reads.

        Args:
            table: ``(V, D)``.
            texts: As rows of the table; where the model reads pairs, each two of them are one.

        Returns:
            Scores ``(S, C)``, one text or pair after another, or one token after another; and how many belong to each
            text or pair.
        """
        num_rows = len(texts.lengths) // self._texts_per_row
        num_scores = texts.lengths if self._of_tokens else np.ones(num_rows, dtype=np.int64)
        first_score = np.cumsum(num_scores) - num_scores
        found, places = [torch.empty(0, 1)], [np.empty(0, dtype=np.int64)]
        with torch.inference_mode():
            for rows in self._groups(texts):
                members = texts.take(stretches(rows * self._texts_per_row, np.full_like(rows, self._texts_per_row)))
                scores = self._score(table, members)
                if self._of_tokens:
                    inside = np.arange(scores.shape[1]) < members.lengths[:, None]
                    scores = scores[torch.from_numpy(inside)]
                found.append(scores)
                places.append(stretches(first_score[rows], num_scores[rows]))
            if len(found) > 1:
                del found[0]
            in_order = torch.cat(found)
            in_order[torch.from_numpy(np.concatenate(places))] = torch.cat(found)
        return in_order, num_scores

    def _groups(self, texts: NumberedTexts) -> Iterator[IntArray]:
        """Yields the numbers of texts or pairs that pass through the model together.

        Where it pads, they are of like length: among 8,192 texts of 24 words on average, one has 200, and all would be
        padded to it.
        """
        longest = texts.lengths.reshape(-1, self._texts_per_row).max(axis=1)
        model = self._trained.model
        if isinstance(model, TextModel) and not model.pads:
            yield from np.split(np.arange(len(longest)), range(_MAX_ROWS, len(longest), _MAX_ROWS))
            return
        order = np.argsort(longest, kind="stable")
        numbers, longest = self._texts_per_row * np.arange(1, _MAX_ROWS + 1), longest[order]
        first = 0
        while first < len(order):
            cells = numbers[: len(order) - first] * longest[first : first + _MAX_ROWS]
            stop = first + max(1, int(np.searchsorted(cells, _MAX_CELLS, side="right")))
            yield order[first:stop]
            first = stop

    def _score(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        model = self._trained.model
        if isinstance(model, TextModel):
            return model.score_texts(table, texts)
        ids = torch.from_numpy(texts.padded())
        if self._texts_per_row > 1:
            ids = ids.view(-1, self._texts_per_row, ids.shape[-1])
        # A model that somebody else has written reads its own embedding, and may keep what it likes.
        with self._one_at_a_time, self._trained.embedding.reading(table):
            scores: Tensor = model(ids)
        return scores
