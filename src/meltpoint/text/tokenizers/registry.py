"""Finds a tokenizer by its name, or the one that fits given vectors.

A new tokenizer is one function from a text to its words and one line in ``_REGISTRY``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import WhitespaceSplit

from meltpoint.errors import InputError
from meltpoint.text.tokenizers.own import OWN_TOKENIZER, OwnTokenizer
from meltpoint.text.tokenizers.tokenizer import Tokenizer
from meltpoint.text.tokenizers.treebank import (
    cut_keeping_case,
    cut_lower_case,
    cut_whole_keeping_case,
    cut_whole_lower_case,
    rules_keeping_case,
    rules_lower_case,
)
from meltpoint.text.tokenizers.treebank_chunks import (
    cut_chunks_keeping_case,
    cut_chunks_lower_case,
    cut_chunks_whole_keeping_case,
    cut_chunks_whole_lower_case,
)
from meltpoint.text.tokenizers.twitter import cut_tweet


def _split_lower_case(text: str) -> list[str]:
    return text.lower().split()


def _split_all(chunks: Sequence[str]) -> list[list[str]]:
    return [chunk.split() for chunk in chunks]


def _split_all_lower_case(chunks: Sequence[str]) -> list[list[str]]:
    return [_split_lower_case(chunk) for chunk in chunks]


def _rules_of_blanks() -> tuple[None, WhitespaceSplit]:
    return None, WhitespaceSplit()


def _rules_of_blanks_lower_case() -> tuple[Lowercase, WhitespaceSplit]:
    return Lowercase(), WhitespaceSplit()


_REGISTRY: Final = {
    tokenizer.name: tokenizer
    for tokenizer in (
        Tokenizer(
            "treebank-lower",
            cut_lower_case,
            words="words in lower case, contractions cut in two (do n't)",
            rules=rules_lower_case,
            cut_chunks=cut_chunks_lower_case,
        ),
        Tokenizer(
            "treebank",
            cut_keeping_case,
            words="words with their capitals, contractions cut in two (do n't)",
            rules=rules_keeping_case,
            cut_chunks=cut_chunks_keeping_case,
        ),
        Tokenizer(
            "whole-lower",
            cut_whole_lower_case,
            words="words in lower case, contractions whole (don't)",
            cut_chunks=cut_chunks_whole_lower_case,
        ),
        Tokenizer(
            "whole",
            cut_whole_keeping_case,
            words="words with their capitals, contractions whole (don't)",
            cut_chunks=cut_chunks_whole_keeping_case,
        ),
        Tokenizer("twitter", cut_tweet, words="words in lower case and marks for what fills tweets (<user>, <url>)"),
        Tokenizer(
            "whitespace",
            str.split,
            words="words as blanks separate them",
            rules=_rules_of_blanks,
            cut_chunks=_split_all,
        ),
        Tokenizer(
            "whitespace-lower",
            _split_lower_case,
            words="words in lower case, as blanks separate them",
            rules=_rules_of_blanks_lower_case,
            cut_chunks=_split_all_lower_case,
        ),
    )
}


class NamesItsTokenizer(Protocol):
    """What :func:`tokenizer_for` needs of vectors: which tokenizer fits them, and the files that they brought along."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def tokenizer(self) -> str: ...  # noqa: D102
    @property
    def attachments(self) -> Mapping[str, Path]: ...  # noqa: D102


def tokenizer_names() -> tuple[str, ...]:
    """Returns the names of the tokenizers that fit any vectors of words."""
    return tuple(_REGISTRY)


def tokenizer_named(name: str) -> Tokenizer:
    """Returns the tokenizer of that name.

    Raises:
        InputError: There is none of that name; the text lists those there are.

    >>> tokenizer_named("treebank-lower")("It's $1,000.50; don't wait.")
    ['it', "'s", '$', '1,000.50', ';', 'do', "n't", 'wait', '.']
    """
    if name in _REGISTRY:
        return _REGISTRY[name]
    known = ", ".join(_REGISTRY)
    own = f" {OWN_TOKENIZER} comes with vectors that bring one: use tokenizer_for." if name == OWN_TOKENIZER else ""
    raise InputError(f"There is no tokenizer named {name!r}. Choose one of: {known}.{own}")


def tokenizer_for(vectors: NamesItsTokenizer, name: str = "auto") -> Tokenizer:
    """Returns the tokenizer that fits the vectors, or the one asked for.

    Args:
        vectors: They name their tokenizer, and may bring it along as ``tokenizer.json``.
        name: ``auto``, ``tokenizer.json`` for the one that the vectors brought, or a name of the registry.

    Raises:
        InputError: There is none of that name, or the vectors brought none, or theirs cannot be read.
    """
    name = vectors.tokenizer if name == "auto" else name
    if name != OWN_TOKENIZER:
        return tokenizer_named(name)
    path = vectors.attachments.get(OWN_TOKENIZER)
    if path is None:
        raise InputError(
            f"{vectors.name} brought no {OWN_TOKENIZER}: its words are not those of a tokenizer of its own. "
            f"Use auto, or choose one of: {', '.join(_REGISTRY)}."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: the tokenizer of {vectors.name} cannot be read ({error.strerror}); open the vectors again."
        ) from error
    return OwnTokenizer(content, place=f"{vectors.name}/{OWN_TOKENIZER}")
