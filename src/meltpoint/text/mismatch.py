"""Notices that a tokenizer does not fit the vectors, by what other tokenizers would find.

A wrong tokenizer raises no error: words that are there are missed, and the vectors look poor. So a sample of the texts
is cut in every way there is, and what each way finds is compared.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from meltpoint.text.tokenizers import (
    OWN_TOKENIZER,
    NamesItsTokenizer,
    Tokenizer,
    tokenizer_for,
    tokenizer_named,
    tokenizer_names,
)

_MOST_TEXTS, _MOST_CHARACTERS = 500, 2000
# Between tokenizers that fit about equally well, coverage on real texts differs by 0.2 points and less.
_LEAST_GAIN, _LEAST_SHARE_OF_MISSES = 0.005, 0.25
_LEAST_CAPITALS = 0.01
_LEAST_PIECES, _MOST_WORDS_SEEN = 0.05, 2000
_PIECE_MARKS = ("##", "\u2581", "\u0120")  # of WordPiece, SentencePiece, byte-level BPE
_NUM_EXAMPLES = 3


class HasWords(NamesItsTokenizer, Protocol):
    """What is needed of vectors: their words, and the row of each word, -1 where there is none."""

    @property
    def words(self) -> Sequence[str]: ...  # noqa: D102
    def rows(self, words: Iterable[str], /) -> npt.NDArray[np.int64]: ...  # noqa: D102


def warn_mismatch(texts: Sequence[str], vectors: HasWords, tokenizer: Tokenizer) -> str | None:
    """Says in one sentence, with numbers, that another tokenizer fits the vectors better; None where none does.

    Args:
        texts: The texts; at most 500 of them are looked at, evenly spaced, and of each the first 2,000 characters.
        vectors: Where words are looked up.
        tokenizer: The one in use.
    """
    step = -(-len(texts) // _MOST_TEXTS) or 1
    sample = [text[:_MOST_CHARACTERS] for text in texts[::step]]
    used = _Cut(tokenizer, sample, vectors)
    if tokenizer.name == OWN_TOKENIZER or not used.total:
        return None
    return _warn_coverage(used, sample, vectors) or _warn_capitals(used, sample, vectors) or _warn_pieces(used, vectors)


@dataclass(eq=False)
class _Cut:
    """A sample of texts, cut by one tokenizer."""

    tokenizer: Tokenizer
    texts: Sequence[str]
    vectors: HasWords

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each word occurs."""
        return Counter(word for text in self.texts for word in self.tokenizer(text))

    @cached_property
    def total(self) -> int:
        """Running words."""
        return self.counts.total()

    @cached_property
    def missed(self) -> Counter[str]:
        """The words without a vector, and how often each occurs."""
        words = list(self.counts)
        # Rows alone: composed of n-grams, any word has some vector, and none would be missed.
        found = self.vectors.rows(words) >= 0
        return Counter({word: self.counts[word] for word, has in zip(words, found, strict=True) if not has})

    @cached_property
    def coverage(self) -> float:
        """Share of the running words that have a vector."""
        return 1 - self.missed.total() / self.total if self.total else 0.0

    @property
    def finds(self) -> str:
        """What it finds, as said in a warning."""
        return f"the tokenizer {self.tokenizer.name} finds {self.coverage:.1%} of the running words"


def _warn_coverage(used: _Cut, sample: Sequence[str], vectors: HasWords) -> str | None:
    """Compares coverage: it shows the wrong case, escapes, wrong cuts, missing marks of tweets, pieces of words."""
    others = [tokenizer_named(name) for name in tokenizer_names() if name != used.tokenizer.name]
    if vectors.tokenizer == OWN_TOKENIZER:
        others.append(tokenizer_for(vectors))
    cuts = [_Cut(other, sample, vectors) for other in others]
    highest = max(cut.coverage for cut in cuts)
    # Of those that find about as much, the one that the vectors name themselves, else the one that finds most.
    best = max(
        (cut for cut in cuts if highest - cut.coverage < _LEAST_GAIN),
        key=lambda cut: (cut.tokenizer.name == vectors.tokenizer, cut.coverage),
    )
    gain = best.coverage - used.coverage
    if gain < _LEAST_GAIN or gain < _LEAST_SHARE_OF_MISSES * (1 - used.coverage):
        return None
    examples = ", ".join(f"{word!r} as {' '.join(parts)!r}" for word, parts in _found_otherwise(used, best))
    return (
        f"The vectors seem to hold {best.tokenizer.words}: on {len(sample):,} texts {used.finds}, "
        f"{best.tokenizer.name} {best.coverage:.1%}{f' ({examples})' if examples else ''}. "
        f"Use --tokenizer {best.tokenizer.name}."
    )


def _found_otherwise(used: _Cut, best: _Cut) -> list[tuple[str, list[str]]]:
    """Returns the most frequent of the words that are missed, but found once they are cut in the better way."""
    examples = []
    for word, _ in used.missed.most_common(10 * _NUM_EXAMPLES):
        parts = best.tokenizer(word)
        if parts and parts != [word] and best.missed.keys().isdisjoint(parts) and best.counts.keys() >= set(parts):
            examples.append((word, parts))
    return examples[:_NUM_EXAMPLES]


def _warn_capitals(used: _Cut, sample: Sequence[str], vectors: HasWords) -> str | None:
    """Counts words that have a vector as they are written, where only their lower-case form is ever looked up.

    Coverage does not show it: a large cased set holds ``apple`` as well as ``Apple``, but they are two words.
    """
    if used.tokenizer("Ab") != ["ab"]:
        return None
    cased = used.tokenizer.name.removesuffix("-lower")
    written = _Cut(tokenizer_named("treebank" if cased == used.tokenizer.name else cased), sample, vectors)
    capitals = Counter({word: count for word, count in written.counts.items() if word != word.lower()})
    capitals -= written.missed
    share = capitals.total() / written.total
    if share < _LEAST_CAPITALS:
        return None
    examples = ", ".join(repr(word) for word, _ in capitals.most_common(_NUM_EXAMPLES))
    return (
        f"The vectors hold words with their capitals: on {len(sample):,} texts {share:.1%} of the running words have a "
        f"vector as they are written ({examples}) that is never looked up, since the tokenizer {used.tokenizer.name} "
        f"lower-cases. Use --tokenizer {written.tokenizer.name}."
    )


def _warn_pieces(used: _Cut, vectors: HasWords) -> str | None:
    """Looks for vectors of pieces of words that came without the tokenizer that makes such pieces."""
    words = vectors.words
    seen = words[:: -(-len(words) // _MOST_WORDS_SEEN)]
    pieces = [word for word in seen if word.startswith(_PIECE_MARKS) and len(word) > len(_PIECE_MARKS[0])]
    if len(pieces) < _LEAST_PIECES * len(seen):
        return None
    return (
        f"{len(pieces) / len(seen):.0%} of the vectors are of pieces of words ({pieces[0]!r}), which no tokenizer of "
        f"whole words looks up; {used.finds}. Open the folder of the model that they are from: its tokenizer.json, "
        "which cuts texts into such pieces, is then used."
    )
