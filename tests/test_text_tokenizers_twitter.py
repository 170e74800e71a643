"""The tweets' tokenizer: the marks of GloVe's published script, and where ours differs from it on purpose."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.text import tokenizer_named

TWITTER = tokenizer_named("twitter")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://t.co/aB3?x=1 or https://a.org", "see <url> or <url>"),
        ("www.example.com/a/b is", "<url> is"),
        ("read https://t.co/abc.", "read <url> ."),
        ("@ann and @Bob_7: hi", "<user> and <user> : hi"),
        (":) :-) =D ;') 8) :dd", "<smile> <smile> <smile> <smile> <smile> <smile>"),
        (":p ;-P =PPP", "<lolface> <lolface> <lolface>"),
        (":( :-(( ='(", "<sadface> <sadface> <sadface>"),
        (":| :* :-l", "<neutralface> <neutralface> <neutralface>"),
        ("i <3 u", "i <heart> u"),
        ("10 -5.2 +1,000.50 10:30 .5 2nd 5%", "<number> <number> <number> <number> <number> <number> nd <number> %"),
        ("#melting", "<hashtag> melting"),
        ("#MeltingPoint!", "<hashtag> melting point !"),
        ("#iPhone #LOL", "<hashtag> i phone <hashtag> lol <allcaps>"),
        ("#USA2014 #2014", "<hashtag> usa <allcaps> <number> <hashtag> <number>"),
        ("no!!! why?? so... what?!", "no ! <repeat> why ? <repeat> so . <repeat> what ! <repeat>"),
        ("wayyyy sooo, yes heyy", "way <elong> so <elong> , yes heyy"),
        ("WOW I am HAPPY", "wow <allcaps> i am happy <allcaps>"),
        ("YESSSS", "yes <allcaps> <elong>"),
        ("either/or", "either / or"),
        ("don't it's I'M", "do n't it 's i 'm <allcaps>"),
        ("RT @x: good", "rt <allcaps> <user> : good"),
    ],
)
def test_marks_of_the_published_script(text, expected):
    assert " ".join(TWITTER(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected", "script"),
    [
        ("he said: yes", "he said : yes", "sai<smile> yes"),
        ("(born 1988)", "( born <number> )", "198<smile>"),
        (":people like :like", ": people like : like", "<lolface>eople, <neutralface>ike"),
        ("(: and ):", "<smile> and <sadface>", "the smile is missed, the other a <smile>"),
        (":/ and/or", "<neutralface> and / or", "the slash is set apart first"),
        ("Hello. I AM", "hello . i am <allcaps>", "<allcaps> after '. I '"),
        ("#A", "<hashtag> a", "<allcaps>"),
        ("&lt;3 &amp; it\u2019s \u201cso\u201d\u2026", "<heart> & it 's \u201c so \u201d \u2026", "entities stay"),
    ],
)
def test_differs_where_the_script_damages_text(text, expected, script):
    assert " ".join(TWITTER(text)) == expected


@pytest.mark.parametrize("unit", [".", "(", ")", ":", "a", "aA", "'", "a'", "1:", "#", "@", "!", "-.", "www.", ":-"])
def test_no_text_takes_long(unit):
    start = time.perf_counter()
    TWITTER(unit * (20_000 // len(unit)))
    assert time.perf_counter() - start < 2


@given(st.text())
def test_any_text_gives_words(text):
    words = TWITTER(text)
    assert all(word and not word.isspace() for word in words)
    assert words == TWITTER(text)


@given(st.lists(st.sampled_from(["melting", "n't", "'s", ",", "o'brien", "well-made", "(", "&"]), max_size=8))
def test_plain_lower_case_words_come_out_as_they_went_in(words):
    assert TWITTER(" ".join(words)) == words
