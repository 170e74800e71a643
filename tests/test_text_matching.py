"""How texts and vectors fit: meaning and frequency."""

import numpy as np
import pytest

from meltpoint.randomness import generator
from meltpoint.text import pack_texts, tokenizer_named
from meltpoint.text.matching import cooccurrence_vectors, measure_rank_divergence, measure_semantic_match

TOPICS, WORDS_PER_TOPIC = 6, 15


@pytest.fixture(scope="module")
def topical():
    """Texts of one topic each, and for every word a vector that is its topic's but for some noise."""
    random = generator(0, "topics")
    names = [[f"{chr(97 + topic)}{chr(97 + word)}" for word in range(WORDS_PER_TOPIC)] for topic in range(TOPICS)]
    texts = [" ".join(random.choice(names[row % TOPICS], 8)) for row in range(600)]
    packed = pack_texts(texts, tokenizer_named("whitespace"))
    centres = random.standard_normal((TOPICS, 20))
    topics = [ord(word[0]) - 97 for word in packed.lexicon]
    vectors = (centres[topics] + 0.3 * random.standard_normal((len(topics), 20))).astype(np.float32)
    return packed, vectors, np.array(topics)


def match(packed, vectors, **settings):
    rows = np.arange(len(packed))
    return measure_semantic_match(packed, rows, vectors, np.ones(len(vectors), dtype=bool), seed=0, **settings)


def test_words_of_one_topic_stand_together(topical):
    packed, _, topics = topical
    found = cooccurrence_vectors(packed, np.arange(len(packed)), np.arange(len(packed.lexicon)))
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    cosines, same = unit @ unit.T, topics[:, None] == topics[None]
    np.fill_diagonal(same, False)
    assert cosines[same].mean() > 0.5
    assert abs(cosines[topics[:, None] != topics[None]].mean()) < 0.1


def test_vectors_of_the_same_topics_agree_and_random_ones_do_not(topical):
    packed, vectors, _ = topical
    found = match(packed, vectors)
    assert found.words == TOPICS * WORDS_PER_TOPIC
    assert found.agreement > 0.4
    assert found.low < found.agreement < found.high
    assert found.halves > 0.4
    nothing = match(packed, generator(1, "random").standard_normal(vectors.shape).astype(np.float32))
    assert abs(nothing.agreement) < 0.05
    assert nothing.low < 0 < nothing.high


def test_the_texts_agree_with_their_own_space(topical):
    packed, _, _ = topical
    own = cooccurrence_vectors(packed, np.arange(len(packed)), np.arange(len(packed.lexicon)))
    assert match(packed, own.astype(np.float32)).agreement > 0.99


def test_the_same_seed_gives_the_same_match(topical):
    packed, vectors, _ = topical
    assert match(packed, vectors) == match(packed, vectors)


def test_a_text_that_stands_there_twice_counts_once(topical):
    packed, vectors, _ = topical
    there = np.ones(len(vectors), dtype=bool)
    rows = np.arange(len(packed))
    twice = measure_semantic_match(packed, np.repeat(rows, 2), vectors, there, seed=0)
    assert twice == measure_semantic_match(packed, rows, vectors, there, seed=0)


def test_too_few_words_say_nothing():
    packed = pack_texts(["a b c"] * 20, tokenizer_named("whitespace"))
    assert match(packed, np.ones((3, 4), np.float32)) is None


def test_the_correlation_is_scipys(topical):
    from scipy.stats import spearmanr

    packed, vectors, _ = topical
    own = cooccurrence_vectors(packed, np.arange(len(packed)), np.arange(len(packed.lexicon)))
    counts = packed.counts(np.arange(len(packed)))
    order = np.argsort(-counts, kind="stable")
    above = np.triu_indices(len(order), k=1)

    def cosines(table):
        unit = table[order] / np.linalg.norm(table[order], axis=1, keepdims=True)
        return np.round((unit @ unit.T)[above], 12)

    assert match(packed, vectors).agreement == pytest.approx(
        spearmanr(cosines(own), cosines(vectors.astype(np.float64))).statistic, abs=1e-6
    )


def test_frequencies_as_the_vectors_have_them():
    places = np.arange(500)
    words = [f"w{place}" for place in places]
    counts = np.round(1e6 / (places + 3.7)).astype(np.int64)
    same = measure_rank_divergence(words, counts, places)
    assert same.spearman == pytest.approx(1, abs=1e-3)
    assert same.jensen_shannon < 1e-6
    upside_down = measure_rank_divergence(words, counts[::-1], places)
    assert upside_down.spearman == pytest.approx(-1, abs=1e-3)
    assert 0.3 < upside_down.jensen_shannon <= 1
    assert upside_down.overused[0] == "w499"


def test_divergence_by_hand():
    # Two words with the shares 3/4 and 1/4 in the texts; their places foretell 4.7/8.4 and 3.7/8.4.
    found = measure_rank_divergence(["x", "y", "z"], np.array([3, 1, 0]), np.array([0, 1, 2]))
    p, q = np.array([4.7, 3.7]) / 8.4, np.array([0.75, 0.25])
    m = (p + q) / 2
    by_hand = ((p * np.log2(p / m)).sum() + (q * np.log2(q / m)).sum()) / 2
    assert found.jensen_shannon == pytest.approx(by_hand)
    assert (found.words, found.overused) == (2, ("x",))
    assert measure_rank_divergence(["x"], np.array([3]), np.array([0])) is None
