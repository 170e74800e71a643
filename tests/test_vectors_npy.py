""".npy and a list of words: types, orders, lists of every name, and files that do not belong together."""

import numpy as np
import polars as pl
import pytest

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats.word_lists import read_words
from meltpoint.vectors.sources.finding import find_source
from meltpoint.vectors.sources.source import FolderSource

WORDS = ["the", "a\u00a0b", "x\u0085y", "don't", "two words", "#", "\u6f22", "12"]
MATRIX = np.random.default_rng(1).standard_normal((len(WORDS), 3)).astype(np.float32)
LIST = "".join(f"{word}\n" for word in WORDS).encode()


@pytest.fixture
def write(tmp_path):
    def write(matrix=MATRIX, words: bytes | None = LIST, name: str = "v.words.txt"):
        np.save(tmp_path / "v.npy", matrix)
        if words is not None:
            (tmp_path / name).write_bytes(words)
        return tmp_path / "v.npy"

    return write


@pytest.mark.parametrize("name", ["v.words.txt", "v.vocab", "v.txt", "words.txt"])
def test_list_beside_the_matrix(write, name):
    vectors = open_vectors(write(name=name))
    assert vectors.words[:] == WORDS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    assert (vectors.name, vectors.report.file_format) == ("v.npy", "npy")


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floating_types_and_orders(write, dtype, order):
    matrix = np.array(MATRIX, dtype=dtype, order=order)
    vectors = open_vectors(write(matrix))
    assert vectors.matrix.tobytes() == matrix.astype(np.float32).tobytes()
    assert vectors.matrix.flags.c_contiguous


@pytest.mark.parametrize("words", [LIST.removesuffix(b"\n"), LIST.replace(b"\n", b"\r\n")])
def test_ends_of_lines(write, words):
    assert open_vectors(write(words=words)).words[:] == WORDS


def test_empty_word(write):
    assert open_vectors(write(MATRIX[:3], b"a\n\nb\n")).words[:] == ["a", "", "b"]


def test_many_chunks(write, monkeypatch):
    monkeypatch.setattr("meltpoint.vectors.formats.rows._MOST_ROWS", 3)
    vectors = open_vectors(write())
    assert vectors.words[:] == WORDS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()


def test_changed_list_is_read_again(write):
    first = open_vectors(write())
    second = open_vectors(write(words=LIST.replace(b"the\n", b"THE\n\n").replace(b"12\n", b"")))
    assert first.words[0] == "the"
    assert second.words[0] == "THE"


@pytest.mark.parametrize(
    ("matrix", "words", "message"),
    [
        (
            MATRIX,
            None,
            r"expected the words of this matrix in a file beside it \(v\.words\.txt, v\.vocab, v\.txt, words\.t",
        ),
        (
            MATRIX,
            LIST + b"more\n",
            r"v\.npy \(v\.words\.txt\): expected 8 words, one for each row of the matrix, found 9",
        ),
        (MATRIX, b"", "expected 8 words, one for each row of the matrix, found 0"),
        (MATRIX, LIST.replace(b"#", b"\xff"), r"row 6: expected a word in UTF-8, found '\\\\xff'; .*bad_rows='skip'"),
        (
            MATRIX.astype(int),
            LIST,
            r"expected a matrix of float16, float32 or float64 .* found int64 of shape \(8, 3\)",
        ),
        (MATRIX.astype(complex), LIST, "found complex128"),
        (MATRIX.astype(np.longdouble), LIST, "found (float128|longdouble)"),
        (MATRIX[0], LIST, r"found float32 of shape \(3,\)"),
        (MATRIX[:0], LIST, r"found float32 of shape \(0, 3\)"),
        (MATRIX.astype(object), LIST, "found Python objects, which are kept as a pickle and never read here"),
        (np.array([[1.0, np.nan]]), b"a\n", "row 1: expected finite numbers, found nan as number 2 of the word 'a'"),
        (np.array([[1e39]]), b"a\n", "row 1: expected finite numbers, found inf as number 1 of the word 'a'"),
    ],
)
def test_error_says_what_is_wrong(write, matrix, words, message):
    path = write(matrix, words)
    with pytest.raises(VectorFileError, match=message):
        open_vectors(path)


def test_vectors_in_place_of_a_list(write):
    with pytest.raises(
        VectorFileError, match="found lines of a word and its numbers: this is a file of vectors itself"
    ):
        open_vectors(write(words=b"the 1 2 3\n" * 8, name="v.txt"))
    assert open_vectors(write(words=b"call 1 2 3\n" + LIST[4:], name="v.words.txt")).words[0] == "call 1 2 3"


def test_bad_rows_are_skipped_on_request(write):
    matrix = MATRIX.copy()
    matrix[2, 1] = np.inf
    vectors = open_vectors(write(matrix, LIST.replace(b"#", b"\xff")), bad_rows="skip")
    assert vectors.words[:] == [word for word in WORDS if word not in ("x\u0085y", "#")]
    assert (vectors.report.skipped, vectors.report.skipped_places) == (2, ("row 3", "row 6"))
    assert vectors.report.rows_read == 8


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-8, -3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (8, 3), ",
        b"{'descr': 'O', 'fortran_order': False, 'shape': (8, 3), }",
        b"__import__('os').abort()",
        b"\xff" * 40,
        b"",
    ],
)
def test_hostile_header(write, header):
    path = write()
    content = path.read_bytes()
    path.write_bytes(content[:8] + len(header).to_bytes(2, "little") + header + content[128:])
    with pytest.raises(VectorFileError, match=r"v\.npy"):
        open_vectors(path)


def test_every_truncation_is_an_error(write):
    path = write()
    content = path.read_bytes()
    for size in [*range(0, 140, 7), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(VectorFileError, match=r"v\.npy"):
            open_vectors(path)


def test_column_of_a_parquet_file(tmp_path):
    class Entry:
        words_column = "word"

    words = tmp_path / "w.parquet"
    pl.DataFrame({"word": WORDS}).write_parquet(words)
    source = FolderSource(
        given="x", path=tmp_path, layout="npy", files={"words": words}, dim=None, entry=Entry(), state=()
    )
    read = read_words(source, len(WORDS), 3)
    assert read.slice(0, 99) == [word.encode() for word in WORDS]
    pl.DataFrame({"word": ["a", None]}).write_parquet(words)
    with pytest.raises(VectorFileError, match="its column of words cannot be read"):
        read_words(source, 2, 3)
    pl.DataFrame({"other": ["a"]}).write_parquet(words)
    with pytest.raises(VectorFileError, match="its column of words cannot be read"):
        read_words(source, 2, 3)


def test_member_is_for_a_zip(write):
    with pytest.raises(VectorFileError, match="member='x' is for a zip, and this file is not one"):
        find_source(write(), member="x")
