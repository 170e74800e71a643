"""Vectors as text: every quirk of real files, equality with gensim, and errors that name the place."""

import contextlib
import gzip
import itertools
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files import text

ROW = b" 0.5 -1 2e-3"
VALUES = np.array([0.5, -1, 2e-3]).astype(np.float32)


@pytest.fixture(params=["arrays", "kernel"], autouse=True)
def parser(request, monkeypatch):
    """Both parsers must pass every test of this file."""
    monkeypatch.setattr(text, "_KERNEL_PAYS_BYTES", 0 if request.param == "kernel" else 1 << 60)
    return request.param


@pytest.fixture(scope="module")
def fresh_path(tmp_path_factory):
    """Makes paths that no test has used: a file rewritten within one tick of the clock would look unchanged."""
    folder = tmp_path_factory.mktemp("files")
    numbers = itertools.count()

    def make(content: bytes, suffix: str = ".txt") -> Path:
        path = folder / f"{next(numbers)}{suffix}"
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("word", "raw"),
    [
        ("the", b"the"),
        (". . .", b". . ."),
        ("at name@domain.com", b"at name@domain.com"),
        ("1\u00a01/2", "1\u00a01/2".encode()),
        ("\u0085", "\u0085".encode()),
        ("a\u2028b", "a\u2028b".encode()),
        ('"', b'"'),
        ("'s", b"'s"),
        ("#", b"#"),
        ("2008", b"2008"),
        ("1e5", b"1e5"),
        ("nan", b"nan"),
        ("inf", b"inf"),
        ("<unk>", b"<unk>"),
        ("a\tb", b"a\tb"),
        ("a\rb", b"a\rb"),
        ("", b""),
        ("\U0001f600", "\U0001f600".encode()),
        ("\ufeff", "\ufeff".encode()),
    ],
)
def test_word_survives(fresh_path, word, raw):
    vectors = open_vectors(fresh_path(b"first" + ROW + b"\n" + raw + ROW + b"\nlast" + ROW + b"\n"))
    assert list(vectors.words) == ["first", word, "last"]
    assert vectors.rows([word]).tolist() == [1]
    np.testing.assert_array_equal(vectors[word], VALUES)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("LF", b"a" + ROW + b"\nb" + ROW + b"\n"),
        ("no line end at the end", b"a" + ROW + b"\nb" + ROW),
        ("CRLF", b"a" + ROW + b"\r\nb" + ROW + b"\r\n"),
        ("CRLF, no line end at the end", b"a" + ROW + b"\r\nb" + ROW + b"\r"),
        ("space at line ends", b"a" + ROW + b" \nb" + ROW + b" \n"),
        ("space and CRLF", b"a" + ROW + b" \r\nb" + ROW + b" \r\n"),
        ("word2vec header", b"2 3\na" + ROW + b"\nb" + ROW + b"\n"),
        ("word2vec header, CRLF, space", b"2 3\r\na" + ROW + b" \r\nb" + ROW + b" \r\n"),
    ],
)
def test_line_ends_and_header(fresh_path, name, content):
    vectors = open_vectors(fresh_path(content))
    assert vectors.words[:] == ["a", "b"], name
    np.testing.assert_array_equal(vectors.matrix, [VALUES, VALUES], strict=True)


def test_first_line_alone_does_not_decide_the_dimension(fresh_path):
    content = b"call 911" + ROW + b"\na" + ROW + b"\nb" + ROW + b"\n"
    vectors = open_vectors(fresh_path(content), dim=3)
    assert vectors.words[0] == "call 911"
    with pytest.raises(VectorFileError, match=r":1: expected a word and 3 numbers, found 4 numbers: .* dim=3"):
        open_vectors(fresh_path(content))


def test_one_dimension_is_no_header(fresh_path):
    vectors = open_vectors(fresh_path(b"2 5\n3 4\nx 6\n"))
    assert vectors.words[:] == ["2", "3", "x"]
    assert vectors.matrix.tolist() == [[5], [4], [6]]


def test_repeated_words_first_wins(fresh_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", 16)  # so that repeats fall into the same and into other blocks
    vectors = open_vectors(fresh_path(b"a 1 2\na 3 4\nb 5 6\nb 7 8\na 9 0\nc 1 1\n"))
    assert vectors.words[:] == ["a", "b", "c"]
    assert vectors.matrix.tolist() == [[1, 2], [5, 6], [1, 1]]
    assert (vectors.report.rows_read, vectors.report.rows_kept, vectors.report.duplicates) == (6, 3, 3)
    assert "3 repeated words dropped (first wins)" in str(vectors.report)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected lines of a word and its numbers, found an empty file"),
        (b"\n", r":1: expected lines of a word and its numbers, separated by single spaces, found ''"),
        (b"2 3\n", r":1: expected 2 rows after this header, found none"),
        (b"3 2\na 1 2\nb 1 2\n", r":1: expected 3 rows as this first line announces, found 2; the file is cut short"),
        (b"1 2\na 1 2\nb 1 2\n", r":1: expected 1 rows as this first line announces, found 2"),
        (b"9 5\na 1 2\nb 1 2\n", r":1: expected a word and 2 numbers \(3 fields\), found 2 fields: '9 5'\. If this is"),
        (b"a 1 2 3\nb 1 2\nc 1 2 3\n", r":2: expected a word and 3 numbers \(4 fields\), found 3 fields: 'b 1 2'"),
        (b"a 1 2 3\nb 1 2\n", r":2: expected a word and 3 numbers \(4 fields\), found 3 fields"),
        (b"a 1 2\nb 1 2\nc 1 2 3\n", r":3: expected a word and 2 numbers, found 3 numbers: 'c 1 2 3'"),
        (b"a 1 2\n\nb 1 2\n", r":2: expected a word and 2 numbers \(3 fields\), found 1 fields: ''"),
        (b"a 1 2\nb 1 2\nc 1 x\n", r":3: .*found 'x' in place of number 2 of the word 'c'"),
        (b"a 1 2\nb 1  2\n", r":2: .*found '' in place of number 1 of the word 'b 1'"),
        (b"a 1 2\nb 1 2\nc 1_0 2\n", r":3: .*found '1_0' in place of number 1 of the word 'c'"),
        (b"a 1 2\nb 0x1 2\nc 1 2\n", r":2: .*found '0x1'"),
        (b"a 1 2\nb 1e 2\nc 1 2\n", r":2: .*found '1e' in place of number 1 of the word 'b'; 1 numbers end the line"),
        (b"a 1 2\nb 1 2.5E-\nc 1 2\n", r":2: .*found '2.5E-' in place of number 2 of the word 'b'; 0 numbers end"),
        (b"a 1 2\nb 1 2\nc nan 2\n", r":3: expected finite numbers, found 'nan' as number 1 of the word 'c'"),
        (b"a 1 2\nb 1 -inf\n", r":2: expected finite numbers, found '-inf' as number 2 of the word 'b'"),
        (b"a 1 2\nb 1 -Infinity\n", r":2: expected finite numbers, found '-Infinity'"),
        (b"a 1 2\nb 1e39 1\n", r":2: expected finite numbers, found '1e39' as number 1"),
        (b"a 1 2\nb\xe9t\xe9 1 2\n", r":2: expected a word in UTF-8, found byte 0xe9 at byte 2 of the line .*iconv"),
        (b"a\t1\t2\nb\t1\t2\n", "separated by tabs"),
        (b"a,1,2\nb,1,2\n", r":1: expected lines of a word and its numbers.*found 'a,1,2'\. Is this the right file"),
        (b"3 2\n\x00\x01\x02 \xff\xfe\n\x80\x80\n", "word2vec's binary format"),
        ("a 1 2\nb 1 2\n".encode("utf-16"), "seems to be UTF-16"),
        (b"\x7fELF\x00\x01\n\x02\x03", "It is binary"),
        (b"\x80\x04\x95pickled", "found a pickle, which is never read here: unpickling runs whatever code"),
    ],
)
def test_error_names_the_place(fresh_path, content, message):
    path = fresh_path(content)
    with pytest.raises(VectorFileError, match=message) as caught:
        open_vectors(path)
    assert str(path) in str(caught.value)


def test_line_number_counts_over_blocks_and_header(fresh_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", 64)
    content = (
        b"500 2\n"
        + b"".join(b"w%d 1 2\n" % n for n in range(400))
        + b"bad 1\n"
        + b"".join(b"v%d 1 2\n" % n for n in range(99))
    )
    with pytest.raises(VectorFileError, match=r":402: .*'bad 1'"):
        open_vectors(fresh_path(content))


def test_only_a_faulty_line_that_is_wanted_matters(fresh_path):
    # Their first sixteen bytes are one: they are told apart late.
    path = fresh_path(b"good 1 2\nalike_in_sixteen_a 1\nalike_in_sixteen_b 3 4\nalike_in_sixteen_\xff 5 6\n")
    vectors = open_vectors(path, words=["good", "alike_in_sixteen_b"])
    assert list(vectors.words) == ["good", "alike_in_sixteen_b"]
    assert (vectors.report.rows_read, vectors.report.skipped) == (4, 0)
    with pytest.raises(VectorFileError, match=r":2: expected"):
        open_vectors(path, words=["good", "alike_in_sixteen_a"])
    skipped = open_vectors(path, words=["good", "alike_in_sixteen_a"], bad_rows="skip")
    assert list(skipped.words) == ["good"]
    assert skipped.report.skipped == 1


def test_many_words_of_a_wide_file_take_the_memory_of_its_rows(fresh_path):
    path = fresh_path(b"a" + b" 1" * 1_000_000 + b"\nb" + b" 2" * 1_000_000 + b"\n")
    words = ["a", *(f"absent{number}" for number in range(100_000))]  # 400 GB, were all there
    vectors = open_vectors(path, words=words)
    assert (list(vectors.words), vectors.dim) == (["a"], 1_000_000)


def test_dim_is_checked(fresh_path):
    with pytest.raises(VectorFileError, match="expected 5 dimensions as asked for by dim, found 3"):
        open_vectors(fresh_path(b"a" + ROW + b"\n"), dim=5)


def test_endless_line_is_refused(fresh_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "_LONGEST_LINE_BYTES", 1000)
    with pytest.raises(VectorFileError, match="found 5,000 bytes without a line end"):
        open_vectors(fresh_path(b"1" * 5000))


@pytest.mark.parametrize("suffix", [".pkl", ".model"])
def test_pickle_is_known_by_its_name(fresh_path, suffix):
    with pytest.raises(VectorFileError, match="save_word2vec_format"):
        open_vectors(fresh_path(b"harmless 1 2\n", suffix))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim leaves its file open
def test_real_glove_equals_gensim(glove, fresh_path):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")

    words, rows = glove.words[:5000], glove.matrix[:5000].tolist()
    lines = [f"{word} {' '.join(map(repr, row))}\n" for word, row in zip(words, rows, strict=True)]
    path = fresh_path("".join(lines).encode())
    expected = gensim.KeyedVectors.load_word2vec_format(str(path), no_header=True, binary=False)
    vectors = open_vectors(path)
    assert vectors.words[:] == expected.index_to_key == words
    assert vectors.matrix.tobytes() == expected.vectors.tobytes() == glove.matrix[:5000].tobytes()
    with_header = open_vectors(fresh_path(f"5000 50\n{''.join(lines)}".encode(), ".vec"))
    assert with_header.digest == vectors.digest != glove.digest


def finite_float32(bits: int) -> float:
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    return value if np.isfinite(value) else 0.0


words_of_any_kind = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=8)
number_bits = st.integers(0, 2**32 - 1).map(finite_float32)


@st.composite
def tables(draw):
    dim = draw(st.integers(1, 5))
    words = draw(st.lists(words_of_any_kind, unique=True, min_size=1, max_size=12))
    rows = draw(st.lists(st.lists(number_bits, min_size=dim, max_size=dim), min_size=len(words), max_size=len(words)))
    return words, np.array(rows, dtype=np.float32).reshape(len(words), dim)


@settings(max_examples=100, deadline=None)
@given(tables(), st.sampled_from([b"\n", b"\r\n"]))
def test_written_and_read_back_is_the_same(fresh_path, table, line_end):
    words, matrix = table
    # A plain first row shows the dimension, which words such as "0 0" alone would leave open.
    words = ["\u2603", *(word for word in words if word != "\u2603")]
    matrix = np.concatenate([np.full((1, matrix.shape[1]), 0.25, np.float32), matrix])[: len(words)]
    lines = [f"{word} {' '.join(map(repr, row))}".encode() for word, row in zip(words, matrix.tolist(), strict=True)]
    vectors = open_vectors(fresh_path(line_end.join(lines) + line_end), dim=matrix.shape[1])
    assert vectors.words[:] == words
    assert vectors.matrix.tobytes() == matrix.tobytes()
    assert vectors.rows(words).tolist() == list(range(len(words)))
    assert vectors.lowercase == all(word == word.lower() for word in words)


def damaged(draw, content: bytes) -> bytes:
    """Cuts, flips and inserts bytes somewhere."""
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, len(content)))
        garbage = draw(st.binary(max_size=6))
        removed = draw(st.sampled_from([0, 1, 5, len(content)]))
        content = content[:position] + garbage + content[position + removed :]
    return content


@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from([".txt", ".txt.gz", ".zip"]))
def test_damage_gives_a_result_or_one_kind_of_error(fresh_path, data, suffix):
    content = b"".join(b"w%d %d.5 1e-%d\n" % (n, n, n) for n in range(20))
    if suffix == ".txt.gz":
        content = gzip.compress(content, mtime=0)
    elif suffix == ".zip":
        path = fresh_path(b"", suffix)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("w.2d.txt"), content)
        content = path.read_bytes()
    path = fresh_path(damaged(data.draw, content), suffix)
    with contextlib.suppress(VectorFileError):  # every other exception fails the test
        vectors = open_vectors(path)
        assert len(vectors) == len(vectors.words[:]) > 0
        assert np.isfinite(vectors.matrix).all()
