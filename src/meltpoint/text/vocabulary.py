"""The vocabulary: which words a model knows, made from training texts alone.

A vocabulary that has seen the test texts is a quiet leak: it decides which test words the model may know.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import numpy.typing as npt

from meltpoint.errors import InputError
from meltpoint.text.tokenizers import Tokenizer, tokenizer_named

if TYPE_CHECKING:
    from typing import Self

PADDING: Final = "<pad>"
UNKNOWN: Final = "<unk>"


class Vocabulary:
    """Numbered words: 0 is padding, 1 is any unknown word, then the words from frequent to rare, ties by spelling.

    A token of the text that happens to be spelled ``<pad>`` or ``<unk>`` is an unknown word.

    Attributes:
        words: The V words by number.
        counts: How often each word occurred, int64 of shape (V,): 0 for padding; for unknown, what was left out.
        tokenizer: Cuts the texts that :meth:`encode` is given.
    """

    pad_index: Final = 0
    unknown_index: Final = 1

    def __init__(self, words: Sequence[str], counts: npt.ArrayLike, *, tokenizer: Tokenizer) -> None:
        self.words = tuple(words)
        self.counts: npt.NDArray[np.int64] = np.array(counts, dtype=np.int64)
        self.counts.flags.writeable = False
        self.tokenizer = tokenizer
        self._indices = {word: index for index, word in enumerate(self.words) if index > self.unknown_index}
        wrong = (
            self.words[:2] != (PADDING, UNKNOWN)
            or self.counts.shape != (len(self.words),)
            or len(self._indices) != len(self.words) - 2
            or not self._indices.keys().isdisjoint((PADDING, UNKNOWN))
        )
        if wrong:
            raise InputError(
                f"A vocabulary needs distinct words, {PADDING!r} and {UNKNOWN!r} first, and one count for each; "
                f"found {len(self.words)} words beginning with {list(self.words[:3])} and {self.counts.size} counts."
            )

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, tokenizer: Tokenizer, min_count: int = 1) -> "Self":
        """Counts the words of the texts and numbers those that occur at least ``min_count`` times."""
        counter: Counter[str] = Counter()
        for text in texts:
            counter.update(tokenizer(text))
        return cls.from_counts(counter, tokenizer=tokenizer, min_count=min_count)

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], *, tokenizer: Tokenizer | None = None, min_count: int = 1
    ) -> "Self":
        """Numbers words that are counted already.

        Args:
            counts: Word to number of occurrences.
            tokenizer: Cut the words; without one, texts are cut at blanks.
            min_count: Rarer words stay unknown.
        """
        kept = [
            (word, count) for word, count in counts.items() if count >= min_count and word not in {PADDING, UNKNOWN}
        ]
        kept.sort(key=lambda entry: (-entry[1], entry[0]))
        left_out = sum(counts.values()) - sum(count for _, count in kept)
        return cls(
            (PADDING, UNKNOWN, *(word for word, _ in kept)),
            [0, left_out, *(count for _, count in kept)],
            tokenizer=tokenizer or tokenizer_named("whitespace"),
        )

    @classmethod
    def from_list(cls, entries: Iterable[Sequence[str | int]], *, tokenizer: Tokenizer) -> "Self":
        """Makes the vocabulary again that :meth:`to_list` wrote.

        Raises:
            InputError: The list is not one of pairs (word, count), or lacks the padding or the unknown word.
        """
        words: list[str] = []
        counts: list[int] = []
        for number, entry in enumerate(entries):
            match entry:
                case [str(word), int(count)]:
                    words.append(word)
                    counts.append(count)
                case _:
                    raise InputError(
                        f"Entry {number} of a saved vocabulary should be a pair (word, count); found {entry!r}."
                    )
        return cls(words, counts, tokenizer=tokenizer)

    def to_list(self) -> list[list[str | int]]:
        """Returns pairs (word, count) in order of number, ready for JSON."""
        return [[word, count] for word, count in zip(self.words, self.counts.tolist(), strict=True)]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._indices

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} words, tokenizer={self.tokenizer.name!r})"

    def index(self, word: str) -> int:
        """Returns the number of the word; that of the unknown word where it is not known."""
        return self._indices.get(word, self.unknown_index)

    @overload
    def encode(self, texts: str) -> npt.NDArray[np.int64]: ...
    @overload
    def encode(self, texts: list[str] | tuple[str, ...]) -> list[npt.NDArray[np.int64]]: ...
    def encode(self, texts: str | list[str] | tuple[str, ...]) -> npt.NDArray[np.int64] | list[npt.NDArray[np.int64]]:
        """Cuts and numbers one text, or many.

        Returns:
            int64 of shape (T,), T words; a list of such arrays where many texts were given.
        """
        if isinstance(texts, str):
            return np.array([self.index(word) for word in self.tokenizer(texts)], dtype=np.int64)
        return [self.encode(text) for text in texts]
