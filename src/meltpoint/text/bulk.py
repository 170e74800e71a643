"""Texts by the thousand as numbers of their words: every distinct chunk is cut once, and remembered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from meltpoint.text.packing import pad_rows
from meltpoint.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    import polars as pl

IntArray = NDArray[np.int64]

# Fewer texts are cut one by one: polars takes 0.2 s to import, in which 15,000 short texts are read.
_FEW_TEXTS = 1024
_DEPENDS = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class NumberedTexts:
    """The words of N texts as numbers.

    Attributes:
        numbers: int64 of shape (total,), those of text i at ``numbers[starts[i] : starts[i] + lengths[i]]``.
        starts: int64 of shape (N,); texts do not stand in order.
        lengths: int64 of shape (N,), how many words each has.
    """

    numbers: IntArray
    starts: IntArray
    lengths: IntArray

    def padded(self, texts: IntArray, max_length: int) -> IntArray:
        """Gathers some texts, int64 of shape (B,), as :func:`meltpoint.text.packing.pad_rows` does: (B, T)."""
        starts = self.starts[texts]
        return pad_rows(self.numbers, starts, starts + self.lengths[texts], max_length)


class BulkTexts:
    """Cuts and numbers many texts at a time, as the tokenizer cuts each by itself.

    Where the tokenizer can cut a chunk at a time, chunks are found and numbered by columns (polars' compiled string
    operations: 1.5 microseconds a text of 24 words, where Python's own take 5), and the words of each chunk that came
    before are looked up. All other texts are cut one by one.
    """

    def __init__(self, tokenizer: Tokenizer, number_words: Callable[[Sequence[str]], Sequence[int]]) -> None:
        """Takes what cuts texts, and what numbers the words, which must give a word the same number each time."""
        self._tokenizer = tokenizer
        self._number_words = number_words
        self._chunks: _Chunks | None = None

    @property
    def num_remembered(self) -> int:
        """How many distinct chunks are remembered."""
        return 0 if self._chunks is None else self._chunks.num_chunks

    def forget(self) -> None:
        """Forgets the chunks: what words are numbered by may have changed."""
        self._chunks = None

    def number(self, texts: Sequence[str]) -> NumberedTexts:
        """Cuts and numbers texts."""
        cut_chunk = self._tokenizer.cut_chunk
        if cut_chunk is None or len(texts) < _FEW_TEXTS:
            return self._number_whole(texts)
        if self._chunks is None:
            self._chunks = _Chunks(cut_chunk, self._number_words)
        numbers, lengths = self._chunks.number(texts)
        starts = np.cumsum(lengths.clip(min=0)) - lengths.clip(min=0)
        whole = np.flatnonzero(lengths == _DEPENDS)
        if len(whole):
            others = self._number_whole([texts[text] for text in whole.tolist()])
            starts[whole], lengths[whole] = others.starts + len(numbers), others.lengths
            numbers = np.concatenate([numbers, others.numbers])
        return NumberedTexts(numbers=numbers, starts=starts, lengths=lengths)

    def _number_whole(self, texts: Sequence[str]) -> NumberedTexts:
        words = self._tokenizer.tokenize_all(texts)
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        numbers = np.array(self._number_words(list(chain.from_iterable(words))), dtype=np.int64)
        return NumberedTexts(numbers=numbers, starts=np.cumsum(lengths) - lengths, lengths=lengths)


class _Chunks:
    """The distinct chunks met so far, and the numbers of the words of each."""

    def __init__(
        self,
        cut_chunk: Callable[[str], Sequence[str] | None],
        number_words: Callable[[Sequence[str]], Sequence[int]],
    ) -> None:
        import polars as pl  # noqa: PLC0415 - slow to import; few texts do not need it

        self._cut_chunk = cut_chunk
        self._number_words = number_words
        # polars numbers the distinct strings of a set of categories from 0 on, for as long as a column holds the set.
        self._categories = pl.Categories.random()
        self._column = pl.Series(dtype=pl.Categorical(self._categories))
        self._words = np.empty(0, dtype=np.int64)
        self._starts = np.empty(0, dtype=np.int64)
        self._lengths = np.empty(0, dtype=np.int64)

    @property
    def num_chunks(self) -> int:
        return len(self._starts)

    def number(self, texts: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Returns the numbers of the words of all texts, one after another, and how many each has: (N,) int64.

        A text that must be cut as a whole has a length of -1, and nothing among the numbers.
        """
        import polars as pl  # noqa: PLC0415

        cut = pl.Series(texts, dtype=pl.String).str.split(" ")
        chunks = self._find(cut.explode())
        text_of = np.repeat(np.arange(len(texts)), cut.list.len().to_numpy())
        depends = np.zeros(len(texts), dtype=np.bool_)
        depends[text_of[self._lengths[chunks] == _DEPENDS]] = True
        if depends.any():
            kept = ~depends[text_of]
            chunks, text_of = chunks[kept], text_of[kept]
        counts = self._lengths[chunks]
        lengths = np.bincount(text_of, weights=counts, minlength=len(texts)).astype(np.int64)
        lengths[depends] = _DEPENDS
        # Place of every word in self._words: its place in the concatenation, moved by its chunk's distance.
        moved = np.repeat(self._starts[chunks] - (np.cumsum(counts) - counts), counts)
        return self._words[np.arange(len(moved)) + moved], lengths

    def _find(self, chunks: "pl.Series") -> IntArray:
        """Returns the numbers of chunks; those never met before are cut."""
        numbers: IntArray = chunks.cast(self._column.dtype).to_physical().to_numpy().astype(np.int64)
        last = int(numbers.max(initial=-1))
        if last >= self.num_chunks:
            self._learn([str(self._categories[number]) for number in range(self.num_chunks, last + 1)])
        return numbers

    def _learn(self, chunks: Sequence[str]) -> None:
        words = [self._cut_chunk(chunk) for chunk in chunks]
        lengths = np.array([_DEPENDS if found is None else len(found) for found in words], dtype=np.int64)
        numbers = self._number_words([word for found in words for word in found or ()])
        starts = len(self._words) + np.cumsum(lengths.clip(min=0)) - lengths.clip(min=0)
        self._words = np.concatenate([self._words, np.array(numbers, dtype=np.int64)])
        self._starts = np.concatenate([self._starts, starts])
        self._lengths = np.concatenate([self._lengths, lengths])
