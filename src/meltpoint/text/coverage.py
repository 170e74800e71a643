"""Coverage: how much of a text the vectors know, and why they do not know the rest."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

_ALARM_BELOW = 0.5

_MARKUP = re.compile(r"<.*>|&\w+;|&#\d+;|https?:|www\.|[\w.+-]+@[\w.-]+|[@#]\w")
_NOT_IN_VECTORS = "not in the vectors"


class KnowsWords(Protocol):
    """What coverage needs of vectors: which words have one, their own or one composed of n-grams."""

    def knows(self, words: Iterable[str], /) -> npt.NDArray[np.bool_]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class UnknownWord:
    """A word without a vector.

    Attributes:
        word: As the tokenizer cut it.
        count: How often it occurs.
        reason: ``case``, ``hyphen``, ``contraction`` (another spelling, or its parts, are there), ``markup``,
            ``digits``, or ``not in the vectors``.
        suggestion: The spelling that has a vector, parts separated by blanks; None where there is none.
    """

    word: str
    count: int
    reason: str
    suggestion: str | None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many words of a text have a vector: as types (distinct words) and as tokens (running words)."""

    types: int
    types_found: int
    tokens: int
    tokens_found: int
    unknown: tuple[UnknownWord, ...]

    @property
    def by_type(self) -> float:
        """Share of distinct words that have a vector; 1 for no words at all."""
        return self.types_found / self.types if self.types else 1.0

    @property
    def by_token(self) -> float:
        """Share of running words that have a vector; 1 for no words at all."""
        return self.tokens_found / self.tokens if self.tokens else 1.0


def measure_coverage(
    vectors: KnowsWords, words: Sequence[str], counts: npt.ArrayLike, *, num_unknown: int = 20
) -> Coverage:
    """Looks every word up and explains the most frequent of those that are not there.

    Args:
        vectors: Where to look.
        words: L distinct words: a vocabulary's, or a lexicon's.
        counts: How often each occurs, int of shape (L,). Words that occur nowhere (padding) do not count as types.
        num_unknown: How many unknown words to name, most frequent first, ties by spelling.
    """
    counts = np.asarray(counts, dtype=np.int64)
    found = np.asarray(vectors.knows(words), dtype=np.bool_)
    occurs = counts > 0
    missing = np.flatnonzero(occurs & ~found).tolist()
    missing.sort(key=lambda index: (-counts[index], words[index]))
    return Coverage(
        types=int(occurs.sum()),
        types_found=int((occurs & found).sum()),
        tokens=int(counts.sum()),
        tokens_found=int(counts[found].sum()),
        unknown=tuple(_explain(vectors, words[index], int(counts[index])) for index in missing[:num_unknown]),
    )


def warn_text(coverage: Coverage) -> str | None:
    """Returns a loud sentence where less than half of the running words have a vector, otherwise None."""
    if coverage.by_token >= _ALARM_BELOW:
        return None
    examples = ", ".join(repr(unknown.word) for unknown in coverage.unknown[:5])
    return (
        f"Only {coverage.by_token:.0%} of the running words have a vector ({coverage.tokens_found:,} of "
        f"{coverage.tokens:,}): are the vectors of another language, or do they need another tokenizer? "
        f"The most frequent words without one: {examples}."
    )


def _explain(vectors: KnowsWords, word: str, count: int) -> UnknownWord:
    if _MARKUP.match(word):
        return UnknownWord(word=word, count=count, reason="markup", suggestion=None)
    for reason, parts in _other_spellings(word):
        if np.all(vectors.knows(parts)):
            return UnknownWord(word=word, count=count, reason=reason, suggestion=" ".join(parts))
    reason = "digits" if any(character.isdigit() for character in word) else _NOT_IN_VECTORS
    return UnknownWord(word=word, count=count, reason=reason, suggestion=None)


def _other_spellings(word: str) -> Iterator[tuple[str, list[str]]]:
    """Yields (reason, parts): spellings that the vectors may have instead, the likelier first."""
    for other in (word.lower(), word.capitalize(), word.upper()):
        if other != word:
            yield "case", [other]
    parts = [part for part in re.split(r"[-\u2010\u2011\u2013]", word) if part]
    if parts and parts != [word]:
        yield "hyphen", parts
        yield "hyphen", ["".join(parts)]
    head, mark, tail = word.replace("\u2019", "'").partition("'")
    if mark:
        negated = head.endswith("n") and tail == "t"
        yield "contraction", [head[:-1], "n't"] if negated else [part for part in (head, mark + tail) if part]
        yield "contraction", [part for part in (head, tail) if part] or [mark]
