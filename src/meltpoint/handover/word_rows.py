"""Which row each word of new texts is read by: one of the trained table, or one put below it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.handover.unseen_words import UnseenWords
from meltpoint.text import Vocabulary


class WordRows:
    """The rows of words, found once for each word.

    Words that training never saw get rows below those of the table as they are met. The table with them is copied when
    it has no room left and not for every batch: a copy of 400,000 x 300 takes as long as reading 10,000 short texts.
    """

    def __init__(self, vocabulary: Vocabulary, embedding: PretrainedEmbedding, unseen: UnseenWords) -> None:
        """Takes the words of the table, the table, and what reads the words that are not among them."""
        self._vocabulary = vocabulary
        self._embedding = embedding
        self._unseen = unseen
        self.forget()

    @property
    def num_remembered(self) -> int:
        """How many words were looked up."""
        return len(self._row_of)

    def forget(self) -> None:
        """Forgets all words that were looked up, and their rows."""
        self._row_of: dict[str, int] = {}
        self._num_rows = self._embedding.num_embeddings
        # The rows in use and room for more; without further rows, the table itself.
        self._table: Tensor | None = None

    def find(self, words: Sequence[str]) -> list[int]:
        """Returns the row of each word, or that of the unknown word."""
        row_of = self._row_of
        if new := set(words).difference(row_of):
            self._look_up(sorted(new))
        return [row_of[word] for word in words]

    @property
    def table(self) -> Tensor:
        """All rows given out so far, as the model is to read them."""
        return self._embedding.table() if self._table is None else self._table[: self._num_rows]

    def _look_up(self, words: list[str]) -> None:
        vocabulary = self._vocabulary
        numbers, rows = self._unseen.read([word for word in words if word not in vocabulary])
        # They are numbered as if they were the first below the table.
        moved = self._num_rows - self._embedding.num_embeddings
        for word in words:
            number = numbers.get(word)
            self._row_of[word] = vocabulary.index(word) if number is None else number + moved
        if len(rows):
            self._append(rows)

    def _append(self, rows: Tensor) -> None:
        """Puts pretrained rows ``(U, D)`` below the others."""
        rows = self._embedding.map_unseen(rows.to(self._embedding.weight))
        needed = self._num_rows + len(rows)
        if self._table is None or needed > len(self._table):
            # Room for as many further rows as there are now: however many come, few copies are made.
            room = rows.new_empty(2 * needed - self._embedding.num_embeddings - self._num_rows, rows.shape[1])
            self._table = torch.cat([self.table, room])
        self._table[self._num_rows : needed] = rows
        self._num_rows = needed
