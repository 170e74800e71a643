"""word2vec's binary format: what gensim and the original program write, told from text, and every way to be damaged."""

import bz2
import gzip
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats import format_of
from meltpoint.vectors.formats import word2vec_binary as binary_format
from meltpoint.vectors.sources.finding import find_source

WORDS = ["</s>", "in", "don't", "New_York", "a\u00a0b", "x\u0085y", "#", "\u6f22", "12", '"']
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 7)).astype(np.float32)


def encode(words, matrix, *, line_end=b"", header=None) -> bytes:
    rows = b"".join(
        word + b" " + row.astype("<f4").tobytes() + line_end for word, row in zip(words, matrix, strict=True)
    )
    return (header or b"%d %d\n" % matrix.shape) + rows


GOOD = encode([word.encode() for word in WORDS], MATRIX)


@pytest.fixture
def write(tmp_path):
    def write(content: bytes, name: str = "v.bin"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("line_end", [b"", b"\n"])
def test_both_programs_rows(write, line_end):
    vectors = open_vectors(write(encode([word.encode() for word in WORDS], MATRIX, line_end=line_end)))
    assert vectors.words[:] == WORDS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    assert vectors.report.file_format == "word2vec binary"


def test_same_as_gensim(write, tmp_path):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")

    model = gensim.KeyedVectors(7)
    model.add_vectors(WORDS, MATRIX)
    model.save_word2vec_format(str(tmp_path / "gensim.bin"), binary=True)
    vectors = open_vectors(tmp_path / "gensim.bin")
    again = gensim.KeyedVectors.load_word2vec_format(str(tmp_path / "gensim.bin"), binary=True)
    assert vectors.words[:] == again.index_to_key
    assert vectors.matrix.tobytes() == again.vectors.tobytes()


def test_packed(write, tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/v.bin", GOOD)
    paths = [write(gzip.compress(GOOD), "v.bin.gz"), write(bz2.compress(GOOD), "v.bin.bz2"), tmp_path / "v.zip"]
    assert [open_vectors(path).words[:] for path in paths] == [WORDS] * 3


def test_rows_over_several_chunks_and_blocks(write, monkeypatch):
    monkeypatch.setattr("meltpoint.vectors.formats.rows._MOST_ROWS", 3)
    monkeypatch.setattr("meltpoint.vectors.formats.forward._BLOCK_BYTES", 5)
    vectors = open_vectors(write(GOOD))
    assert vectors.words[:] == WORDS
    assert vectors.matrix.tobytes() == MATRIX.tobytes()


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v"])
@pytest.mark.parametrize("word", ["a", "the", "call 911", "\u00e9"])
@pytest.mark.parametrize("dim", [1, 2, 50])
def test_text_with_a_header_is_text(write, name, word, dim):
    path = write(f"1 {dim}\n{word} {' '.join(['0.25'] * dim)}\n".encode(), name)
    assert format_of(find_source(path)).name == "text"


@pytest.mark.parametrize(
    "content",
    [b"2 2\na 1 2\nb 1 x\n", b"2 2\na 1 x\nb 1 2\n", b"2 2\na 1\nb 1 2\n", "2 2\nü 1 zwölf\n".encode() * 999],
)
def test_damaged_text_is_called_text(write, content):
    assert format_of(find_source(write(content, "v.txt"))).name == "text"


words_without_space = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=" \n"), min_size=1, max_size=5
)


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(words_without_space, min_size=1, max_size=6, unique=True),
    bits=st.lists(st.integers(0, 2**32 - 1), min_size=18, max_size=18),
    dim=st.integers(2, 3),
    line_end=st.sampled_from([b"", b"\n"]),
)
def test_any_bits_come_back(tmp_path_factory, words, bits, dim, line_end):
    values = np.array(bits, dtype=np.uint32).view(np.float32)
    matrix = np.where(np.isfinite(values), values, np.float32(-0.0))[: len(words) * dim].reshape(len(words), dim)
    path = tmp_path_factory.mktemp("any") / "v.bin"
    path.write_bytes(encode([word.encode() for word in words], matrix, line_end=line_end))
    source = find_source(path)
    if (read_as := format_of(source)).name == "word2vec binary":  # bits can spell text; then it is text
        chunks = list(read_as.read(source))
        assert [word.decode() for chunk in chunks for word in chunk.words] == words
        assert b"".join(chunk.matrix.tobytes() for chunk in chunks) == matrix.tobytes()


def test_every_truncation_is_an_error(write, monkeypatch):
    content = encode([b"a", b"bc", b"d"], MATRIX[:3])
    for size in range(len(content)):
        path = write(content[:size])
        with pytest.raises(VectorFileError, match=r"v\.bin"):
            open_vectors(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            GOOD[:-1],
            r"v\.bin: byte \d+: expected row 10 of word2vec's binary format, a word and 7 float32 numbers, found",
        ),
        (GOOD + b"rest", r"v\.bin: byte \d+: expected the end of the file after 10 rows of 7 numbers.* found 4 bytes"),
        (
            encode([b"a"], MATRIX[:1], header=b"1000000000000 7\n"),
            r"expected row 2 .* found the end of the file after 0 ",
        ),
        (encode([b"a"], MATRIX[:1], header=b"1 999999999\n"), r"1 to 1,048,576 dimensions, found .*'1 999999999'"),
        (encode([b"a"], MATRIX[:1], header=b"0 7\n"), "expected at least one row"),
        (encode([b"a"], MATRIX[:1], header=b"1 0\n"), "expected at least one row and 1 to"),
        (
            encode([b"a", b"\xff\xfe"], MATRIX[:2]),
            r"row 2 \(byte 34\): expected a word in UTF-8, found .*bad_rows='skip'",
        ),
        (
            b"1 2\n\0" + b"x" * 70_000,
            r"row 1 \(byte 4\): expected a word that ends in a space, found none within 65,536",
        ),
    ],
)
def test_error_names_the_row_and_the_byte(write, content, message):
    with pytest.raises(VectorFileError, match=message):
        open_vectors(write(content))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_number_that_is_not_finite(write, value):
    matrix = MATRIX[:3].copy()
    matrix[1, 4] = value
    path = write(encode([b"a", b"bc", b"d"], matrix))
    with pytest.raises(
        VectorFileError, match=rf"row 2 \(byte 34\): expected finite numbers, found {value} as number 5 of"
    ):
        open_vectors(path)
    vectors = open_vectors(path, bad_rows="skip")
    assert vectors.words[:] == ["a", "d"]
    assert (vectors.report.skipped, vectors.report.skipped_places) == (1, ("row 2 (byte 34)",))
    assert vectors.report.rows_read == 3
    assert "1 rows skipped (row 2 (byte 34))" in str(vectors.report)


def test_repeated_words_first_wins(write):
    vectors = open_vectors(write(encode([b"a", b"b", b"a"], MATRIX[:3])))
    assert vectors.words[:] == ["a", "b"]
    assert vectors.matrix.tobytes() == MATRIX[:2].tobytes()
    assert vectors.report.duplicates == 1


def test_dim_is_checked_before_reading(write, monkeypatch):
    monkeypatch.setattr(binary_format, "_read_rows", lambda *_: pytest.fail("rows were read"))
    with pytest.raises(VectorFileError, match="expected 300 dimensions as asked for by dim, found 7"):
        open_vectors(write(GOOD), dim=300)


def test_a_header_that_promises_much_takes_no_memory(write):
    import tracemalloc

    content = b"999999999999 1048576\n" + b"a " + struct.pack("<f", 1.0) * 100 + b"\0"
    path = write(content)
    tracemalloc.start()
    with pytest.raises(VectorFileError):
        open_vectors(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20
