"""Texts by the thousand as numbers of their words: every distinct chunk is cut once, and remembered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from meltpoint.text.chunks import DEPENDS, Chunks
from meltpoint.text.packing import pad_rows
from meltpoint.text.tokenizers import Tokenizer
from meltpoint.text.vocabulary import Vocabulary

IntArray = NDArray[np.int64]

# Fewer texts are cut one by one: of those few, most chunks are new, and to load the loops takes as long as to cut them.
_FEW_TEXTS = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class NumberedTexts:
    """The words of N texts as numbers.

    Attributes:
        numbers: int32 of shape (total,), those of text i at ``numbers[starts[i] : starts[i] + lengths[i]]``.
        starts: int64 of shape (N,); texts do not stand in order.
        lengths: int64 of shape (N,), how many words each has.
    """

    numbers: NDArray[np.int32]
    starts: IntArray
    lengths: IntArray

    def cut(self, max_length: int) -> "NumberedTexts":
        """Returns texts as a model reads them: at most so many words of each; of one without any, an unknown one."""
        numbers, starts, lengths = self.numbers, self.starts, np.minimum(self.lengths, max_length)
        empty = lengths == 0
        if empty.any():
            starts, lengths = np.where(empty, len(numbers), starts), np.where(empty, 1, lengths)
            numbers = np.append(numbers, np.int32(Vocabulary.unknown_index))
        return NumberedTexts(numbers=numbers, starts=starts, lengths=lengths)

    def take(self, texts: IntArray) -> "NumberedTexts":
        """Returns some texts, int64 of shape (B,); no word is copied."""
        return NumberedTexts(numbers=self.numbers, starts=self.starts[texts], lengths=self.lengths[texts])

    def padded(self) -> IntArray:
        """Gathers the words, padded with 0 to the longest text: int64 of shape (N, T)."""
        longest = int(self.lengths.max(initial=1))
        return pad_rows(self.numbers, self.starts, self.starts + self.lengths, longest)


class BulkTexts:
    """Cuts and numbers many texts at a time, as the tokenizer cuts each by itself.

    Where the tokenizer can cut what stands between blanks by itself, each distinct chunk is cut once and remembered
    (:class:`meltpoint.text.chunks.Chunks`). All other texts are cut one by one.
    """

    def __init__(self, tokenizer: Tokenizer, number_words: Callable[[Sequence[str]], Sequence[int]]) -> None:
        """Takes what cuts texts, and what numbers the words, which must give a word the same number each time."""
        self._tokenizer = tokenizer
        self._number_words = number_words
        self._chunks: Chunks | None = None

    @property
    def num_remembered(self) -> int:
        """How many distinct chunks are remembered."""
        return 0 if self._chunks is None else len(self._chunks)

    def forget(self) -> None:
        """Forgets the chunks: what words are numbered by may have changed."""
        self._chunks = None

    def number(self, texts: Sequence[str]) -> NumberedTexts:
        """Cuts and numbers texts."""
        cut_chunks = self._tokenizer.cut_chunks
        if cut_chunks is None or len(texts) < _FEW_TEXTS:
            return self._number_whole(texts)
        if self._chunks is None:
            self._chunks = Chunks(cut_chunks, self._number_words)
        numbers, lengths = self._chunks.number(texts)
        starts = np.cumsum(lengths.clip(min=0)) - lengths.clip(min=0)
        whole = np.flatnonzero(lengths == DEPENDS)
        if len(whole):
            others = self._number_whole([texts[text] for text in whole.tolist()])
            starts[whole], lengths[whole] = others.starts + len(numbers), others.lengths
            numbers = np.concatenate([numbers, others.numbers])
        return NumberedTexts(numbers=numbers, starts=starts, lengths=lengths)

    def _number_whole(self, texts: Sequence[str]) -> NumberedTexts:
        words = self._tokenizer.tokenize_all(texts)
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        numbers = np.array(self._number_words(list(chain.from_iterable(words))), dtype=np.int32)
        return NumberedTexts(numbers=numbers, starts=np.cumsum(lengths) - lengths, lengths=lengths)
