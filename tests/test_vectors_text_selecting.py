"""Finding the lines that are wanted: the same lines as by splitting each, with NumPy and compiled."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.vectors.formats.text_files.blocks import PADDING_BYTES, Block
from meltpoint.vectors.formats.text_files.kernel import find_candidates_compiled
from meltpoint.vectors.formats.text_files.selecting import FirstFields, find_candidates, select_lines

FINDERS = [find_candidates, find_candidates_compiled]
words = st.text("ab \x00\u00e9\u00a0\x85", max_size=12).map(str.encode) | st.sampled_from(
    [b"", b"same eight", b"same eigth"]
)
lines = st.lists(
    st.tuples(words, st.sampled_from([b"", b" 1 2", b" " + b"0.25 " * 30, b" 1\r"])).map(b"".join), max_size=40
)


@pytest.mark.parametrize("find", FINDERS)
@settings(max_examples=300, deadline=None)
@given(lines, st.frozensets(words, max_size=10), st.integers(0, 70), st.binary(max_size=PADDING_BYTES))
def test_same_as_by_splitting_each(find, texts, wanted, start, after):
    content = b"".join(text + b"\n" for text in texts)
    buffer = bytearray(b"x" * start + content + after.ljust(PADDING_BYTES, b"\n"))
    block = Block(buffer=buffer, start=start, end=start + len(content), spare=deque())
    selected = select_lines(block, FirstFields.of(wanted), find)
    fields = {word.partition(b" ")[0] for word in wanted}
    expected = [position for position, text in enumerate(texts) if text.partition(b" ")[0] in fields]
    assert selected.positions == expected
    assert selected.text == b"".join(texts[position] + b"\n" for position in expected)
    assert selected.num_passed == len(texts)


@pytest.mark.parametrize("find", FINDERS)
def test_few_lines_are_looked_at_closely(find):
    texts = [f"word{number} 1 2\n".encode() for number in range(3000)]
    wanted = [f"word{number}".encode() for number in range(0, 3000, 100)]
    candidates = find(Block.of(texts), FirstFields.of(wanted))
    assert candidates.num_lines == 3000
    assert set(range(0, 3000, 100)) <= set(candidates.positions)
    assert len(candidates.positions) == len(candidates.starts) == len(candidates.ends) < 60


@pytest.mark.parametrize("find", FINDERS)
def test_more_lines_than_are_expected(find):
    text = b"word 1\n" * 5000 + b"another 1\n"
    selected = select_lines(Block.of([text]), FirstFields.of([b"word"]), find)
    assert (selected.text, selected.num_passed) == (b"word 1\n" * 5000, 5001)
