"""What a caller holds: words and their matrix, both mapped from the store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from meltpoint.errors import InputError
from meltpoint.vectors.sources.source import TOKENIZER_FILE
from meltpoint.vectors.store.gathering import take_rows
from meltpoint.vectors.store.index import ABSENT
from meltpoint.vectors.store.mapped import MappedStore
from meltpoint.vectors.words import Words, spell_words

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from meltpoint.vectors.open_report import OpenReport
    from meltpoint.vectors.sources.source import Source
    from meltpoint.vectors.subwords import Subwords

_LONGEST_EDITED = 40
_LETTERS = "abcdefghijklmnopqrstuvwxyz'-"


class AbsentWordError(InputError, KeyError):
    """A word without a vector was asked for; the message names words near it."""

    def __str__(self) -> str:
        """Returns the message itself, where KeyError would give its quoted form."""
        return Exception.__str__(self)


class Vectors:
    """Pretrained word vectors, mapped read-only: V words, D dimensions.

    Processes that open the same vectors share one copy in memory. Two objects hold the same vectors exactly when
    their digests agree.
    """

    # Not a dataclass: importing ``dataclasses`` and making this class with it takes 1.5 ms of every later open.
    def __init__(self, store: MappedStore, source: Source, *, name: str | None = None) -> None:
        """Wraps what was opened; :func:`meltpoint.open_vectors` does so.

        Args:
            store: The words and the matrix.
            source: Where they come from.
            name: The name of the vectors, where it is not the source's.
        """
        self._store, self._source, self._name = store, source, name or source.name
        self._words = Words(store.word_index)
        self._subwords = _wrap_subwords(store)

    @property
    def name(self) -> str:
        """The catalogue name, or the file's name."""
        return self._name

    @property
    def source(self) -> str:
        """The path or the catalogue name, as given."""
        return self._source.given

    @property
    def words(self) -> Words:
        """The V words in row order."""
        return self._words

    @property
    def matrix(self) -> NDArray[np.float32]:
        """Shape (V, D), float32, C order, read-only."""
        return self._store.matrix

    @property
    def subwords(self) -> Subwords | None:
        """The n-gram vectors from which those of unknown words are composed; None for most sources."""
        return self._subwords

    @property
    def attachments(self) -> Mapping[str, Path]:
        """The files that came with the vectors, by name: ``tokenizer.json`` of a static model."""
        from pathlib import Path  # noqa: PLC0415 - not on the way of opening

        return {name: Path(place) for name, place in self._store.attachments.items()}

    @property
    def lowercase(self) -> bool:
        """Whether lower-casing changes no word: a text must then be lower-cased to find its words."""
        return self._store.meta.lowercase

    @property
    def tokenizer(self) -> str:
        """The name of the tokenizer that splits texts into such words; ``tokenizer.json`` for their own."""
        if TOKENIZER_FILE in self._store.attachments:
            return TOKENIZER_FILE
        if self._source.entry is not None:
            return self._source.entry.tokenizer
        return "treebank-lower" if self.lowercase else "treebank"

    @property
    def licence(self) -> str | None:
        """The licence of the vectors, where the catalogue knows it."""
        return self._source.entry.licence if self._source.entry else None

    @property
    def digest(self) -> str:
        """Hex BLAKE3-128 over dimension, words and matrix: the identity of the content, whatever file it was in."""
        return self._store.meta.digest

    @property
    def report(self) -> OpenReport:
        """What reading the source came to."""
        from meltpoint.vectors.open_report import report_on  # noqa: PLC0415 - not on the way of opening

        return report_on(self._store, self._source)

    @property
    def dim(self) -> int:
        """Columns of the matrix: D."""
        return int(self.matrix.shape[1])

    @property
    def has_subwords(self) -> bool:
        """Whether words without a row have a vector too, composed of their n-grams."""
        return self.subwords is not None

    def __repr__(self) -> str:
        """Returns what the vectors are called and known for, without any of them."""
        shown = ("name", "source", "lowercase", "tokenizer", "licence", "digest")
        return f"Vectors({', '.join(f'{fact}={getattr(self, fact)!r}' for fact in shown)})"

    def with_matrix(self, matrix: NDArray[np.float32], *, name: str, digest: str) -> Vectors:
        """Returns the same words with another matrix of this shape, called so and told apart by the digest."""
        meta = self._store.meta._replace(digest=digest)
        store = self._store._replace(matrix=matrix, meta_json=meta.to_json())
        return Vectors(store, self._source, name=name)

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

    def __deepcopy__(self, memo: object) -> Vectors:
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
        matrix = take_rows(self.matrix, rows)
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


def _wrap_subwords(store: MappedStore) -> Subwords | None:
    if store.subwords is None:
        return None
    from meltpoint.vectors.subwords import Subwords  # noqa: PLC0415 - few sources have them

    meta = store.meta.subwords
    assert meta is not None  # both are written or neither
    return Subwords(matrix=store.subwords, min_n=meta.min_n, max_n=meta.max_n)


def _one_edit_away(word: str) -> Iterator[str]:
    """Yields the few hundred strings one edit away: looked up at once, where comparing with V words takes seconds."""
    for start, end in ((word[:cut], word[cut:]) for cut in range(len(word) + 1)):
        yield from (start + letter + end[skip:] for letter in _LETTERS for skip in (0, 1))
        yield start + end[1:]
        yield start + end[1:2] + end[:1] + end[2:]
