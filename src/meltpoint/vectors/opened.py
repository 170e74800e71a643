"""What a caller holds: words and their matrix, both mapped from the store."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.vectors.index import ABSENT, WordIndex

_WORDS_PER_READ = 1 << 15
_LONGEST_EDITED = 40
_LETTERS = "abcdefghijklmnopqrstuvwxyz'-"


class AbsentWordError(InputError, KeyError):
    """A word without a vector was asked for; the message names words near it."""

    def __str__(self) -> str:
        """Returns the message itself, where KeyError would give its quoted form."""
        return Exception.__str__(self)


@dataclass(frozen=True, kw_only=True)
class OpenReport:
    """What reading the source came to.

    Attributes:
        source: The path or the catalogue name, as given.
        file_format: What the source was read as.
        rows_read: Rows in the source.
        rows_kept: Rows in the store: V.
        duplicates: Rows dropped because their word had come before; the first one stays.
        dim: Columns: D.
        lowercase: Whether lower-casing changes no word.
        store: The folder that is mapped.
    """

    source: str
    file_format: str
    rows_read: int
    rows_kept: int
    duplicates: int
    dim: int
    lowercase: bool
    store: Path

    def __str__(self) -> str:
        """Returns two readable lines."""
        case = "all lower-case" if self.lowercase else "cased"
        repeated = (
            "no word twice" if not self.duplicates else f"{self.duplicates:,} repeated words dropped (first wins)"
        )
        return (
            f"{self.source}: {self.rows_kept:,} words x {self.dim} dimensions, {case}; "
            f"{self.file_format}, {self.rows_read:,} rows read, {repeated}\nmapped from {self.store}"
        )


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
        """Returns the row of each word; see :meth:`Vectors.rows`."""
        if isinstance(words, str):
            raise InputError(f"expected several words, found the single string {words!r}; write rows([{words!r}]).")
        # A lone surrogate has no UTF-8; passed through, it equals no word and is simply absent.
        return self._index.find([word.encode("utf-8", "surrogatepass") for word in words])

    def _decode(self, start: int, stop: int) -> list[str]:
        bounds = self._index.offsets[start : stop + 1].tolist()
        data = bytes(self._index.data[bounds[0] : bounds[-1]]) if stop > start else b""
        return [data[begin - bounds[0] : end - bounds[0]].decode("utf-8") for begin, end in pairwise(bounds)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """Pretrained word vectors, mapped read-only: V words, D dimensions.

    Processes that open the same vectors share one copy in memory. Two objects hold the same vectors exactly when
    their digests agree.

    Attributes:
        name: The catalogue name, or the file's name.
        source: The path or the catalogue name, as given.
        words: The V words in row order.
        matrix: Shape (V, D), float32, C order, read-only.
        lowercase: Whether lower-casing changes no word: a text must then be lower-cased to find its words.
        tokenizer: The name of the tokenizer that splits texts into such words.
        licence: The licence of the vectors, where the catalogue knows it.
        digest: Hex BLAKE2b-128 over dimension, words and matrix: the identity of the content, whatever file it was in.
        report: What reading the source came to.
    """

    name: str
    source: str
    words: Words = field(repr=False)
    matrix: NDArray[np.float32] = field(repr=False)
    lowercase: bool
    tokenizer: str
    licence: str | None
    digest: str
    report: OpenReport = field(repr=False)

    @property
    def dim(self) -> int:
        """Columns of the matrix: D."""
        return int(self.matrix.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """Returns a copy of the word's vector, shape (D,), float32.

        Raises:
            AbsentWordError: The word has no vector.
        """
        row = self.rows([word])[0]
        if row == ABSENT:
            near = self._near_words(word)
            hint = f" Near it are: {', '.join(map(repr, near))}." if near else ""
            raise AbsentWordError(f"expected a word of {self.name}, found {word!r}, which is not among them.{hint}")
        return np.array(self.matrix[row])

    def rows(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Finds words, spelt exactly so: nothing is lower-cased or normalised.

        Args:
            words: n words.

        Returns:
            Shape (n,), int64: the row of each word in ``matrix``, -1 where there is none.

        Raises:
            InputError: A single string was given in place of several words.
        """
        return self.words.rows(words)

    def _near_words(self, word: str, limit: int = 3) -> list[str]:
        """Returns present words that differ in case, in hyphens or by one edit, the topmost (most frequent) first."""
        bases = {word, word.lower(), word.capitalize(), word.upper(), word.strip()}
        near = bases | {base.replace(mark, "") for base in bases for mark in "-' "}
        if len(word) <= _LONGEST_EDITED:
            near.update(*map(_one_edit_away, {word, word.lower()}))
        rows = self.rows(sorted(near))
        return [self.words[row] for row in np.unique(rows[rows != ABSENT])[:limit].tolist()]


def _one_edit_away(word: str) -> Iterator[str]:
    """Yields the few hundred strings one edit away: looked up at once, where comparing with V words takes seconds."""
    for start, end in ((word[:cut], word[cut:]) for cut in range(len(word) + 1)):
        yield from (start + letter + end[skip:] for letter in _LETTERS for skip in (0, 1))
        yield start + end[1:]
        yield start + end[1:2] + end[:1] + end[2:]
