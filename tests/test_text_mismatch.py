"""A tokenizer that does not fit is told, with numbers; one that fits is not, on real data."""

import numpy as np
import polars as pl
import pytest
from tokenizers import Tokenizer as Pieces
from tokenizers import models, normalizers, pre_tokenizers

from meltpoint.text import OWN_TOKENIZER, tokenizer_named, warn_mismatch
from meltpoint.vectors import Vectors

TEXTS = [
    "The people of Paris don't like Mondays, it's said.",
    "In Paris it's cold; they don't know why!",
    "People like the cold, they said, don't they?",
]
TWEETS = ["@ann look http://t.co/x #cold", "@bob it is cold!!! #cold", "so coldddd @ann http://t.co/y"]
LOWER = "the people of paris do n't like mondays , it 's said . in cold ; they know why ! ?"
CASED = f"{LOWER} The People of Paris Mondays In"
WHOLE = "the people of paris don't like mondays , it's said . in cold ; they know why ! ?"
MARKS = "<user> look <url> <hashtag> cold it is ! <repeat> so <elong> the people of"


class FewVectors:
    """Vectors of a few words; where they are, nobody asks."""

    def __init__(self, words, tokenizer="treebank-lower", attachments=None):
        self.words = words.split()
        self.tokenizer = tokenizer
        self.attachments = attachments or {}
        self.name = "few"

    def rows(self, words):
        places = {word: row for row, word in enumerate(self.words)}
        return np.array([places.get(word, -1) for word in words], dtype=np.int64)


def warn(texts, words, tokenizer, fits="treebank-lower"):
    return warn_mismatch(texts, FewVectors(words, fits), tokenizer_named(tokenizer))


@pytest.mark.parametrize(
    ("texts", "words", "tokenizer", "fits"),
    [
        (TEXTS, LOWER, "treebank-lower", "treebank-lower"),
        (TEXTS, CASED, "treebank", "treebank"),
        (TEXTS, WHOLE, "whole-lower", "whole-lower"),
        (TWEETS, MARKS, "twitter", "twitter"),
        ([LOWER], LOWER, "whitespace", "treebank-lower"),
        ([LOWER], CASED, "treebank-lower", "treebank"),
        ([], LOWER, "treebank-lower", "treebank-lower"),
        (["", " "], LOWER, "treebank-lower", "treebank-lower"),
        (TEXTS, "\u043b\u0451\u0434 \u0438", "treebank", "treebank"),
    ],
    ids=["lower", "cased", "whole", "tweets", "tokenised", "lower-cased text", "no text", "blank", "another language"],
)
def test_what_fits_is_not_told(texts, words, tokenizer, fits):
    assert warn(texts, words, tokenizer, fits) is None


@pytest.mark.parametrize(
    ("texts", "words", "tokenizer", "fits", "use", "said"),
    [
        (TEXTS, LOWER, "treebank", "treebank", "treebank-lower", ["words in lower case", "'The' as 'the'"]),
        (TEXTS, LOWER, "whitespace", "treebank-lower", "treebank-lower", ['"don\'t" as "do n\'t"', "do n't"]),
        (TEXTS, WHOLE, "treebank-lower", "treebank-lower", "whole-lower", ["contractions whole (don't)"]),
        (TWEETS, MARKS, "treebank-lower", "treebank-lower", "twitter", ["<user>", "'http://t.co/x' as '<url>'"]),
        (["they said 10 , 20 ; it 's 30 !"], f"{LOWER} 10 20 30", "twitter", "treebank-lower", "treebank-lower", []),
        (["( a ) -LRB- b -RRB-"] * 3, "( ) a b", "whitespace", "treebank", "treebank", ["'-LRB-' as '('"]),
    ],
    ids=["cased text, uncased set", "blanks", "halves", "tweets", "no marks", "PTB escapes"],
)
def test_what_does_not_fit_is_told_with_numbers(texts, words, tokenizer, fits, use, said):
    warning = warn(texts, words, tokenizer, fits)
    assert f"the tokenizer {tokenizer} finds " in warning
    assert warning.count("%") == 2
    assert warning.endswith(f"Use --tokenizer {use}.")
    for text in said:
        assert text in warning


def test_lower_casing_against_a_cased_set_is_told_though_coverage_is_whole():
    warning = warn(TEXTS, CASED, "treebank-lower", "treebank")
    assert "words with their capitals: on 3 texts" in warning
    assert "'Paris'" in warning
    assert warning.endswith("Use --tokenizer treebank.")
    assert warn(TEXTS, f"{WHOLE} Paris", "whole-lower", "whole").endswith("Use --tokenizer whole.")


@pytest.fixture
def pieces(tmp_path):
    """Vectors of word pieces, with their tokenizer."""
    words = ["[UNK]", *"abcdefghijklmnopqrstuvwxyz,.!?;'", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    made = Pieces(models.WordPiece({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    path = tmp_path / OWN_TOKENIZER
    path.write_text(made.to_str())
    return FewVectors(" ".join(words), OWN_TOKENIZER, {OWN_TOKENIZER: path})


def test_pieces_of_words(pieces):
    from meltpoint.text import tokenizer_for

    assert warn_mismatch(TEXTS, pieces, tokenizer_for(pieces)) is None
    warning = warn_mismatch(TEXTS, pieces, tokenizer_named("treebank-lower"))
    assert "pieces of words (melt ##ing)" in warning
    assert warning.endswith("Use --tokenizer tokenizer.json.")


def test_pieces_of_words_without_their_tokenizer(pieces):
    pieces.tokenizer, pieces.attachments = "treebank-lower", {}
    pieces.words += LOWER.split()
    warning = warn_mismatch(TEXTS, pieces, tokenizer_named("treebank-lower"))
    assert "of the vectors are of pieces of words ('##a')" in warning
    assert "Open the folder of the model" in warning


@pytest.mark.parametrize(
    ("name", "is_cased"),
    [
        ("sst2/train", False),
        ("mr/all", False),
        ("trec/train", True),
        ("financial_phrasebank/all", True),
        ("ag_news_sample/train", True),
    ],
)
def test_real_texts_and_real_glove(name, is_cased, glove: Vectors, shared_data):
    texts = pl.read_csv(shared_data / f"{name}.csv", infer_schema=False)["text"].to_list()
    assert warn_mismatch(texts, glove, tokenizer_named("treebank-lower")) is None
    for wrong in ("whitespace", "treebank"):
        warning = warn_mismatch(texts, glove, tokenizer_named(wrong))
        assert warning is not None or not is_cased
        assert warning is None or warning.endswith("Use --tokenizer treebank-lower.")
