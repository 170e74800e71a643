"""What trials read: prepared once, the same after a turn through files."""

import numpy as np
import pytest

from meltpoint.text import corpus_from_lists, tokenizer_named
from meltpoint.trial import TrialData, prepare_data, vocabulary_tokens

TEXTS = ["a good movie", "a zzqxv movie", "", "bad <unk> bad <pad>", "the point", "point of the movie"]
LABELS = ["yes", "no", "yes", "no", "yes", "no"]


@pytest.fixture(scope="module", params=["plain", "groups and test set"])
def data(request, glove):
    more = {}
    if request.param != "plain":
        more = {"groups": [1, 1, 2, 2, 3, 3], "test_texts": ["the good", "the bad"], "test_labels": ["yes", "no"]}
    texts = [text or "." for text in TEXTS]
    return prepare_data(corpus_from_lists(texts, LABELS, **more), glove, tokenizer_named("whitespace"))


def test_rows_of_the_lexicon_are_those_of_the_vectors(data, glove):
    for token, word in enumerate(data.packed.lexicon):
        known = word not in {"zzqxv", "<unk>", "<pad>"}
        assert data.found[token] == known
        assert np.array_equal(data.pretrained[token], glove[word] if known else np.zeros(50))
    assert data.pretrained.dtype == np.float32


def test_what_is_saved_is_loaded(data, tmp_path):
    data.save(tmp_path)
    loaded = TrialData.load(tmp_path)
    assert loaded.packed.lexicon == data.packed.lexicon
    assert loaded.num_classes == data.num_classes == 2
    assert loaded.has_test == data.has_test
    pairs = [(getattr(loaded, name), getattr(data, name)) for name in ("label_ids", "is_test", "found", "pretrained")]
    pairs += [(loaded.packed.ids, data.packed.ids), (loaded.packed.offsets, data.packed.offsets)]
    if data.groups is None:
        assert loaded.groups is None
    else:
        pairs.append((loaded.groups, data.groups))
    for found, expected in pairs:
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    assert isinstance(loaded.pretrained, np.memmap)
    assert not loaded.pretrained.flags.writeable


def test_words_spelled_like_the_special_rows_are_unknown(data):
    assert [data.packed.lexicon[token] for token in data.reserved] == ["<unk>", "<pad>"]
    seen = vocabulary_tokens(data, np.arange(6))
    assert not set(seen) & set(data.reserved)


def test_the_vocabulary_is_that_of_the_rows(data):
    words = [data.packed.lexicon[token] for token in vocabulary_tokens(data, np.array([0, 3]))]
    assert words == ["a", "good", "movie", "bad"]
