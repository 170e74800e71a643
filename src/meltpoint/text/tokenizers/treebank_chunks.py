"""Treebank cutting of many chunks at a time: what stands between two blanks, each of them cut by itself.

The words of most chunks do not depend on what stands beside them (see ``treebank``). So the pattern is asked for
hundreds of them at a time, with a blank between them: to ask it for each takes twice as long.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from meltpoint.text.tokenizers.treebank import (
    SECOND_HALVES,
    cut_keeping_case,
    cut_lower_case,
    find_words,
    is_plain,
    rejoin,
    spell,
)

ChunkWords = Sequence[str] | None
"""The words of a chunk; None where they depend on what stands beside it."""

# The pattern takes longer for a character the longer the text is.
_AT_A_TIME = 256

# The chunks, in lower case, that are cut by what follows them: "no." and initials by a number or a letter, "anti-" by
# whether anything follows at all; and "<br", which "/>" ends. "u.s.", a word as it stands, is the most frequent that
# looks like one and is none.
_LOOKS_BEYOND = re.compile(r"(?:(?<![a-z])(?:no|[a-z])\.|(?:anti|pro|pre|post|non|mid)-|<br)\s*\Z")
_LETTERS_AND_DOTS = re.compile(r"""(?:\A|[("])[a-z](?:\.[a-z])+\.\s*\Z""")


def cut_chunks_lower_case(chunks: Sequence[str]) -> list[ChunkWords]:
    """Returns the words of each chunk in lower case."""
    return _cut_chunks([chunk.lower() if chunk.isascii() else chunk for chunk in chunks], cut_lower_case)


def cut_chunks_keeping_case(chunks: Sequence[str]) -> list[ChunkWords]:
    """Returns the words of each chunk as they are written."""
    return _cut_chunks(chunks, cut_keeping_case)


def cut_chunks_whole_lower_case(chunks: Sequence[str]) -> list[ChunkWords]:
    """The same in lower case, contractions whole."""
    return [_rejoin(words) for words in cut_chunks_lower_case(chunks)]


def cut_chunks_whole_keeping_case(chunks: Sequence[str]) -> list[ChunkWords]:
    """The same as it is written, contractions whole."""
    return [_rejoin(words) for words in cut_chunks_keeping_case(chunks)]


def _cut_chunks(chunks: Sequence[str], cut: Callable[[str], list[str]]) -> list[ChunkWords]:
    words: list[ChunkWords] = [None] * len(chunks)
    together = []
    for number, chunk in enumerate(chunks):
        if chunk.isascii() and chunk.isalpha():
            words[number] = (chunk,)
        elif is_plain(chunk):
            if not _looks_beyond(chunk):
                together.append(number)
        elif not _looks_beyond(spell(chunk)):
            words[number] = cut(chunk)
    for first in range(0, len(together), _AT_A_TIME):
        numbers = together[first : first + _AT_A_TIME]
        for number, found in zip(numbers, _cut_together([chunks[number] for number in numbers]), strict=True):
            words[number] = found
    return words


def _cut_together(chunks: Sequence[str]) -> Iterator[list[str]]:
    """Yields the words of each chunk, as they are written: ASCII, in no other spelling than one."""
    text = " ".join(chunks)
    places = iter(find_words(text.lower()))
    start, stop = next(places, (len(text), 0))
    end = -1
    for chunk in chunks:
        end += 1 + len(chunk)
        words = []
        while start < end:
            words.append(text[start:stop])
            start, stop = next(places, (len(text), 0))
        yield words


def _looks_beyond(spelled: str) -> bool:
    lower = spelled.lower()
    return _LOOKS_BEYOND.search(lower) is not None and _LETTERS_AND_DOTS.search(lower) is None


def _rejoin(words: ChunkWords) -> ChunkWords:
    # The second half of a contraction, by itself, belongs to the chunk before.
    if words and words[0].lower() in SECOND_HALVES:
        return None
    return words and rejoin(words)
