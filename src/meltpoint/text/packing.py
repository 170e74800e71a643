"""Texts tokenised once, packed flat: a batch is then gathered with array operations alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from meltpoint.text.tokenizers import Tokenizer
from meltpoint.text.vocabulary import Vocabulary

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedTexts:
    """The tokens of N texts, one after another, as numbers into a lexicon of L distinct tokens.

    The lexicon only interns spellings: it holds the tokens of all rows, tested ones too, in order of first occurrence,
    and knows nothing of how often any occurs. Which of them a model knows, the vocabulary says (see ``remap`` below).

    Attributes:
        lexicon: The L distinct tokens.
        ids: Lexicon number of every token, int32 of shape (total tokens,).
        offsets: Row i is ``ids[offsets[i]:offsets[i + 1]]``; int64 of shape (N + 1,).
    """

    lexicon: tuple[str, ...]
    ids: npt.NDArray[np.int32]
    offsets: IntArray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> IntArray:
        """Tokens of each row, int64 of shape (N,)."""
        return np.diff(self.offsets)

    def row(self, index: int) -> npt.NDArray[np.int32]:
        """Returns the lexicon numbers of one row, int32 of shape (tokens of the row,)."""
        start, stop = self.offsets[range(len(self))[index] :][:2]
        return self.ids[start:stop]

    def counts(self, rows: npt.ArrayLike) -> IntArray:
        """Counts tokens over the rows given and no others.

        Args:
            rows: Row numbers, int of shape (B,).

        Returns:
            How often each token of the lexicon occurs in those rows, int64 of shape (L,).
        """
        rows = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[rows]
        # Position in ids of every token of those rows: its place in the concatenation, moved by its row's distance.
        moved = np.repeat(self.offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
        tokens = self.ids[np.arange(len(moved)) + moved]
        return np.bincount(tokens, minlength=len(self.lexicon)).astype(np.int64, copy=False)

    def padded(self, rows: npt.ArrayLike, max_length: int, remap: IntArray) -> IntArray:
        """Gathers a batch, padded with 0 to its longest row and cut at ``max_length``.

        Args:
            rows: Row numbers, int of shape (B,).
            max_length: Tokens beyond this many are cut off; at least 1.
            remap: Lexicon number to row of the embedding table, int64 of shape (L,).

        Returns:
            Rows of the embedding table, int64 of shape (B, T). A text without tokens is one unknown word, so that
            every row has something to pool over.
        """
        rows = np.asarray(rows, dtype=np.int64)
        lengths = np.minimum(self.lengths[rows], max_length)
        place = np.arange(max(1, lengths.max(initial=0)))
        inside = place < lengths[:, None]
        padded = np.full(inside.shape, Vocabulary.pad_index, dtype=np.int64)
        padded[inside] = remap[self.ids[(self.offsets[rows, None] + place)[inside]]]
        padded[lengths == 0, 0] = Vocabulary.unknown_index
        return padded


def pack_texts(texts: Iterable[str], tokenizer: Tokenizer) -> PackedTexts:
    """Tokenises every text once and packs the tokens."""
    numbers: dict[str, int] = {}
    ids: list[int] = []
    offsets = [0]
    for text in texts:
        ids += [numbers.setdefault(token, len(numbers)) for token in tokenizer(text)]
        offsets.append(len(ids))
    return PackedTexts(
        lexicon=tuple(numbers),
        ids=np.array(ids, dtype=np.int32),
        offsets=np.array(offsets, dtype=np.int64),
    )
