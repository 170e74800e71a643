"""Tweets as the text of glove.twitter.27B was written: ``<user>``, ``<url>``, ``<hashtag>``, ``<elong>``, ...

The marks, and the order in which they are set, are those of ``preprocess-twitter.rb``, the script that the authors of
GloVe publish for that set (https://nlp.stanford.edu/projects/glove/preprocess-twitter.rb). The words between the marks
are cut by Treebank conventions in lower case, since the set holds ``n't`` and ``'m``.

Where the published script damages text, this tokenizer does what the script is there for:

* A face stands by itself. The script finds one in ``said: `` (``sai<smile>``), in ``(born 1988)`` and in ``:people``.
* ``(:`` is a smile and ``):`` is sad; the script has the brackets of mirrored faces the wrong way round
  (stanfordnlp/GloVe#107, #124). ``:/`` is a face before slashes are set apart, so that it can be one.
* ``<allcaps>`` follows a word in capitals, of two letters or more; in the script it follows any two characters that
  are not lower-case letters or digits, blanks among them (stanfordnlp/GloVe#121).
"""

import html
import re
import unicodedata
from collections.abc import Callable

from meltpoint.text.tokenizers.treebank import split_lower_case

_LETTER = r"[^\W\d_]"
_EYES = "(?:[:=;]|(?<!\\w)8)"  # the 8 of a number is none
_NOSE = "['`-]?"
_MARK = re.compile("<[a-z]+>")


def _mark_hashtag(found: re.Match[str]) -> str:
    """``#MeltingPoint`` -> ``<hashtag> Melting Point``; ``#LOL`` stays whole, to be marked as capitals further on."""
    body = found[1]
    in_capitals = _MARK.sub("", body).isupper()  # #USA2014 is #USA<number> by now
    return f"<hashtag> {body if in_capitals else re.sub('(?=[A-Z])', ' ', body)}"


def _mark_elongated(found: re.Match[str]) -> str:
    """``wayyy`` -> ``way <elong>``, but only where the repeated letter ends its word."""
    ends_word = not found.string[found.end() : found.end() + 1].isalnum()
    return f"{found[1]} <elong>" if ends_word else found[0]


def _mark_capitals(found: re.Match[str]) -> str:
    """``WOW`` -> ``WOW <allcaps>``; ``I`` and ``A`` are no shouting."""
    return f"{found[0]} <allcaps>" if len(found[0]) > 1 and found[0].isupper() else found[0]


# A lookbehind before a run (of brackets, of dots) lets only its first character begin a match: to try each of the rest
# in vain would cost the square of its length.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (r"https?://\S+\b|www\.(?:\w+\.)+\S*", "<url>"),
        (r"@\w+", "<user>"),
        (rf"{_EYES}{_NOSE}(?:\)+|[dD]+(?!\w))|(?<!\()\(++{_NOSE}{_EYES}", "<smile>"),
        (rf"{_EYES}{_NOSE}[pP]+(?!\w)", "<lolface>"),
        (rf"{_EYES}{_NOSE}\(+|(?<!\))\)++{_NOSE}{_EYES}", "<sadface>"),
        (rf"{_EYES}{_NOSE}(?:[/|*]|l(?!\w))", "<neutralface>"),
        (r"/", " / "),
        (r"<3", "<heart>"),
        (r"[-+]?(?:(?<!\.)\.+)?\d[:,.\d]*", "<number>"),
        (r"#(\S+)", _mark_hashtag),
        (r"[!?.]+([!?.])", r"\1 <repeat>"),
        (rf"({_LETTER})\1{{2,}}+", _mark_elongated),
        (rf"{_LETTER}+(?:'{_LETTER}+)*", _mark_capitals),
    )
)

# What the web does to a tweet before anyone reads it, beyond the entities that ``html`` knows.
_TYPOGRAPHIC_APOSTROPHES = str.maketrans("\u2018\u2019", "''", "\u00ad\ufeff")


def mark_tweet(text: str) -> str:
    """Sets the marks into a text; it keeps its case.

    >>> " ".join(mark_tweet("@ann SOOO good!!! http://t.co/x #MeltingPoint").split())
    '<user> SO <allcaps> <elong> good! <repeat> <url> <hashtag> Melting Point'
    """
    text = unicodedata.normalize("NFC", html.unescape(text)).translate(_TYPOGRAPHIC_APOSTROPHES)
    for pattern, mark in _RULES:
        text = pattern.sub(mark, text)
    return text


def cut_tweet(text: str) -> list[str]:
    """Returns the words and marks of a tweet, in lower case."""
    return split_lower_case(mark_tweet(text).lower())
