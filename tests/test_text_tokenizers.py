"""The tokenizers: against NLTK where the rules agree, by hand where they differ on purpose."""

import pickle
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize import TreebankWordTokenizer

from meltpoint.errors import InputError
from meltpoint.text import measure_coverage, tokenizer_for, tokenizer_named
from meltpoint.text.tokenizers import treebank

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
NLTK = TreebankWordTokenizer()
LOWER = tokenizer_named("treebank-lower")


def nltk_words(text):
    return [token.lower() for token in NLTK.tokenize(text)]


def sentences(name, count):
    file = DATA / name / "all.csv"
    if not file.is_file():
        pytest.skip(f"the development data set {name} is not beside this checkout")
    return pl.read_csv(file, infer_schema=False)["text"].to_list()[:count]


@pytest.mark.parametrize(
    "text",
    [
        "I can't believe they've left; she'll go, won't she?",
        "The dog's bowl isn't the dogs' bowl.",
        "They paid $1,000.50 (10.5%) for it at 10:30, on 24/7 notice!",
        "A well-known, state-of-the-art re-imagining -- and it's long.",
        "Well... I'd said no; O'Brien couldn't say 1/2 of it.",
        "Acme Inc. of the U.S. and Mr. Smith sold it.",
        "We don't know what Smith & Co. [and others] is.",
        "do n't it 's we 're you 'll i 'd they 've i 'm",
    ],
)
def test_agrees_with_nltk_where_the_rules_are_the_same(text):
    assert LOWER(text) == nltk_words(text)


@pytest.mark.parametrize(
    ("text", "expected", "nltk"),
    [
        pytest.param('say "yes"', 'say " yes "', "say `` yes ''", id="the set's quotation mark has rank 8"),
        pytest.param("AT&T and I'd've", "at&t and i 'd 've", "at & t and i'd 've", id="at&t is a word of the set"),
        pytest.param("I cannot", "i cannot", "i can not", id="cannot has rank 1119"),
        pytest.param("It's gonna", "it 's gonna", "it 's gon na", id="gonna is far above gon"),
        pytest.param("Good. Bad.", "good . bad .", "good. bad .", id="a text is a paragraph, not a sentence"),
        pytest.param("at Acme Inc.", "at acme inc.", "at acme inc .", id="inc. has rank 731, inc 15231"),
        pytest.param("actor/director", "actor / director", "actor/director", id="slash between letters"),
        pytest.param("'the end'", "' the end '", "'the end '", id="single quotation marks"),
        pytest.param("so.....", "so .....", "so ... ..", id="runs of dots are words of the set"),
        pytest.param("it\u2019s \u201cso\u201d\u2026", 'it \'s " so " ...', None, id="typographic signs"),
        pytest.param("and\\/or 3\\*4", "and / or 3 * 4", None, id="the Treebank's escapes"),
        pytest.param("a<br /><br>b &lt; c &amp; d&#39;s", "a b < c &amp; d 's", None, id="markup of the web"),
        pytest.param("the '90s, 'em and y'all", "the '90s , 'em and y' all", None, id="leading apostrophes"),
        pytest.param("-5, .5 and anti- or c3", "-5 , .5 and anti- or c3", None, id="signs"),
        pytest.param("word--word", "word -- word", None, id="dashes"),
        pytest.param("See coxnews.com.But", "see coxnews.com . but", None, id="dots inside"),
        pytest.param("J. Smith, U.S.-led, no. 5, no. Q", "j. smith , u.s.-led , no. 5 , no . q", None, id="initials"),
        pytest.param("cafe\u0301", "caf\u00e9", None, id="composed letters"),
        pytest.param("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648", None, id="joiners"),
        pytest.param("\ufeffre\u00adturn", "return", None, id="marks that nobody sees"),
    ],
)
def test_differs_from_nltk_where_the_vectors_do(text, expected, nltk):
    assert " ".join(LOWER(text)) == expected
    if nltk is not None:
        assert " ".join(nltk_words(text)) == nltk


@pytest.mark.parametrize(
    "text",
    [
        "do n't it 's they 've i 'd ca n't wo n't",
        "( a well-known film ) ... `` so '' -- $ 1,000.50 ; 10 % , o'brien !",
        "<unk> the <pad> u.s. inc. mr. 3-0 &amp; 's n't ' \" ( ) [ ] .",
    ],
)
def test_tokenised_text_comes_out_as_it_went_in(text):
    assert LOWER(text) == text.split()


@pytest.mark.parametrize(("name", "least"), [("mr", 0.985), ("financial_phrasebank", 0.985)])
def test_agrees_with_nltk_on_real_sentences(name, least):
    texts = sentences(name, 2000)
    ours, theirs = (Counter(word for text in texts for word in cut(text)) for cut in (LOWER, nltk_words))
    assert (ours & theirs).total() / (ours | theirs).total() >= least


@pytest.mark.parametrize("name", ["mr", "financial_phrasebank", "subj"])
def test_covers_more_than_nltk_and_than_blanks(name, glove):
    texts = sentences(name, 2000)

    def by_token(cut):
        counts = Counter(word for text in texts for word in cut(text))
        return measure_coverage(glove, list(counts), list(counts.values())).by_token

    assert by_token(LOWER) > by_token(nltk_words) > by_token(lambda text: text.lower().split())


def test_the_rules_rest_on_the_words_of_the_set(glove):
    ranks = dict(
        zip(words := ['"', "``", "(", "-lrb-", "cannot", "gon", "gonna", "inc.", "inc"], glove.rows(words), strict=True)
    )
    assert ranks['"'] < ranks["``"]
    assert ranks["("] < 100
    assert ranks["-lrb-"] == -1
    assert 0 <= ranks["cannot"] < 2000
    assert ranks["gonna"] < ranks["gon"]
    assert ranks["inc."] < ranks["inc"]


@pytest.mark.parametrize("text", ["It's \u0130stanbul, isn't IT?", "CAN'T won't \u201cU.S.\u201d", "plain words"])
def test_keeping_case_cuts_at_the_same_places(text):
    cased = tokenizer_named("treebank")(text)
    assert [word.lower() for word in cased] == LOWER(text)
    assert any(word != word.lower() for word in cased) == any(character.isupper() for character in text)


@given(st.text())
def test_nothing_but_blanks_is_lost(text):
    assert LOWER("") == LOWER(" \n\t") == []
    words = LOWER(text)
    assert all(word and not word.isspace() for word in words)
    assert words == LOWER(text), "the same text, the same words"


@given(
    st.lists(
        st.sampled_from(["film", "n't", "'s", ".", ",", "...", "--", "(", "o'brien", "10", "well-made"]), max_size=8
    )
)
def test_cutting_again_changes_nothing(words):
    assert LOWER(" ".join(words)) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't, it's theirs.", "Don't , it's theirs ."),
        ("do n't it 's they 've", "don't it's they've"),
        ("'s up, (n't)", "'s up , ( n't )"),
        ("I'd've CAN'T", "I'd've CAN'T"),
    ],
)
def test_contractions_may_stay_whole(text, expected):
    assert tokenizer_named("whole")(text) == expected.split()
    assert tokenizer_named("whole-lower")(text) == expected.lower().split()


def test_many_texts_at_once():
    assert LOWER.tokenize_all(["A film.", "", "it's"]) == [["a", "film", "."], [], ["it", "'s"]]
    assert tokenizer_named("whitespace")("Don't  stop. ") == ["Don't", "stop."]


def test_found_by_name_and_by_vectors():
    assert tokenizer_for(SimpleNamespace(tokenizer="treebank")).name == "treebank"
    assert repr(tokenizer_named("whitespace")) == "Tokenizer('whitespace')"
    with pytest.raises(
        InputError,
        match=r"named 'spacy'\. Choose one of: treebank-lower, treebank, whole-lower, whole, twitter",
    ):
        tokenizer_named("spacy")


def test_goes_to_another_process():
    assert pickle.loads(pickle.dumps(LOWER))("It's") == ["it", "'s"]


_PARTS = (
    *("no.", "5", "J.", "smith", "anti-", "\n", "can't", "'s", "n't", "e.g.", "3.5", "-3", ".5", "http://a.b/c?d"),
    *("a@b.co", "...", "--", "``", "em", "'90s", "y'all", "mr.", "U.S.-led", "#1", "1,000", ":)", "\r", "o'brien"),
    *(
        "$",
        "%",
        "(",
        "]",
        "I",
        "&amp;",
        "quot;",
        "-LRB-",
        "ol'",
        '"',
        "/",
        "b.c.",
        "2:30",
        "\t",
        "é",
        "\u0130",
        "\u212a",
        "<br />",
        "\x1c",
    ),
)


@given(st.lists(st.tuples(st.sampled_from(_PARTS), st.sampled_from(["", " "])), max_size=9))
def test_plain_texts_are_cut_as_the_rules_cut_them(parts):
    text = "".join(part + blank for part, blank in parts)
    spelled = treebank._SPELLED.normalize_str(text)
    spans = treebank._SPLITTER.pre_tokenize_str(spelled.translate(treebank._ASCII_LOWER_CASE))
    assert treebank.cut_keeping_case(text) == [spelled[start:stop] for _, (start, stop) in spans]
    lower = treebank._SPELLED_LOWER.normalize_str(text)
    assert treebank.cut_lower_case(text) == treebank.split_lower_case(lower)
