"""Writing vectors: the same words and the same bits when read back, by meltpoint and by others; whole or not at all."""

import errno
import gzip
import itertools
import os
import stat
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meltpoint.errors import DiskError, InputError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.writing import WRITERS, base, save_vectors
from meltpoint.vectors.writing import text as text_format

FORMATS = {writer.name: writer for writer in WRITERS}
SUFFIXES = [
    (writer.name, suffix + packed)
    for writer in WRITERS
    for suffix in writer.suffixes
    for packed in (["", ".gz"] if writer.may_be_gzipped else [""])
]
TEXTS = ["glove", "word2vec"]
# Shortest texts that are long or short, without or with an exponent; the ends of the range; both zeros; and the one
# number whose shortest text is read as its neighbour by way of float64.
NUMBERS = np.array(
    [
        0.0,
        -0.0,
        1e-45,
        -1e-45,
        1.1754944e-38,
        3.4028235e38,
        -3.4028235e38,
        1e-7,
        1e-5,
        0.1,
        1e16,
        16777216,
        1 / 3,
        -2.5,
    ],
    dtype=np.float32,
)
ROUNDED_TWICE = np.array([0x15AE43FD, 0x95AE43FD], dtype=np.uint32).view(np.float32)
ODD_WORDS = [
    *("the", "", "\u00a0", "1\u00a01/2", "\u0085", "a\u2028b", '"', '""', "a,b", "'s", "#", "# x", "<unk>", "</s>"),
    *("2008", "1e5", "nan", "inf", "-inf", "0.5", "a\tb", "a\rb", "\r", "\\", "\\n", "\ufeff", "e\u0301", "\u00e9"),
    *("\U0001f600", "\U0001f468\u200d\U0001f469", "\u0130", "\x01", "\x7f", "null", "None", "x" * 3000),
]
SPACED_WORDS = [". . .", "at name@domain.com", " ", " a", "a ", "a  b"]


@pytest.fixture(scope="module")
def fresh_path(tmp_path_factory):
    """Makes paths that no test has used: a file rewritten within one tick of the clock would look unchanged."""
    folder = tmp_path_factory.mktemp("written")
    numbers = itertools.count()
    return lambda suffix: folder / f"{next(numbers)}{suffix}"


def assert_reads_back(path, words, matrix):
    vectors = open_vectors(path)
    assert vectors.words[:] == words
    assert vectors.matrix.tobytes() == matrix.tobytes()
    assert vectors.matrix.shape == matrix.shape
    return vectors


@pytest.mark.parametrize(("name", "suffix"), SUFFIXES)
def test_odd_words_and_numbers_read_back(fresh_path, name, suffix):
    words = ODD_WORDS + (SPACED_WORDS if name != "word2vec-binary" else [])
    words = [word for word in words if FORMATS[name].fault_of(word) is None]
    numbers = np.concatenate([NUMBERS, ROUNDED_TWICE])
    matrix = np.resize(numbers, (len(words), 5)).astype(np.float32)
    path = fresh_path(suffix)
    assert save_vectors((words, matrix), path, format=name)[-1] == path
    assert_reads_back(path, words, matrix)


any_word = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(ODD_WORDS + SPACED_WORDS)
number_bits = st.integers(0, 2**32 - 1).filter(lambda bits: bits & 0x7F800000 != 0x7F800000)


@st.composite
def tables(draw):
    dim = draw(st.integers(1, 5))
    words = draw(st.lists(any_word, unique=True, min_size=1, max_size=10))
    size = len(words) * dim
    bits = draw(st.lists(number_bits, min_size=size, max_size=size))
    return words, np.array(bits, dtype=np.uint32).view(np.float32).reshape(len(words), dim)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_what_is_written_is_read_back(fresh_path, name, table):
    words, matrix = table
    path = fresh_path(FORMATS[name].suffixes[0])
    refused = [word for word in words if FORMATS[name].fault_of(word)]
    if refused:
        with pytest.raises(InputError, match="cannot hold the word"):
            save_vectors(table, path)
        assert not path.exists()
        kept = [row for row, word in enumerate(words) if word not in refused] or [0]
        words, matrix = [words[row] for row in kept] if len(kept) < len(words) else ["x"], matrix[kept]
        words = ["x"] if words[0] in refused else words
    save_vectors((words, matrix), path)
    assert_reads_back(path, words, matrix)


@pytest.mark.parametrize("name", FORMATS)
def test_blocks_follow_one_another(fresh_path, monkeypatch, name):
    monkeypatch.setattr(base, "_BLOCK_BYTES", 64)
    words = [f"w{n}" for n in range(100)]
    matrix = np.arange(300, dtype=np.float32).reshape(100, 3)
    path = fresh_path(FORMATS[name].suffixes[0])
    save_vectors((words, matrix), path)
    assert_reads_back(path, words, matrix)


@pytest.mark.parametrize("name", FORMATS)
def test_real_glove_keeps_its_digest(glove, fresh_path, name):
    kept = SimpleNamespace(words=glove.words[:3000], matrix=glove.matrix[:3000])
    paths = [fresh_path(FORMATS[name].suffixes[0]) for _ in range(2)]
    digests = set()
    for path in paths:
        save_vectors(kept, path)
        digests.add(open_vectors(path).digest)
    assert len(digests) == 1
    assert paths[0].read_bytes() == paths[1].read_bytes()
    # What was opened is written again to the same bytes.
    again = fresh_path(FORMATS[name].suffixes[0])
    save_vectors(open_vectors(paths[0]), again)
    assert again.read_bytes() == paths[0].read_bytes()


def test_gzip_holds_neither_name_nor_time(fresh_path, monkeypatch):
    table = (["a", "b"], np.eye(2))
    first, second = fresh_path(".txt.gz"), fresh_path(".txt.gz")
    save_vectors(table, first)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    save_vectors(table, second)
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()) == b"a 1.0 0.0\nb 0.0 1.0\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("glove", b"a 0.1 -0.0\nb c 1e-45 2.0\n"),
        ("word2vec", b"2 2\na 0.1 -0.0\nb c 1e-45 2.0\n"),
    ],
)
def test_text_is_the_shortest_there_is(fresh_path, name, content):
    path = fresh_path(".txt")
    save_vectors((["a", "b c"], np.array([[0.1, -0.0], [1e-45, 2]], np.float32)), path, format=name)
    assert path.read_bytes() == content


def test_one_number_gets_more_digits_than_the_shortest(fresh_path):
    assert str(ROUNDED_TWICE[0]) == "7.038531e-26"
    assert np.float32(float("7.038531e-26")) != ROUNDED_TWICE[0]
    path = fresh_path(".txt")
    save_vectors((["a", "b"], ROUNDED_TWICE.reshape(2, 1)), path)
    assert path.read_bytes() == b"a 7.038530691851209e-26\nb -7.038530691851209e-26\n"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shortest_text_comes_back_through_float64(start):
    """The stretch of 2,000 numbers from ``start`` on; all 2**31 were tried once to find the single exception."""
    bits = (np.arange(start, start + 2000, dtype=np.uint64) % 2**32).astype(np.uint32)
    bits = bits[(bits & 0x7F800000 != 0x7F800000) & (bits & 0x7FFFFFFF != text_format._ROUNDED_TWICE)]
    values = bits.view(np.float32)
    back = np.array([float(str(value)) for value in values]).astype(np.float32)
    assert back.tobytes() == values.tobytes()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim leaves its file open
@pytest.mark.parametrize("suffix", [".vec", ".txt", ".bin", ".vec.gz", ".bin.gz"])
def test_gensim_reads_what_was_written(fresh_path, suffix):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")

    words = [word for word in ODD_WORDS if FORMATS["word2vec-binary"].fault_of(word) is None]
    matrix = np.resize(np.concatenate([NUMBERS, ROUNDED_TWICE]), (len(words), 7)).astype(np.float32)
    path = fresh_path(suffix)
    save_vectors((words, matrix), path)
    read = gensim.KeyedVectors.load_word2vec_format(str(path), binary=".bin" in suffix, no_header=".txt" in suffix)
    assert read.index_to_key == words
    assert read.vectors.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("suffix", [".vec", ".txt", ".bin", ".vec.gz", ".bin.gz"])
def test_we_read_what_gensim_wrote(fresh_path, suffix):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")

    rng = np.random.default_rng(0)
    words = [word for word in ODD_WORDS if FORMATS["word2vec-binary"].fault_of(word) is None]
    matrix = rng.normal(size=(len(words), 7)).astype(np.float32)
    matrix[: len(NUMBERS), 0] = NUMBERS
    keyed = gensim.KeyedVectors(7)
    keyed.add_vectors(words, matrix)
    path = fresh_path(suffix)
    keyed.save_word2vec_format(str(path), binary=".bin" in suffix, write_header=".txt" not in suffix)
    assert_reads_back(path, words, matrix)


def test_safetensors_library_reads_it(fresh_path):
    from safetensors import safe_open

    words = [*ODD_WORDS, *SPACED_WORDS, "a\nb", "a\0b", "call 911"]
    matrix = np.resize(NUMBERS, (len(words), 3)).astype(np.float32)
    path = fresh_path(".safetensors")
    save_vectors((words, matrix), path)
    with safe_open(path, framework="np") as file:
        assert file.metadata() == {"format": "meltpoint/vectors/1"}
        assert sorted(file.keys()) == ["embedding", "offsets", "words"]
        offsets, text = file.get_tensor("offsets"), file.get_tensor("words").tobytes()
        assert file.get_tensor("embedding").tobytes() == matrix.tobytes()
    assert [text[start:end].decode() for start, end in itertools.pairwise(offsets.tolist())] == words
    assert (offsets.dtype, offsets[-1]) == (np.int64, len(text))


def test_numpy_reads_it(fresh_path):
    path = fresh_path(".npy")
    matrix = np.resize(NUMBERS, (2, 9)).astype(np.float32)
    written = save_vectors((["a b", "\u00e9"], matrix), path)
    assert written == (path.with_suffix(".words.txt"), path)
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    assert (loaded.dtype, loaded.tobytes()) == (np.float32, matrix.tobytes())
    assert path.with_suffix(".words.txt").read_bytes() == "a b\n\u00e9\n".encode()


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], np.float16),
        np.array([[1, 2], [3, 4]], np.float64, order="F"),
        np.array([[1, 2], [3, 4]], ">f4"),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 0, 2], [3, 0, 4]], np.float32)[:, ::2],
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".bin", ".safetensors", ".npy"])
def test_any_real_matrix_is_taken(fresh_path, matrix, suffix):
    path = fresh_path(suffix)
    save_vectors((iter(["a", "b"]), matrix), path)
    assert_reads_back(path, ["a", "b"], np.array([[1, 2], [3, 4]], np.float32))


@pytest.mark.parametrize(
    ("name", "word", "message"),
    [
        *((name, "a\nb", r"glove|word2vec cannot hold the word 'a\\nb' in row 1 .* a line end") for name in TEXTS),
        *((name, "a\0", r"the word 'a\\x00' in row 1 \(counted from 0\): it holds a NUL") for name in TEXTS),
        *(
            (name, word, r"in row 1 .*: it ends in a space and a number.* \.safetensors, which holds every word")
            for name in TEXTS
            for word in ("call 911", " 5", "a -.5e3", "a 5.", "b nan", "b -Infinity", "a\tb 1e-5")
        ),
        *(
            (name, word, "it would be taken for a zip")
            for name in TEXTS
            for word in ("PK\3\4", "BZh91AY&SYx", "P*M\x18")
        ),
        ("word2vec-binary", "a b", r"the word 'a b' in row 1 .*: it holds a space, which ends a word"),
        ("word2vec-binary", "a\nb", "it holds a line end"),
        ("word2vec-binary", "a\0b", "it holds a NUL"),
        ("npy", "a\nb", r"the format npy cannot hold the word 'a\\nb' in row 1"),
        ("npy", "a\r", "it ends in a carriage return"),
        *((name, "a\ud800", "half a surrogate pair") for name in FORMATS),
        *((name, b"a", r"expected words as strings, found b'a' in row 1") for name in FORMATS),
        *((name, "fine", r"every word once, found 'fine' in row 0 and in row 1") for name in FORMATS),
    ],
)
def test_word_that_cannot_be_held(tmp_path, name, word, message):
    path = tmp_path / f"v{FORMATS[name].suffixes[0]}"
    with pytest.raises(InputError, match=message):
        save_vectors((["fine", word], np.eye(2)), path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("value", "found"), [(np.nan, "nan"), (-np.inf, "-inf"), (1e39, "1e.39")])
def test_number_that_is_not_finite(tmp_path, name, value, found):
    matrix = np.ones((30, 2))
    matrix[20, 1] = value
    path = tmp_path / f"v{FORMATS[name].suffixes[0]}"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match=rf"found {found} in row 20, column 1 .*of the word 'w20'"):
        save_vectors(([f"w{n}" for n in range(30)], matrix), path)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [(path.name, b"old")]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, r"with \.words and \.matrix, or a pair .* found NoneType.*kv\.index_to_key"),
        ((["a"], [[1]], 3), "or a pair"),
        (("ab", [[1], [2]]), "expected several words, found the single string 'ab'"),
        ((["a"], [1.0]), r"found shape \(1,\) of float64"),
        ((["a", "b"], [[1, 2], [3]]), "expected a matrix of numbers, found list"),
        ((["a"], [["x"]]), "expected a matrix of real numbers"),
        ((["a"], [[1j]]), "complex128"),
        (([], np.ones((0, 3))), r"found shape \(0, 3\)"),
        ((["a"], np.ones((1, 0))), r"found shape \(1, 0\)"),
        ((["a", "b"], np.ones((3, 2))), "found 2 words and 3 rows"),
    ],
)
def test_words_and_matrix_that_do_not_fit(tmp_path, source, message):
    with pytest.raises(InputError, match=message):
        save_vectors(source, tmp_path / "v.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        (
            "v",
            None,
            r"v: expected a name that ends in \.txt, \.vec \(or these with \.gz\) for glove or .*\.npy for npy",
        ),
        (
            "v.pkl",
            "glove",
            r"v\.pkl: expected a name that ends in \.txt, \.vec \(or these with \.gz\) for glove; readers",
        ),
        ("v.npy.gz", None, r"v\.npy\.gz: expected a name that ends in"),
        ("v.safetensors", "npy", r"ends in \.npy for npy"),
        ("v.gz", None, "expected a name that ends in"),
        ("v.txt", "GloVe", r"expected a format that can be written \(glove, word2vec, .*npy\), found 'GloVe'"),
    ],
)
def test_name_that_readers_would_misread(tmp_path, path, name, message):
    with pytest.raises(InputError, match=message):
        save_vectors((["a"], [[1]]), tmp_path / path, format=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("v.txt", "glove"),
        ("V.TXT", "glove"),
        ("v.vec", "word2vec"),
        ("v.vec.gz", "word2vec"),
        ("v.bin", "word2vec-binary"),
    ],
)
def test_format_goes_by_the_suffix(tmp_path, path, name):
    save_vectors((["a"], [[1]]), tmp_path / path)
    chosen = (tmp_path / path).read_bytes()
    (tmp_path / path).unlink()
    save_vectors((["a"], [[1]]), tmp_path / path, format=name)
    assert (tmp_path / path).read_bytes() == chosen


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".bin", ".safetensors", ".npy"])
def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"v{suffix}"
    save_vectors((["old"], [[1]]), path)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}

    def full(self):
        yield base.Block(words=["a"], matrix=np.ones((1, 1), np.float32))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(base.Table, "blocks", full)
    with pytest.raises(
        DiskError, match=r"cannot be written: No space left on device. Free some space in .*still stands"
    ):
        save_vectors((["new", "newer"], [[1], [2]]), path)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(base.Table, "blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_vectors((["a"], [[1]]), tmp_path / "v.txt")
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written(tmp_path):
    table = (["a"], [[1]])
    with pytest.raises(DiskError, match=r"absent/v\.txt: .*There is no folder .*absent: make it first"):
        save_vectors(table, tmp_path / "absent" / "v.txt")
    (tmp_path / "v.txt").mkdir()
    with pytest.raises(InputError, match=r"v\.txt: expected the name of a file to write, found a folder"):
        save_vectors(table, tmp_path / "v.txt")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"file/v\.txt: the vectors cannot be written"):
        save_vectors(table, tmp_path / "file" / "v.txt")
    with pytest.raises(InputError, match="expected the name of a file to write"):
        save_vectors(table, "a\0b.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DiskError, match=r"Make .* a folder that you may write to"):
        save_vectors((["a"], [[1]]), tmp_path / "v.txt")


def test_link_stays_a_link_and_the_file_is_for_whoever_may_read_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "v.txt")
    old = os.umask(0o027)
    try:
        assert save_vectors((["a"], [[1]]), tmp_path / "link.txt") == (tmp_path / "real" / "v.txt",)
    finally:
        os.umask(old)
    assert (tmp_path / "link.txt").is_symlink()
    assert stat.S_IMODE((tmp_path / "real" / "v.txt").stat().st_mode) == 0o640


def test_saving_over_the_file_that_is_mapped(tmp_path):
    path = tmp_path / "v.npy"
    np.save(path, np.arange(6, dtype=np.float32).reshape(3, 2))
    mapped = np.load(path, mmap_mode="r")
    save_vectors((["a", "b", "c"], mapped), path)
    assert np.load(path).tolist() == [[0, 1], [2, 3], [4, 5]]


def test_readers_never_meet_half_a_file(tmp_path):
    path = tmp_path / "v.txt"
    tables = [([f"w{n}" for n in range(500)], np.full((500, 20), fill, np.float32)) for fill in (1, 2)]
    whole = set()
    for table in tables:
        save_vectors(table, path)
        whole.add(path.read_bytes())
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for table in tables * 5:
        save_vectors(table, path)
    done.set()
    reader.join()
    assert seen <= whole


def test_mapped_matrix_is_not_loaded(tmp_path):
    """Writing 160 MB takes some megabytes."""
    rows, dim = 400_000, 100
    np.lib.format.open_memmap(tmp_path / "in.npy", mode="w+", dtype=np.float32, shape=(rows, dim)).flush()
    words = [str(n) for n in range(rows)]
    mapped = np.load(tmp_path / "in.npy", mmap_mode="r")
    import tracemalloc

    tracemalloc.start()
    try:
        save_vectors((words, mapped), tmp_path / "out.safetensors")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6
    assert Path(tmp_path / "out.safetensors").stat().st_size > 4 * rows * dim
