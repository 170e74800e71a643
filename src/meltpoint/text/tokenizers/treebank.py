"""Penn Treebank cutting, as GloVe's own text was cut: ``do n't``, ``it 's``; the uncased sets in lower case.

The rules are the Treebank's, except where the words of glove.6B say that its own text was cut otherwise, or where the
Treebank's rules expect one sentence per line and labelled texts are paragraphs:

* Quotation marks stay ``"`` and brackets ``(`` ``)``: these are frequent words of the set (ranks 8, 23 and 24). The
  Treebank's ``-lrb-`` and ``-rrb-`` are not in it, and are written as the brackets they stand for. Typographic
  quotes and ellipses are written as ASCII first, which finds better trained rows.
* ``cannot``, ``gonna``, ``wanna`` stay whole: so they are in the set, far above ``gon``.
* A full stop is a word of its own, unless it belongs to an abbreviation (``inc.`` has rank 731, ``inc`` 15231).
* A slash between letters separates (``actor/director``); runs of dots and of dashes stay together.

Text that is tokenised already comes out as it went in, but for such spellings.

Vectors whose text was cut at punctuation only hold ``don't`` and no ``n't`` (word2vec's GoogleNews): for these,
contractions are put together again.
"""

import re
import string
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

from tokenizers import Regex, normalizers, pre_tokenizers

_CLITICS = "(?:s|m|d|ll|re|ve)"

SECOND_HALVES = frozenset({"n't", "'s", "'m", "'d", "'ll", "'re", "'ve"})

_ABBREVIATIONS = (
    "inc|corp|co|ltd|plc|bros|assn|dept|univ|mr|mrs|ms|messrs|dr|drs|prof|rev|hon|sen|sens|rep|reps|gov|govs|atty|st|jr|sr"
    "|gen|col|maj|capt|lt|sgt|cpl|pvt|adm|cmdr|brig|jan|feb|aug|sept|oct|nov|dec|calif|conn|colo|fla|mich|tenn|minn|wis"
    r"|ariz|okla|vs|etc|cf|ave|blvd|mt|ft|ph\.d"
)

# Inside a word: hyphen, ampersand, the apostrophe of a name (o'brien; not of a contraction), and between digits the
# marks of numbers, times and dates. The dot of a web address joins, the missing space after a full stop does not.
_JOINT = rf"(?:[-&]|'(?!(?:{_CLITICS}|t)(?!\w))|(?<=\d)[.,:/](?=\d)|\.(?=(?:com|org|net|edu|gov)(?!\w)))(?=\w)"

# Zero-width joiners are part of a word in Persian and in the scripts of India.
_WORD_CHARACTER = r"[\w\u200c\u200d]"

# In order: the first alternative that fits, at the leftmost place where any fits, is the next token. Written for lower
# case: a case-insensitive pattern takes six times as long.
_TREEBANK = "|".join(
    (
        r"(?<!\S)[^\W\d_]+(?!\S)",  # a word between blanks needs no rule: most of tokenised text, met first for speed
        r"-[lr][rsc]b-",  # brackets of already tokenised text
        r"<[a-z]{3,}>",  # <unk>, <user>, ...
        r"&(?:[a-z]+|#\d+);",
        r"https?://[^\s<>\"]*[^\s<>\".,:;!?)\]']",
        r"[\w.+-]{1,64}@\w+(?:[.-]\w+)+",  # bounded, so that a long run of letters costs no square of its length
        rf"n't(?!\w)|'{_CLITICS}(?!\w)",
        r"'n'|'(?:em|til|cause|n)(?!\w)|'\d\d(?:s)?(?!\w)|y'(?=all(?!\w))|(?<!\w)(?:ol|somethin)'(?!\w)",
        r"(?<!\w)[a-z](?:\.[a-z])+(?!\w)\.?(?:-\w+)*",  # u.s., e.g., u.s.-led
        rf"(?<!\w)(?:{_ABBREVIATIONS})\.(?!\w)",
        r"(?<!\w)no\.(?=\s*\d)|(?<!\w)[b-hj-z]\.(?=\s+[a-z])",  # no. 5, j. smith
        r"\w+?(?=n't(?!\w))",
        r"(?<![\w.])[-+]?\.\d+|(?<![\w)-])[-+]\d+(?:[.,:/]\d+)*(?!\w)",  # .5, -3
        r"(?<![\w-])(?:anti|pro|pre|post|non|mid)-(?=\s)",
        rf"{_WORD_CHARACTER}+(?:{_JOINT}{_WORD_CHARACTER}+)*",
        r"\.{2,}|-{2,}|``|''",
        r"[^\s\p{Cc}\u200b]",
    )
)

# One spelling of each mark, as patterns: typographic signs, entities of the web (AG News lost their &; &amp; is a
# frequent word of glove.6B and stays), the Treebank's escapes, line breaks of scraped reviews, soft hyphens.
_SPELLINGS = {
    "[\u2018\u2019]|&?#39;|&apos;": "'",
    "[\u201c-\u201e]|&?quot;": '"',
    "\u2026": "...",
    "&lt;": "<",
    "&gt;": ">",
    "&nbsp;": " ",
    r"\\/": "/",
    r"\\\*": "*",
    "(?<!\\S)-(?:lrb|LRB)-(?!\\S)": "(",
    "(?<!\\S)-(?:rrb|RRB)-(?!\\S)": ")",
    r"<[bB][rR]\s*/?>": " ",
    "[\u00ad\ufeff]": "",
}

# Offsets found in lower case must hold in the text itself: letters outside ASCII may change their length (İ), and the
# rules name none of them.
_ASCII_LOWER_CASE = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def _spelling() -> list[normalizers.Normalizer]:
    return [
        normalizers.NFC(),
        *(normalizers.Replace(Regex(pattern), spelling) for pattern, spelling in _SPELLINGS.items()),
    ]


# Inverted, a match is what is kept and the rest between matches is what is removed.
_SPLITTER = pre_tokenizers.Split(Regex(_TREEBANK), behavior="removed", invert=True)
_SPELLED = normalizers.Sequence(_spelling())
_SPELLED_LOWER = normalizers.Sequence([*_spelling(), normalizers.Lowercase()])


def rules_lower_case() -> tuple[normalizers.Normalizer, pre_tokenizers.PreTokenizer]:
    """Returns what :func:`cut_lower_case` does, as parts of a ``tokenizer.json``."""
    return _SPELLED_LOWER, _SPLITTER


def rules_keeping_case() -> tuple[normalizers.Normalizer, pre_tokenizers.PreTokenizer]:
    """Returns what :func:`cut_keeping_case` does, as parts of a ``tokenizer.json``: slower, but the same cuts."""
    return _SPELLED, pre_tokenizers.Split(Regex(f"(?i:{_TREEBANK})"), behavior="removed", invert=True)


def cut_lower_case(text: str) -> list[str]:
    """Returns the words of a text in lower case."""
    if is_plain(text):
        return [word for pieces in _plain_pieces(text.lower()) for word in pieces]
    return split_lower_case(_SPELLED_LOWER.normalize_str(text))


def cut_keeping_case(text: str) -> list[str]:
    """Returns the words of a text as they are written, cut at the same places as in lower case."""
    if is_plain(text):
        words = []
        for chunk, pieces in zip(text.split(), _plain_pieces(text.lower()), strict=True):
            end = 0
            for piece in pieces:
                words.append(chunk[end : end + len(piece)])
                end += len(piece)
        return words
    spelled = spell(text)
    return [spelled[start:stop] for start, stop in find_words(spelled.translate(_ASCII_LOWER_CASE))]


# Most English text is printable ASCII without the marks that have another spelling. Of such a text, what stands between
# blanks is cut by itself: no word holds a blank, and the only rules that look beyond one ask for a digit or a letter
# right after it. Few such chunks are not words as they stand, and those that are not come again: they are remembered.
_NOT_PLAIN = re.compile(r"[^ -~\t\n\r]|[&<\\]|#39;|quot;|-(?:[lr]rb|[LR]RB)-")
_REMEMBERED_CHUNKS = 1 << 16


def is_plain(text: str) -> bool:
    """Tells whether the rules may be asked chunk by chunk: what stands between blanks is cut by itself."""
    return _NOT_PLAIN.search(text) is None


def _plain_pieces(text: str) -> Iterator[Sequence[str]]:
    """Yields the words of each chunk of a text in lower case; end to end they are the chunk."""
    chunks = text.split()
    at_end = " " if text[-1:].isspace() else ""
    for chunk, after in zip_longest(chunks, chunks[1:]):
        if chunk.isalpha():
            yield (chunk,)
        elif after is None:
            yield _cut_chunk(chunk, at_end)
        else:
            yield _cut_chunk(chunk, after[0] if after[0].isalnum() else " ")


@lru_cache(maxsize=_REMEMBERED_CHUNKS)
def _cut_chunk(chunk: str, after: str) -> tuple[str, ...]:
    """Cuts a chunk that a blank and a letter or digit follow, or a blank (and what matters to no rule), or nothing."""
    words = split_lower_case(f"{chunk} {after}" if after else chunk)
    return tuple(words[:-1] if after.strip() else words)


def cut_whole_lower_case(text: str) -> list[str]:
    """Returns the words of a text in lower case, contractions whole: ``don't``, also of a text that has ``do n't``."""
    return rejoin(cut_lower_case(text))


def cut_whole_keeping_case(text: str) -> list[str]:
    """Returns the words of a text as they are written, contractions whole."""
    return rejoin(cut_keeping_case(text))


def rejoin(words: Sequence[str]) -> list[str]:
    """Puts contractions together again."""
    whole: list[str] = []
    for word in words:
        if whole and word.lower() in SECOND_HALVES and whole[-1][-1].isalnum():
            whole[-1] += word
        else:
            whole.append(word)
    return whole


def spell(text: str) -> str:
    """Returns a text with one spelling of each mark."""
    spelled: str = _SPELLED.normalize_str(text)
    return spelled


def split_lower_case(text: str) -> list[str]:
    """Cuts a text that is in lower case already, and leaves every mark as it is spelled."""
    return [word for word, _ in _SPLITTER.pre_tokenize_str(text)]


def find_words(text: str) -> list[tuple[int, int]]:
    """Returns where the words stand of a text that is in lower case already."""
    return [place for _, place in _SPLITTER.pre_tokenize_str(text)]
