"""Static models: equal to model2vec's own reading, in every layout, with and without merged rows."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.pre_tokenizers import Whitespace

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors

TOKENS = ["[PAD]", "[UNK]", "melt", "##ing", "\u6f22", "a"]
MATRIX = np.random.default_rng(3).standard_normal((len(TOKENS), 4)).astype(np.float32)


def tokenizer_json(kind="WordPiece") -> str:
    ids = {token: number for number, token in enumerate(TOKENS)}
    model = {
        "WordPiece": lambda: WordPiece(ids, unk_token="[UNK]"),
        "BPE": lambda: BPE(ids, []),
        "Unigram": lambda: Unigram([(token, -1.0) for token in TOKENS], unk_id=1, byte_fallback=False),
    }[kind]()
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    return tokenizer.to_str()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


def write(folder, tensors, tokenizer=None, below="."):
    place = folder / below
    place.mkdir(exist_ok=True)
    save_file(tensors, place / "model.safetensors")
    (place / "tokenizer.json").write_text(tokenizer or tokenizer_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", ["WordPiece", "BPE", "Unigram"])
def test_tokens_in_the_order_of_their_ids(folder, kind):
    vectors = open_vectors(write(folder, {"embeddings": MATRIX}, tokenizer_json(kind)))
    assert vectors.words[:] == TOKENS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    assert vectors.tokenizer == "tokenizer.json"
    assert vectors.report.file_format == "static model"
    kept = vectors.attachments["tokenizer.json"]
    assert kept.read_bytes() == (folder / "tokenizer.json").read_bytes()
    assert kept.parent == vectors.report.store


@pytest.mark.parametrize("below", [".", "0_StaticEmbedding"])
def test_sentence_transformers(folder, below):
    write(folder, {"embedding.weight": MATRIX.astype(np.float16)}, below=below)
    (folder / "config_sentence_transformers.json").write_text("{}")
    vectors = open_vectors(folder)
    assert vectors.matrix.tobytes() == MATRIX.astype(np.float16).astype(np.float32).tobytes()
    assert vectors.name == "model"


def test_file_within_the_folder(folder):
    whole = open_vectors(write(folder, {"embeddings": MATRIX}))
    assert open_vectors(folder / "model.safetensors").digest == whole.digest


def test_wordllama(folder):
    write(folder, {"embedding.weight": MATRIX})
    for name, place in (
        ("model.safetensors", "weights/l2_4.safetensors"),
        ("tokenizer.json", "tokenizers/l2_tokenizer_config.json"),
    ):
        (folder / place).parent.mkdir()
        shutil.move(folder / name, folder / place)
    whole = open_vectors(folder)
    assert whole.words[:] == TOKENS
    assert open_vectors(folder / "weights/l2_4.safetensors").digest == whole.digest


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
@pytest.mark.parametrize("merged", [False, True])
def test_same_as_model2vec(folder, dtype, merged):
    from model2vec import StaticModel

    generator = np.random.default_rng(4)
    if dtype is np.int8:
        matrix = generator.integers(-127, 128, (3 if merged else 6, 4)).astype(np.int8)
    else:
        matrix = generator.standard_normal((3 if merged else 6, 4)).astype(dtype)
    options = {}
    if merged:
        weights = generator.uniform(0.5, 2, 6).astype(np.float32)
        options = {"weights": weights, "token_mapping": np.array([0, 2, 1, 2, 0, 1])}
    model = StaticModel(matrix, Tokenizer.from_str(tokenizer_json()), {}, **options)
    model.save_pretrained(folder)
    vectors = open_vectors(folder)
    ids = np.arange(6)
    expected = np.asarray(model._encode_helper(ids), dtype=np.float32)
    assert vectors.words[:] == list(model.tokens)
    np.testing.assert_allclose(vectors.matrix, expected, rtol=1e-6)


def changed(**changes):
    content = json.loads(tokenizer_json())
    content["model"] |= changes
    return json.dumps(content)


@pytest.mark.parametrize(
    ("tensors", "tokenizer", "message"),
    [
        ({"embeddings": MATRIX[:5]}, None, "expected 6 rows, one for each token of the tokenizer, found 5"),
        (
            {"embeddings": MATRIX, "mapping": np.arange(5)},
            None,
            r"one of 6 rows for each of 6 tokens, found I64 .* \(5,\)",
        ),
        ({"embeddings": MATRIX, "mapping": np.arange(6) + 1}, None, "or rows that are not there"),
        ({"embeddings": MATRIX, "mapping": np.ones(6)}, None, "found F64"),
        (
            {"embeddings": MATRIX, "weights": np.ones(5)},
            None,
            "the tensor weights to hold a number for each of 6 tokens",
        ),
        (
            {"embeddings": MATRIX * np.float32(np.nan)},
            None,
            "token id 0: expected finite numbers, found nan as number 1",
        ),
        ({"embeddings": MATRIX * 1e38, "weights": np.full(6, 1e30)}, None, "expected finite numbers, found -?inf"),
        (
            {"a": MATRIX, "b": MATRIX},
            None,
            "named embeddings or embedding.weight or the only one there is, found a F32",
        ),
        ({"embeddings": MATRIX}, "{", r"tokenizer\.json: expected a tokenizer with a vocabulary"),
        ({"embeddings": MATRIX}, "[]", "that cannot be read"),
        ({"embeddings": MATRIX}, '{"model": 1}', "its model is no object"),
        ({"embeddings": MATRIX}, changed(vocab={}), "expected 2 rows, one for each token of the tokenizer, found 6"),
        ({"embeddings": MATRIX}, changed(vocab=[1, 2]), "that cannot be read"),
        ({"embeddings": MATRIX}, changed(vocab={"a": 0, "b": True}), "does not give numbers to texts"),
        ({"embeddings": MATRIX}, changed(vocab={"a": 3, "b": 4}), "expected the ids 0 to 3 for 4 tokens, each once"),
        ({"embeddings": MATRIX}, "[" * 100_000, "that cannot be read"),
    ],
)
def test_error_says_what_is_wrong(folder, tensors, tokenizer, message):
    with pytest.raises(VectorFileError, match=message):
        open_vectors(write(folder, tensors, tokenizer))


def test_token_that_is_half_a_character(folder):
    content = changed(vocab={token: number for number, token in enumerate([*TOKENS[:-1], "\ud800"])})
    with pytest.raises(VectorFileError, match="token id 5: expected a word in UTF-8"):
        open_vectors(write(folder, {"embeddings": MATRIX}, content))
    assert open_vectors(folder, bad_rows="skip").words[:] == TOKENS[:-1]
