"""Safetensors: our own layout and others', every floating type, and headers that lie."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats.tensors import map_tensors

WORDS = ["the", "a\u00a0b", "line\nend", "", "two words", "\u6f22"]
MATRIX = np.random.default_rng(2).standard_normal((len(WORDS), 3)).astype(np.float32)


def own_tensors(words, matrix):
    encoded = [word.encode() for word in words]
    return {
        "embedding": matrix,
        "words": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "offsets": np.cumsum([0, *map(len, encoded)], dtype=np.int64),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "v.safetensors"


def test_words_within(path):
    save_file(own_tensors(WORDS, MATRIX), path, metadata={"format": "meltpoint/vectors/1"})
    vectors = open_vectors(path)
    assert vectors.words[:] == WORDS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    assert vectors.report.file_format == "safetensors"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floating_types_equal_torchs(path, dtype):
    matrix = torch.from_numpy(MATRIX).to(dtype)
    save_torch_file({"any.name": matrix, "bias": matrix[0].clone()}, path)
    path.with_name("v.words.txt").write_text("\n".join("abcdef"))
    vectors = open_vectors(path)
    assert vectors.words[:] == list("abcdef")
    assert vectors.matrix.tobytes() == matrix.float().numpy().tobytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=9, unique=True))
def test_any_words(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("any") / "v.safetensors"
    save_file(own_tensors(words, np.zeros((len(words), 2), np.float32)), path)
    assert open_vectors(path).words[:] == words


def test_many_chunks(path, monkeypatch):
    monkeypatch.setattr("meltpoint.vectors.formats.rows._MOST_ROWS", 2)
    save_file(own_tensors(WORDS, MATRIX), path)
    assert open_vectors(path).matrix.tobytes() == MATRIX.tobytes()


def test_tensors_are_mapped_and_equal_the_librarys(path):
    tensors = own_tensors(WORDS, MATRIX) | {"flag": np.array([True]), "scalar": np.array(3.0), "none": np.empty((0, 4))}
    save_file(tensors, path)
    mapped = map_tensors(path, "place")
    assert set(mapped) == set(tensors) - {"flag"}  # booleans hold no vectors
    for name, tensor in mapped.items():
        np.testing.assert_array_equal(tensor.data, tensors[name])


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            {"a": MATRIX, "b": MATRIX},
            r"expected one matrix of numbers, named embedding or the only .* a F32 \(6, 3\), b F32",
        ),
        ({"a": MATRIX[0]}, r"found a F32 \(3,\); is this a model of another kind"),
        ({"a": MATRIX.astype(np.int8)}, r"found a I8 \(6, 3\)"),
        (
            {"embedding": MATRIX},
            r"expected the words of this matrix in the tensors words and offsets, or in a file beside",
        ),
        (own_tensors(WORDS, MATRIX[:5]), r"offsets, int64 of shape \(6,\) and ascending"),
        (own_tensors(WORDS, MATRIX) | {"words": np.zeros(3, np.uint8)}, "ascending from 0 to the size of words"),
        (own_tensors(WORDS, MATRIX) | {"offsets": np.zeros(7, np.int32)}, r"found U8 \(\d+,\) and I32 \(7,\)"),
        (own_tensors(["a", "b"], np.array([[1.0], [np.nan]], np.float32)), "row 2: expected finite numbers, found nan"),
    ],
)
def test_error_says_what_is_wrong(path, tensors, message):
    save_file(tensors, path)
    with pytest.raises(VectorFileError, match=message):
        open_vectors(path)


def test_offsets_that_go_back(path):
    tensors = own_tensors(["ab", "c"], MATRIX[:2])
    tensors["offsets"] = np.array([0, 5, 3])
    save_file(tensors, path)
    with pytest.raises(VectorFileError, match="ascending from 0"):
        open_vectors(path)


def tensor(**changes):
    return {"embedding": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]} | changes}


@pytest.mark.parametrize(
    "header",
    [
        tensor(data_offsets=[0, 9]),
        tensor(data_offsets=[-8, 0]),
        tensor(data_offsets=[8, 16]),
        tensor(data_offsets=[0, 10**30]),
        tensor(shape=[10**12, 10**12]),
        tensor(shape=[2**62, 4, 2]),
        tensor(shape=[-2, -1]),
        tensor(shape=[2.0, 1]),
        tensor(shape=[1] * 70 + [2]),
        tensor(shape=None),
        tensor(shape=[2**62, 2**62, 0], data_offsets=[0, 0]),
        {"embedding": 1},
        {"embedding": {"dtype": "F32"}},
        {"embedding": {"dtype": ["F32"], "shape": [2, 1], "data_offsets": [0, 8]}},
        {},
        {"__metadata__": []},
    ],
    ids=str,
)
def test_hostile_header(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(VectorFileError, match=r"v\.safetensors"):
        open_vectors(path)


@pytest.mark.parametrize("text", [b"{", b"{" * 100_000, b'{"a":' * 5_000, b"{\xff}", b'{"a": NaN'])
def test_header_that_is_no_json(path, text):
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(VectorFileError, match="expected a safetensors header of a length and a JSON object"):
        open_vectors(path)


def test_every_truncation_is_an_error(path):
    save_file(own_tensors(WORDS, MATRIX), path)
    content = path.read_bytes()
    for size in range(0, len(content), 11):
        path.write_bytes(content[:size])
        with pytest.raises(VectorFileError):
            open_vectors(path)


def test_changed_while_it_was_read(path, monkeypatch):
    save_file(own_tensors(WORDS, MATRIX), path)
    monkeypatch.setattr("meltpoint.vectors.sources.source.FolderSource.has_changed", lambda self: True)
    with pytest.raises(VectorFileError, match="the files changed while they were being read"):
        open_vectors(path)
