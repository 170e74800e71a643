"""Texts tokenised once, packed flat: a batch is then gathered with array operations alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

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
        seconds: Where rows are pairs of texts, the second one of row i begins at ``ids[seconds[i]]``; int64 of shape
            (N,), or None.
    """

    lexicon: tuple[str, ...]
    ids: npt.NDArray[np.int32]
    offsets: IntArray
    seconds: IntArray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> IntArray:
        """Tokens of each row, int64 of shape (N,)."""
        return np.diff(self.offsets)

    def row(self, index: int) -> npt.NDArray[np.int32]:
        """Returns the lexicon numbers of one row, of both texts of a pair, int32 of shape (tokens of the row,)."""
        start, stop = self.offsets[range(len(self))[index] :][:2]
        return self.ids[start:stop]

    def texts(self, index: int) -> tuple[tuple[str, ...], ...]:
        """Returns the tokens of each text of one row: of one, or of two where rows are pairs."""
        words = tuple(self.lexicon[token] for token in self.row(index))
        if self.seconds is None:
            return (words,)
        cut = int(self.seconds[index] - self.offsets[index])
        return words[:cut], words[cut:]

    def counts(self, rows: npt.ArrayLike) -> IntArray:
        """Counts tokens over the rows given and no others.

        Args:
            rows: Row numbers, int of shape (B,).

        Returns:
            How often each token of the lexicon occurs in those rows, int64 of shape (L,).
        """
        rows = np.asarray(rows, dtype=np.int64)
        tokens = self.ids[stretches(self.offsets[rows], self.lengths[rows])]
        return np.bincount(tokens, minlength=len(self.lexicon)).astype(np.int64, copy=False)

    def padded(self, rows: npt.ArrayLike, max_length: int, remap: IntArray) -> IntArray:
        """Gathers a batch, padded with 0 to its longest row and cut at ``max_length``.

        Args:
            rows: Row numbers, int of shape (B,).
            max_length: Tokens beyond this many are cut off; at least 1.
            remap: Lexicon number to row of the embedding table, int64 of shape (L,).

        Returns:
            Rows of the embedding table, int64 of shape (B, T), or (B, 2, T) where rows are pairs of texts. A text
            without tokens is one unknown word, so that every row has something to pool over.
        """
        rows = np.asarray(rows, dtype=np.int64)
        starts, stops = self.offsets[rows], self.offsets[rows + 1]
        if self.seconds is None:
            return pad_rows(self.ids, starts, stops, max_length, remap=remap)
        middles = self.seconds[rows]
        starts, stops = np.stack([starts, middles], axis=1), np.stack([middles, stops], axis=1)
        return pad_rows(self.ids, starts.ravel(), stops.ravel(), max_length, remap=remap).reshape(len(rows), 2, -1)


def stretches(starts: IntArray, lengths: IntArray) -> IntArray:
    """Returns the numbers from each start on, as many as its length, one stretch after another.

    Args:
        starts: int64 of shape (N,).
        lengths: int64 of shape (N,).

    Returns:
        int64 of shape (sum of the lengths,).
    """
    # A number's place among all of them, moved by the distance of its stretch.
    moved: IntArray = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(len(moved)) + moved


def pad_rows(
    ids: npt.NDArray[np.integer[Any]],
    starts: IntArray,
    stops: IntArray,
    max_length: int,
    *,
    remap: IntArray | None = None,
) -> IntArray:
    """Gathers stretches of a flat array, padded with 0 to the longest and cut at ``max_length``.

    Args:
        ids: Numbers of shape (total,).
        starts: Where each stretch begins in ``ids``, int64 of shape (B,).
        stops: Where it ends, int64 of shape (B,).
        max_length: What is beyond this many is cut off; at least 1.
        remap: From those numbers to rows of the embedding table, int64; None where they are rows already.

    Returns:
        Rows of the embedding table, int64 of shape (B, T); an empty stretch is one unknown word.
    """
    lengths = np.minimum(stops - starts, max_length)
    place = np.arange(max(1, lengths.max(initial=0)))
    inside = place < lengths[:, None]
    padded = np.full(inside.shape, Vocabulary.pad_index, dtype=np.int64)
    found = ids[(starts[:, None] + place)[inside]]
    padded[inside] = found if remap is None else remap[found]
    padded[lengths == 0, 0] = Vocabulary.unknown_index
    return padded


def pack_texts(texts: Sequence[str], tokenizer: Tokenizer, *, second_texts: Sequence[str] | None = None) -> PackedTexts:
    """Tokenises every text once and packs the tokens; with ``second_texts``, those of pairs."""
    numbers: dict[str, int] = {}
    ids: list[int] = []
    ends = [0]
    # One text after another: of a pair, the second follows the first.
    following = texts if second_texts is None else chain.from_iterable(zip(texts, second_texts, strict=True))
    for text in following:
        ids += [numbers.setdefault(token, len(numbers)) for token in tokenizer(text)]
        ends.append(len(ids))
    offsets = np.array(ends, dtype=np.int64)
    return PackedTexts(
        lexicon=tuple(numbers),
        ids=np.array(ids, dtype=np.int32),
        offsets=offsets if second_texts is None else offsets[::2],
        seconds=None if second_texts is None else offsets[1::2],
    )
