"""The words of opened vectors: a sequence of strings that stays on disk until it is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, overload

import numpy as np

from meltpoint.errors import InputError
from meltpoint.vectors.store.hashing import join_words, measure_words
from meltpoint.vectors.store.index import ABSENT, WordIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS_PER_READ = 1 << 15


class Words(Sequence[str]):
    """The V words in row order, decoded only when they are looked at."""

    def __init__(self, index: WordIndex) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index.offsets) - 1

    @overload
    def __getitem__(self, position: int) -> str: ...
    @overload
    def __getitem__(self, position: slice) -> list[str]: ...
    def __getitem__(self, position: int | slice) -> str | list[str]:
        """Returns one word, or the list of a slice's words."""
        rows = range(len(self))[position]
        if isinstance(rows, int):
            start, end = self._index.offsets[rows : rows + 2].tolist()
            return str(self._index.data[start:end], "utf-8")
        if rows.step == 1:
            return self._decode(rows.start, rows.stop)
        return [self[row] for row in rows]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _WORDS_PER_READ):
            yield from self._decode(start, min(start + _WORDS_PER_READ, len(self)))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.rows([word])[0] != ABSENT

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3]))
        return f"Words({shown}{', ...' if len(self) > 3 else ''}; {len(self):,} words)"

    def rows(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Returns the row of each word; see :meth:`meltpoint.vectors.Vectors.rows`."""
        return self.find(*spell_words(words))

    def find(self, text: bytes, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the row of each of n words, given as by :func:`spell_words`; shape (n,), int64, -1 for none."""
        return self._index.find_joined(text, offsets)

    def _decode(self, start: int, stop: int) -> list[str]:
        bounds = self._index.offsets[start : stop + 1].tolist()
        data = bytes(self._index.data[bounds[0] : bounds[-1]]) if stop > start else b""
        return [data[begin - bounds[0] : end - bounds[0]].decode("utf-8") for begin, end in pairwise(bounds)]


def spell_words(words: Iterable[str]) -> tuple[bytes, NDArray[np.int64]]:
    """Returns the UTF-8 of n words, end to end, and where they start; see :func:`hashing.join_words`.

    Raises:
        InputError: A single string was given in place of several words.
    """
    words = _several(words)
    text = "".join(words)
    if text.isascii():  # a letter is a byte: encoding all at once takes a third of the time
        return text.encode("ascii"), measure_words(words)
    return join_words(encode_words(words))


def encode_words(words: Iterable[str]) -> list[bytes]:
    """Returns words as UTF-8, as they stand in the store.

    Raises:
        InputError: A single string was given in place of several words.
    """
    # A lone surrogate has no UTF-8; passed through, it equals no word and is simply absent.
    return [word.encode("utf-8", "surrogatepass") for word in _several(words)]


def _several(words: Iterable[str]) -> list[str]:
    if isinstance(words, str):
        raise InputError(f"expected several words, found the single string {words!r}; write [{words!r}].")
    return list(words)
