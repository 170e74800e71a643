"""The two parsers of text, each against Python's ``float()`` and against the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.vectors.formats.text_files import arrays as text_arrays
from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files import kernel as text_kernel
from meltpoint.vectors.formats.text_files.faults import NUMBER, count_numbers

numerals = st.from_regex(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?", fullmatch=True)
near_numerals = st.text("0123456789..--+eE_ainf\t\r\ufeff", min_size=1, max_size=18).map(lambda text: text + "5")
floats = st.floats(width=64, allow_nan=False, allow_infinity=False)
spellings = st.one_of(
    numerals,
    near_numerals,
    floats.map(repr),
    st.floats(width=32).map(repr),
    st.tuples(st.sampled_from(["%.5f", "%.6g", "%.9g", "%.17g", "%+.3e", "%.0f"]), floats).map(
        lambda pair: pair[0] % pair[1]
    ),
)


def read_by_kernel(lines, dim):
    content = b"".join(line + b"\n" for line in lines)
    data = np.frombuffer(content + bytes(text_blocks.PADDING_BYTES), dtype=np.uint8)
    words, matrix, starts, doubtful = text_kernel.parse_lines(data, len(content), dim)
    assert starts.tolist() == np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
    return words, matrix, doubtful


@pytest.mark.parametrize("parse", [read_by_kernel, text_arrays.parse_lines])
@settings(max_examples=300, deadline=None)
@given(st.lists(spellings, min_size=1, max_size=40))
def test_numbers_round_as_python_rounds(parse, numbers):
    fields = [number.encode() for number in numbers]
    words, matrix, doubtful = parse([b"%d " % n + field for n, field in enumerate(fields)], 1)
    assert words == b"".join(b"%d\n" % n for n in range(len(fields)))
    certain = np.setdiff1d(np.arange(len(fields)), doubtful)
    with np.errstate(over="ignore"):
        expected = np.array([float(fields[n]) if NUMBER.fullmatch(fields[n]) else np.nan for n in range(len(fields))])
        expected = expected.astype(np.float32)
    assert matrix[certain, 0].tobytes() == expected[certain].tobytes()
    assert np.isfinite(expected[certain]).all()


def test_numbers_near_the_middle_of_two_others_are_doubtful():
    """Decimals so near the middle between two float32 that only exact arithmetic rounds them right."""
    middle = 10**20 + 10**20 // 2**24
    fields = [b"%de-20" % (middle + step * 40_000) for step in range(-4, 5)]
    assert len({np.float32(float(field)) for field in fields}) == 2
    _, matrix, doubtful = read_by_kernel([b"w " + field for field in fields], 1)
    assert 0 < len(doubtful) < len(fields)
    certain = np.setdiff1d(np.arange(len(fields)), doubtful)
    assert matrix[certain, 0].tolist() == [np.float32(float(fields[n])) for n in certain]


lines_of_any_kind = st.lists(
    st.one_of(
        st.binary(max_size=24).map(lambda line: line.replace(b"\n", b" ")),
        st.lists(st.sampled_from([b"a", b"", b"1", b"-2.5", b"1e5", b"x1", b"nan", b"+.5"]), max_size=6).map(b" ".join),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(lines_of_any_kind, st.integers(1, 3))
def test_both_parsers_agree(lines, dim):
    """Where both are certain, they are certain of the same; what neither is certain of is judged elsewhere."""
    lines = [text_blocks.strip_end(line) for line in lines]
    kernel_words, kernel_matrix, kernel_doubtful = read_by_kernel([line.removesuffix(b"\r") for line in lines], dim)
    words, matrix, doubtful = text_arrays.parse_lines(lines, dim)
    certain = np.setdiff1d(np.arange(len(lines)), np.union1d(doubtful, kernel_doubtful)).tolist()
    assert kernel_matrix[certain].tobytes() == matrix[certain].tobytes()
    kernel_words, words = kernel_words.split(b"\n"), words.split(b"\n")
    assert [kernel_words[n] for n in certain] == [words[n] for n in certain]


@pytest.mark.parametrize("parse", [read_by_kernel, text_arrays.parse_lines])
def test_doubtful_lines_are_those_that_must_be_looked_at(parse):
    lines = [
        b"a 1 2",
        b"b 1",
        b"",
        b"c 1 2 3",
        b"d x 2",
        b"e 1 nan",
        b". . 1 2",
        b"f +1 -2",
        b" 1 2",
        b"g 1 1e39",
        b"h  1 2",
    ]
    words, matrix, doubtful = parse(lines, 2)
    # A word that ends in a number may be a line of three numbers.
    must = {1, 2, 3, 4, 5, 9}
    assert must <= set(doubtful.tolist()) <= must | {6}
    assert matrix[[0, 7, 8, 10]].tolist() == [[1, 2], [1, -2], [1, 2], [1, 2]]
    assert [words.split(b"\n")[n] for n in (0, 3, 6, 8, 10)] == [b"a", b"c 1", b". .", b"", b"h "]


@pytest.mark.parametrize("spelt", [b"1" * 1_000_000, b"." + b"1" * 1_000_000, b"1." + b"1" * 1_000_000 + b"e"])
def test_digits_without_end_take_no_time(spelt):
    assert count_numbers(b"word 1 " + spelt + b"x 2") == 1
    assert count_numbers(b"word 1 " + spelt + b"x") == 0
