"""One file with every quirk of real vectors as text, read whole, in part, skipping, by each parser and container."""

import bz2
import gzip
import lzma
import sys

import numpy as np
import pytest
import zstandard

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.building.selected_from_source import read_selected
from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files import text
from meltpoint.vectors.sources.finding import find_source

ROWS = {
    "the": ("0.5", "-1", "2e-3"),
    ". . .": ("1", "2", "3"),
    "at name@domain.com": (".5", "5.", "+0.25"),
    "1\u00a01/2": ("1E2", "1e+2", "-1e-2"),
    "\u0085": ("0.1", "0.2", "0.3"),
    "a\u0085b": ("0.30000000000000004", "1e-45", "-0.0"),
    "a\u2028b": ("3.4028235e38", "1.17549435e-38", "7"),
    '"': ("1", "1", "1"),
    '"quoted"': ("1", "1", "2"),
    "#": ("1", "1", "3"),
    "#hash": ("1", "1", "4"),
    "'s": ("1", "1", "5"),
    "": ("1", "1", "6"),
    "nan": ("1", "1", "7"),
    "inf": ("1", "1", "8"),
    "2008": ("1", "1", "9"),
    "e\u0301": ("1", "2", "0"),
    "\u00e9": ("1", "2", "1"),
    "\U0001f600": ("1", "2", "2"),
    "\ufeff": ("1", "2", "3"),
    "tab\tword": ("1", "2", "4"),
    "cr\rword": ("1", "2", "5"),
    "unk": ("1", "2", "7"),
    "<unk>": ("-0.12345678901234567890", "00000000000000000001.5", "9007199254740993"),
}
REPEATED = [("the", ("9", "9", "9")), (". . .", ("9", "9", "9")), ("the", ("8", "8", "8"))]
BAD = {
    "not a number": ("nan", "1", "1"),
    "infinite": ("1", "-inf", "1"),
    "too large": ("1", "1", "1e39"),
    "short": ("1", "1"),
    "torn": ("1", "1", "0.5x"),
}
MATRIX = np.array([[float(number) for number in numbers] for numbers in ROWS.values()]).astype(np.float32)


def as_lines(rows) -> list[bytes]:
    return [" ".join([word, *numbers]).encode() for word, numbers in rows]


LINES = as_lines([*list(ROWS.items())[:-1], *REPEATED, list(ROWS.items())[-1]])
WITH_BAD = [*LINES[:3], *as_lines(BAD.items()), *LINES[3:], b"\xff\xfe 1 1 1"]


@pytest.fixture(params=["arrays", "kernel"], autouse=True)
def parser(request, monkeypatch):
    """Both parsers must pass every test of this file."""
    monkeypatch.setattr(text, "_KERNEL_PAYS_BYTES", 0 if request.param == "kernel" else 1 << 60)
    return request.param


def write(folder, lines, *, line_end=b"\n", header=False, ends=True, pack=None):
    lines = [b"%d 3" % len(lines), *lines] if header else lines
    content = line_end.join(lines) + (line_end if ends else b"")
    path = folder / "quirks.txt"
    path.write_bytes(pack(content) if pack else content)
    return path


def check(vectors):
    assert vectors.words[:] == list(ROWS)
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    assert vectors.rows(list(ROWS)).tolist() == list(range(len(ROWS)))
    assert vectors.rows(["not", "\u0301", " ", "the ", ". .", "\n"]).tolist() == [-1] * 6
    assert (vectors.report.rows_read, vectors.report.rows_kept, vectors.report.duplicates) == (27, 24, 3)
    assert vectors.lowercase


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b" \n", b" \r\n"])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("block_bytes", [1 << 22, 30])
def test_every_line_end_header_and_block(tmp_path, monkeypatch, line_end, header, ends, block_bytes):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", block_bytes)
    path = write(tmp_path, LINES, line_end=line_end, header=header, ends=ends)
    # One line, all that a block of few bytes holds, does not tell D for certain: it is given.
    check(open_vectors(path, dim=3 if block_bytes == 30 else None))


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, lambda content: zstandard.ZstdCompressor().compress(content)]
)
def test_every_packing(tmp_path, pack):
    check(open_vectors(write(tmp_path, LINES, pack=pack)))


def test_bad_rows_are_an_error_that_says_how_to_skip_them(tmp_path):
    with pytest.raises(
        VectorFileError, match=r"quirks\.txt:4: expected finite numbers, found 'nan' .* bad_rows='skip'"
    ):
        open_vectors(write(tmp_path, WITH_BAD))


@pytest.mark.parametrize("block_bytes", [1 << 22, 64])
@pytest.mark.parametrize("header", [False, True])
def test_bad_rows_are_skipped_and_counted(tmp_path, monkeypatch, header, block_bytes):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", block_bytes)
    vectors = open_vectors(write(tmp_path, WITH_BAD, header=header), dim=3, bad_rows="skip")
    assert vectors.words[:] == list(ROWS)
    assert vectors.matrix.tobytes() == MATRIX.tobytes()
    report = vectors.report
    assert (report.rows_read, report.rows_kept, report.duplicates, report.skipped) == (33, 24, 3, 6)
    first = 5 if header else 4
    assert report.skipped_places == tuple(f"line {number}" for number in range(first, first + 5))
    assert "6 rows skipped" in str(report)


def test_nothing_left_but_bad_rows(tmp_path):
    path = write(tmp_path, [b"a nan 1 1", b"b 1 inf 1"])
    with pytest.raises(VectorFileError, match="at least one row that can be used, found none: all 2 were skipped"):
        open_vectors(path, bad_rows="skip")


@pytest.mark.parametrize(
    "wanted", [[], ["the"], [". . ."], [". ."], ["", "<unk>", "absent"], ["nan", "a\u0085b"], list(ROWS)]
)
@pytest.mark.parametrize("block_bytes", [1 << 22, 100])
@pytest.mark.parametrize("header", [False, True])
def test_some_words(tmp_path, monkeypatch, wanted, header, block_bytes):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", block_bytes)
    path = write(tmp_path, LINES, header=header)
    selected = open_vectors(path, words=wanted, dim=3)
    expected = [word for word in ROWS if word in wanted]
    assert selected.words[:] == expected
    assert selected.matrix.tobytes() == MATRIX[[list(ROWS).index(word) for word in expected]].tobytes()
    assert selected.rows(["the", "<unk>", "."]).tolist() == [
        expected.index(word) if word in expected else -1 for word in ("the", "<unk>", ".")
    ]
    report = selected.report
    repeats = 2 * ("the" in wanted) + (". . ." in wanted)
    assert (report.rows_read, report.rows_kept, report.duplicates) == (27, len(expected), repeats)
    assert report.store is None
    whole = open_vectors(path, dim=3)
    from_store = open_vectors(path, words=wanted, dim=3)
    assert (from_store.digest, from_store.words[:]) == (selected.digest, expected)
    assert (whole.digest == selected.digest) == (wanted == list(ROWS))


def test_some_words_of_a_file_with_faults_elsewhere(tmp_path):
    path = write(tmp_path, WITH_BAD)
    assert open_vectors(path, words=["the", "<unk>"]).words[:] == ["the", "<unk>"]
    with pytest.raises(VectorFileError, match=r"quirks\.txt:7: expected a word and 3 numbers"):
        open_vectors(path, words=["the", "short"])
    skipping = open_vectors(path, words=["the", "short"], bad_rows="skip")
    assert (skipping.words[:], skipping.report.skipped, skipping.report.skipped_places) == (["the"], 1, ("line 7",))


def test_some_words_of_a_file_that_is_cut_short(tmp_path):
    with pytest.raises(VectorFileError, match="expected 9 rows as this first line announces, found 2"):
        read_selected(find_source(write(tmp_path, [b"9 2", b"a 1 2", b"b 3 4"])), [b"a"])


def test_a_machine_on_which_numba_cannot_be_used(tmp_path, monkeypatch, parser):
    monkeypatch.setitem(sys.modules, "meltpoint.vectors.formats.text_files.kernel", None)
    check(open_vectors(write(tmp_path, LINES)))
