"""fastText's .bin: equal to gensim's reading of a model that gensim trained, and every way to be damaged."""

import gzip
import re
import struct
import warnings
import zipfile

import numpy as np
import pytest

from meltpoint.embedding import build_embedding
from meltpoint.errors import VectorFileError
from meltpoint.text import Vocabulary, tokenizer_named
from meltpoint.vectors import AbsentWordError, open_vectors
from meltpoint.vectors.formats.fasttext_binary import FastTextBinary
from meltpoint.vectors.sources.finding import find_source

SENTENCES = [
    ["frozen", "embeddings", "melt", "slowly"],
    ["über", "straße", "\u6f22\u5b57", "a\u00a0b", "\U0001f600", "x"],
    ["fine-tuned", "embeddings", "move"],
]
UNKNOWN = ["nonesuch", "melting", "straßen", "\u00fc", "\u6f22", "two words", "q"]


def train(folder, **options):
    gensim = pytest.importorskip("gensim.models.fasttext", reason="gensim is not installed")

    settings = {"vector_size": 9, "min_count": 1, "bucket": 53, "min_n": 2, "max_n": 4, "epochs": 2, "seed": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gensim.FastText(SENTENCES * 5, workers=1, **settings | options)
        gensim.save_facebook_model(model, str(folder / "model.bin"))
        return folder / "model.bin", gensim.load_facebook_vectors(str(folder / "model.bin"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(tmp_path_factory.mktemp("fasttext"))


def test_words_have_gensims_bits(trained):
    path, expected = trained
    vectors = open_vectors(path)
    assert vectors.words[:] == expected.index_to_key
    assert vectors.matrix.tobytes() == expected.vectors.tobytes()
    assert vectors.report.file_format == "fastText binary"
    assert vectors.report.num_buckets == 53
    assert "unknown words are composed from 53 rows of n-grams" in str(vectors.report)


@pytest.mark.parametrize("word", UNKNOWN)
def test_unknown_words_have_gensims_bits(trained, word):
    path, expected = trained
    vectors = open_vectors(path)
    assert vectors.has_subwords
    assert vectors[word].tobytes() == expected.get_vector(word).tobytes()
    assert word not in vectors
    assert vectors.rows([word]).tolist() == [-1]


def test_gather_composes_and_says_what_it_found(trained):
    path, expected = trained
    vectors = open_vectors(path)
    words = ["embeddings", "nonesuch", "", "melt", "</s>"]  # of the empty word there is still <>
    matrix, found = vectors.gather(words)
    assert found.tolist() == [True, True, True, True, False]
    assert vectors.knows(iter(words)).tolist() == found.tolist()
    for row in np.flatnonzero(found):
        assert matrix[row].tobytes() == expected.get_vector(words[row]).tobytes()
    assert not matrix[~found].any()
    with pytest.raises(AbsentWordError, match=r"expected a word of model\.bin, found '</s>'"):
        vectors["</s>"]


def test_embedding_starts_with_composed_rows(trained):
    vectors = open_vectors(trained[0])
    vocabulary = Vocabulary.from_texts(["embeddings unheardof"], tokenizer=tokenizer_named("whitespace"))
    embedding = build_embedding(vectors, vocabulary)
    assert embedding.is_pretrained.tolist() == [False, False, True, True]
    assert embedding.coverage.by_type == 1
    row = list(vocabulary.words).index("unheardof")
    assert embedding.weight[row].detach().numpy().tobytes() == vectors["unheardof"].tobytes()


def test_packed_model_is_the_same(trained, tmp_path):
    content = trained[0].read_bytes()
    (tmp_path / "m.bin.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("cc.xx.300.bin", content)
    plain = open_vectors(trained[0])
    for name in ("m.bin.gz", "m.zip"):
        packed = open_vectors(tmp_path / name)
        assert packed.digest == plain.digest
        assert packed["nonesuch"].tobytes() == plain["nonesuch"].tobytes()


def test_chunks_make_no_difference(trained, monkeypatch):
    whole = list(FastTextBinary().read(find_source(trained[0])))
    monkeypatch.setattr("meltpoint.vectors.formats.rows._MOST_ROWS", 4)
    monkeypatch.setattr("meltpoint.vectors.formats.forward._BLOCK_BYTES", 7)
    parts = list(FastTextBinary().read(find_source(trained[0])))
    assert len(parts) > len(whole)
    assert b"".join(part.matrix.tobytes() for part in parts) == b"".join(part.matrix.tobytes() for part in whole)


def test_without_ngrams(tmp_path):
    path, expected = train(tmp_path, max_n=0, bucket=0)
    vectors = open_vectors(path)
    assert not vectors.has_subwords
    assert vectors.matrix.tobytes() == expected.vectors.tobytes()
    with pytest.raises(AbsentWordError):
        vectors["nonesuch"]


def write_model(
    path,
    *,
    words=(b"</s>", b"cat"),
    labels=(),
    dim=2,
    buckets=3,
    min_n=3,
    max_n=6,
    magic=793712314,
    version=12,
    model=2,
    pruned=-1,
    quantised=0,
    shape=None,
    sizes=None,
    values=None,
):
    """Writes a model by hand, field by field as fastText does."""
    num_rows = len(words) + buckets
    sizes = sizes or (len(words) + len(labels), len(words), len(labels))
    values = np.arange(num_rows * dim) if values is None else values
    content = struct.pack("<2i", magic, version)
    content += struct.pack("<12id", dim, 5, 5, 1, 5, 1, 2, model, buckets, min_n, max_n, 100, 1e-4)
    content += struct.pack("<3i2q", *sizes, 9, pruned)
    content += b"".join(word + b"\0" + struct.pack("<qb", 1, 0) for word in words)
    content += b"".join(label + b"\0" + struct.pack("<qb", 1, 1) for label in labels)
    content += struct.pack("<B2q", quantised, *(shape or (num_rows, dim)))
    path.write_bytes(content + np.asarray(values, dtype="<f4").tobytes() + b"the output layer")
    return path


def test_line_end_keeps_its_own_row(tmp_path):
    """fastText's rule, which gensim does not follow: </s> has no n-grams."""
    vectors = open_vectors(write_model(tmp_path / "m.bin"))
    assert vectors["</s>"].tolist() == [0, 1]
    # cat: its row [2, 3] and those of <ca, <cat, <cat>, cat, cat>, at>, counted by hand from the hashes
    buckets = np.arange(10, dtype=np.float32).reshape(5, 2)[2:]
    from meltpoint.vectors.subwords import hash_ngram

    grams = (b"<ca", b"<cat", b"<cat>", b"cat", b"cat>", b"at>")
    rows = [[2, 3], *(buckets[hash_ngram(gram) % 3] for gram in grams)]
    np.testing.assert_allclose(vectors["cat"], np.mean(rows, axis=0), rtol=1e-6)


def test_labels_are_no_words(tmp_path):
    vectors = open_vectors(write_model(tmp_path / "m.bin", labels=(b"__label__a", b"__label__b"), model=3))
    assert vectors.words[:] == ["</s>", "cat"]
    assert vectors.has_subwords


def test_old_supervised_models_knew_no_ngrams(tmp_path):
    vectors = open_vectors(write_model(tmp_path / "m.bin", version=11, model=3))
    assert not vectors.has_subwords
    assert vectors.matrix.tolist() == [[0, 1], [2, 3]]


def test_word_that_is_not_utf8(tmp_path):
    path = write_model(tmp_path / "m.bin", words=(b"a", b"\xff", b"b"))
    with pytest.raises(VectorFileError, match="row 2: expected a word in UTF-8"):
        open_vectors(path)
    assert open_vectors(path, bad_rows="skip").words[:] == ["a", "b"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"quantised": 1}, r"found a quantised one \(\.ftz\).*print-word-vectors"),
        ({"pruned": 5}, "found a quantised one"),
        ({"version": 13}, "byte 4: expected fastText's version 11 or 12, found 13"),
        ({"dim": 0, "values": []}, "byte 8: expected D, a number of buckets and lengths of n-grams, found D 0"),
        ({"max_n": -1}, "n-grams of 3 to -1 characters"),
        ({"sizes": (2, -2, 4)}, "found 2 entries, of which -2 words and 4 labels"),
        ({"sizes": (2_000_000_000, 2_000_000_000, 0)}, "byte 120|expected entry 3 of|found another order|cut short"),
        ({"sizes": (2, 1, 1)}, "expected 1 words and then 1 labels, found another order at entry 2"),
        ({"shape": (10**12, 2)}, r"2 words and 3 buckets x 2 numbers, found 1,000,000,000,000 x 2"),
        ({"buckets": 2**31 - 1, "values": [0.0]}, r"expected 17,179,869,192 bytes of numbers, found"),
        ({"words": (b"x" * 70_000,)}, "expected entry 1 of the dictionary, a word that ends in NUL"),
        ({"values": [0, 1, 2, 3, 4, 5, 6, np.nan, 8, 9], "words": (b"x", b"y")}, "row of bucket 1"),
    ],
)
def test_error_says_what_is_wrong(tmp_path, fields, message):
    path = write_model(tmp_path / "m.bin", **{"min_n": 9, "max_n": 9} | fields if "values" in fields else fields)
    with pytest.raises(VectorFileError, match=message) as caught:
        open_vectors(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_an_error(tmp_path):
    path = write_model(tmp_path / "m.bin")
    content = path.read_bytes().removesuffix(b"the output layer")
    for size in range(4, len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(VectorFileError, match=re.escape(str(path))):
            open_vectors(path)
