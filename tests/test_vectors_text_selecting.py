"""Finding the lines that are wanted: the same lines as by splitting each, with NumPy and compiled."""

from collections import deque
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files import selecting_kernel
from meltpoint.vectors.formats.text_files.blocks import PADDING_BYTES, Block, UnreadBlock, plan_blocks, strip_end
from meltpoint.vectors.formats.text_files.selecting import FirstFields, select_lines
from meltpoint.vectors.formats.text_files.selecting_kernel import CompiledSelector
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.finding import find_source

words = st.text("ab \x00\u00e9\u00a0\x85", max_size=12).map(str.encode) | st.sampled_from(
    [b"", b"same eight", b"same eigth", b"the_same_sixteen_first", b"the_same_sixteen_too"]
)
lines = st.lists(
    st.tuples(words, st.sampled_from([b"", b" 1 2", b" " + b"0.25 " * 30, b" 1\r"])).map(b"".join), max_size=40
)


def first_field(text):
    return text.partition(b" ")[0]


def pick(texts, wanted):
    """Returns the positions of the lines that start with a wanted field."""
    fields = {first_field(word) for word in wanted}
    return [position for position, text in enumerate(texts) if first_field(text) in fields]


def check(selected, texts, wanted):
    """Checks that all wanted lines are there, as they are, and hardly any other."""
    assert selected.lines.lines() == [strip_end(texts[position]) for position in selected.positions]
    assert selected.positions == sorted(set(selected.positions))
    assert set(pick(texts, wanted)) <= set(selected.positions)
    starts = {first_field(word)[:16].rstrip(b"\x00") for word in wanted}
    assert all(first_field(texts[position])[:16].rstrip(b"\x00") in starts for position in selected.positions)
    assert selected.num_passed == len(texts)


@contextmanager
def opened(path, content):
    """Opens the bytes as a plain file; yields its parts yet to be read."""
    path.write_bytes(content)
    source = find_source(path)
    with open_stream(source) as stream:
        yield list(plan_blocks(stream, source.size_bytes, source.place)), stream


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("selecting") / "lines.txt"


@settings(max_examples=300, deadline=None)
@given(lines, st.frozensets(words, max_size=10), st.integers(0, 70), st.binary(max_size=PADDING_BYTES))
def test_same_as_by_splitting_each(texts, wanted, start, after):
    content = b"".join(text + b"\n" for text in texts)
    buffer = bytearray(b"x" * start + content + after.ljust(PADDING_BYTES, b"\n"))
    block = Block(buffer=buffer, start=start, end=start + len(content), spare=deque())
    check(select_lines(block, FirstFields(wanted)), texts, wanted)


@settings(max_examples=300, deadline=None)
@given(lines, st.booleans(), st.frozensets(words, max_size=10), st.integers(1, 300), st.integers(1, 300))
def test_parts_of_a_file_compiled_and_not(path, texts, ends, wanted, block_bytes, read_bytes):
    content = b"\n".join(texts) + b"\n" * (ends and bool(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "_BLOCK_BYTES", block_bytes)
        patch.setattr(selecting_kernel, "_READ_BYTES", read_bytes)
        fields, selector = FirstFields(wanted), CompiledSelector()
        with opened(path, content) as (parts, _):
            for part in parts:
                expected, found = select_lines(part, fields), selector(part, fields)
                assert found.lines.lines() == expected.lines.lines()
                assert (found.positions, found.num_passed) == (expected.positions, expected.num_passed)


def test_it_is_the_compiled_loop_that_selects(path, monkeypatch):
    texts = [f"word{number} 1 2\n".encode() for number in range(30000)]
    wanted = [f"word{number}".encode() for number in range(0, 30000, 100)]
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(text_blocks, "_FIRST_BLOCK_BYTES", 100)
    monkeypatch.setattr(selecting_kernel, "select_lines", None)
    with opened(path, b"".join(texts)) as (parts, _):
        selector, fields = CompiledSelector(), FirstFields(wanted)
        selections = [selector(part, fields) for part in parts[1:]]
        num_before = len(parts[0].load().lines())
    assert num_before + sum(selected.num_passed for selected in selections) == 30000
    found = [line for selected in selections for line in selected.lines.lines()]
    expected = [texts[number].rstrip() for number in range(100, 30000, 100)]
    assert set(expected) <= set(found)
    assert len(found) < len(expected) + 30


def test_all_lines_are_wanted(path):
    content = b"word 1\n" * 5000 + b"another 1\n"
    with opened(path, content) as (_, stream):
        part = UnreadBlock(stream=stream, start=1, end=len(content), place="lines.txt", spare=deque())
        for select in (select_lines, CompiledSelector()):
            selected = select(part, FirstFields([b"word"]))
            assert selected.lines.lines() == [b"word 1"] * 4999
            assert selected.num_passed == 5000


def test_without_the_systems_function(path, monkeypatch):
    monkeypatch.setattr(selecting_kernel, "_PREAD", None)
    monkeypatch.setattr(selecting_kernel, "_copy_lines", None)
    texts = [b"word 1", b"other 2"] * 50
    with opened(path, b"\n".join(texts)) as (_, stream):
        part = UnreadBlock(stream=stream, start=1, end=path.stat().st_size, place="lines.txt", spare=deque())
        check(CompiledSelector()(part, FirstFields([b"word"])), texts[1:], [b"word"])


@pytest.mark.parametrize("why", ["cut short", "a long line", "no last line end"])
def test_what_is_out_of_the_ordinary_is_done_the_general_way(path, monkeypatch, why):
    texts = [b"word 1", b"other 2", b"word " + b"3" * (900 if why == "a long line" else 1), b"word 4"] * 50
    content = b"\n".join(texts) + b"\n" * (why != "no last line end")
    monkeypatch.setattr(selecting_kernel, "_READ_BYTES", 500)
    with opened(path, content) as (_, stream):
        end = len(content) + 1000 * (why == "cut short")
        part = UnreadBlock(stream=stream, start=1, end=end, place="lines.txt", spare=deque())
        selected = CompiledSelector()(part, FirstFields([b"word"]))
    check(selected, texts[1:] + [b""] * (why == "cut short"), [b"word"])


def test_few_lines_are_looked_at_closely():
    texts = [f"word{number} 1 2\n".encode() for number in range(3000)]
    wanted = [f"word{number}".encode() for number in range(0, 3000, 100)]
    selected = select_lines(Block.of(texts), FirstFields(wanted))
    assert selected.num_passed == 3000
    assert set(range(0, 3000, 100)) <= set(selected.positions)
    assert len(selected.positions) < 40


def test_the_table_has_a_bit_for_each_word():
    fields = FirstFields([f"word{number}".encode() for number in range(1000)])
    assert 990 < int(np.unpackbits(fields.may_start).sum()) <= 1000
    assert fields.include(b"word7 0.5")
    assert not fields.include(b"word 0.5")
