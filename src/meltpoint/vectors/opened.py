"""What a caller holds: words and their matrix, both mapped from the store."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.vectors.gathering import copy_rows
from meltpoint.vectors.index import ABSENT
from meltpoint.vectors.open_report import OpenReport
from meltpoint.vectors.words import Words, spell_words

if TYPE_CHECKING:
    from meltpoint.vectors.subwords import Subwords

_LONGEST_EDITED = 40
_LETTERS = "abcdefghijklmnopqrstuvwxyz'-"


class AbsentWordError(InputError, KeyError):
    """A word without a vector was asked for; the message names words near it."""

    def __str__(self) -> str:
        """Returns the message itself, where KeyError would give its quoted form."""
        return Exception.__str__(self)


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
        subwords: The n-gram vectors from which those of unknown words are composed; None for most sources.
        attachments: The files that came with the vectors, by name: ``tokenizer.json`` of a static model.
        lowercase: Whether lower-casing changes no word: a text must then be lower-cased to find its words.
        tokenizer: The name of the tokenizer that splits texts into such words; ``tokenizer.json`` for their own.
        licence: The licence of the vectors, where the catalogue knows it.
        digest: Hex BLAKE3-128 over dimension, words and matrix: the identity of the content, whatever file it was in.
        report: What reading the source came to.
    """

    name: str
    source: str
    words: Words = field(repr=False)
    matrix: NDArray[np.float32] = field(repr=False)
    subwords: "Subwords | None" = field(repr=False, default=None)
    attachments: Mapping[str, Path] = field(repr=False, default_factory=dict)
    lowercase: bool
    tokenizer: str
    licence: str | None
    digest: str
    report: OpenReport = field(repr=False)

    @property
    def dim(self) -> int:
        """Columns of the matrix: D."""
        return int(self.matrix.shape[1])

    @property
    def has_subwords(self) -> bool:
        """Whether words without a row have a vector too, composed of their n-grams."""
        return self.subwords is not None

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Tells whether the word has a row of its own; :meth:`knows` counts composed vectors too."""
        return word in self.words

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """Returns a copy of the word's vector, shape (D,), float32; composed where it has no row.

        Raises:
            AbsentWordError: The word has no vector.
        """
        matrix, found = self.gather([word])
        if not found[0]:
            near = self._near_words(word)
            hint = f" Near it are: {', '.join(map(repr, near))}." if near else ""
            raise AbsentWordError(f"expected a word of {self.name}, found {word!r}, which is not among them.{hint}")
        vector: NDArray[np.float32] = matrix[0]
        return vector

    def __deepcopy__(self, memo: object) -> "Vectors":
        """Returns itself: nothing of it ever changes, and a copy would take the map into memory."""
        return self

    def rows(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Finds words, spelt exactly so: nothing is lower-cased or normalised, and nothing composed.

        Args:
            words: n words.

        Returns:
            Shape (n,), int64: the row of each word in ``matrix``, -1 where there is none.

        Raises:
            InputError: A single string was given in place of several words.
        """
        return self.words.rows(words)

    def gather(self, words: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Collects the vectors of words: their rows, and composed ones where a source has subword vectors.

        Args:
            words: n words.

        Returns:
            A copy of the vectors, shape (n, D), float32, zero where there is none; and which there are, shape (n,),
            bool.

        Raises:
            InputError: A single string was given in place of several words.
        """
        text, offsets = spell_words(words)
        rows = self.words.find(text, offsets)
        found: NDArray[np.bool_] = rows != ABSENT
        matrix = np.zeros((len(rows), self.dim), dtype=np.float32)
        copy_rows(self.matrix, rows, matrix)
        if self.subwords is not None:
            for position in np.flatnonzero(~found).tolist():
                composed = self.subwords.compose(text[offsets[position] : offsets[position + 1]])
                if composed is not None:
                    matrix[position], found[position] = composed, True
        return matrix, found

    def knows(self, words: Iterable[str]) -> NDArray[np.bool_]:
        """Tells which words have a vector, their own or a composed one: the second result of :meth:`gather`.

        Args:
            words: n words.

        Returns:
            Shape (n,), bool.

        Raises:
            InputError: A single string was given in place of several words.
        """
        text, offsets = spell_words(words)
        found: NDArray[np.bool_] = self.words.find(text, offsets) != ABSENT
        if self.subwords is not None:
            for position in np.flatnonzero(~found).tolist():
                found[position] = self.subwords.covers(text[offsets[position] : offsets[position + 1]])
        return found

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> tuple[Path, ...]:  # noqa: A002
        """Writes the words and the matrix to a file; see :func:`meltpoint.vectors.writing.save_vectors`.

        Args:
            path: The file to write.
            format: ``glove``, ``word2vec``, ``word2vec-binary``, ``safetensors`` or ``npy``; by the suffix if None.

        Returns:
            The files that were written.

        Raises:
            InputError: There is no such format, or it cannot hold one of the words.
            DiskError: Writing failed; nothing was left behind.
        """
        from meltpoint.vectors.writing import save_vectors  # noqa: PLC0415 - not on the way of opening

        return save_vectors(self, path, format=format)

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
