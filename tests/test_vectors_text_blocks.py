"""Blocks of complete lines: every line once and in order, however the file is cut, read in turn or part by part."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files.blocks import plan_blocks, read_blocks
from meltpoint.vectors.sources.containers import open_stream
from meltpoint.vectors.sources.finding import find_source


def source_of(path, content):
    path.write_bytes(content)
    return find_source(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks") / "lines.txt"


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text("ab", max_size=30).map(str.encode)), st.booleans(), st.integers(1, 40), st.integers(1, 40))
def test_every_line_once_and_in_order(path, lines, ends, block_bytes, room_bytes):
    content = b"\n".join(lines) + b"\n" * (ends and bool(lines))
    source = source_of(path, content)
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "_BLOCK_BYTES", block_bytes)
        patch.setattr(text_blocks, "_ROOM_BYTES", room_bytes)
        with open_stream(source) as stream:
            planned = []
            for block in plan_blocks(stream, source.size_bytes, source.place):
                planned.append(block.load().lines())
                block.load().recycle()  # into a buffer with other bytes in it
        with open_stream(source) as stream:
            in_turn = [block.lines() for block in read_blocks(stream, source.place)]
    assert list(chain(*planned)) == expected
    assert list(chain(*in_turn)) == expected


@pytest.mark.parametrize("content", [b"a\n" + b"x" * 5000, b"a\n" + b"x" * 5000 + b"\nb\n"])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(path, monkeypatch, content):
    monkeypatch.setattr(text_blocks, "_BLOCK_BYTES", 100)
    monkeypatch.setattr(text_blocks, "_ROOM_BYTES", 100)
    monkeypatch.setattr(text_blocks, "_LONGEST_LINE_BYTES", 1000)
    source = source_of(path, content)
    with open_stream(source) as stream:
        first = next(plan_blocks(stream, source.size_bytes, source.place))
        with pytest.raises(VectorFileError, match=r"expected lines of text, found 1,[0-9]+ bytes without a line end"):
            first.load()
