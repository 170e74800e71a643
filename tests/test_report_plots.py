"""The plots of the terminal: where marks fall, at every width, and in ASCII."""

import io

import pytest
from rich.console import Console

from meltpoint.report.plots import IntervalPlot, IntervalRow, sparkline


def drawn(rows, width, *, rope=1.0, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, highlight=False)
    console.print(IntervalPlot(rows, rope))
    file.flush()
    return file.buffer.getvalue().decode(encoding).splitlines()


def row(name, points, low=None, high=None):
    return IntervalRow(name=name, points=points, low=low, high=high, style="default")


def test_marks_fall_where_their_numbers_are():
    above, inside, scale = drawn([row("up", 5.0, 3.0, 8.0), row("in", 0.5)], 28, rope=1.0)
    # 21 cells from -2 to 8: two for each point.
    assert above == "  up    ░░│░░   ━━━━●━━━━━━"
    assert above[6:].index("●") == 14
    assert above[6:].index("━") == 10
    assert above.rstrip().endswith("━")
    assert inside[6:].index("│") == 4
    assert inside[6:].index("●") == 5
    # Under the zero there is no room for its number beside that of the left end.
    assert scale.split() == ["-2.0", "+8.0"]
    assert drawn([row("up", 5.0, 3.0, 8.0)], 60)[-1].split() == ["-2.0", "0", "+8.0"]


def test_a_bar_across_zero_shows_zero():
    (line, _) = drawn([row("both", 0.0, -4.0, 4.0)], 40)
    assert "●" in line
    (line, _) = drawn([row("both", 2.0, -4.0, 6.0)], 40)
    assert "━│━" in line


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    rows = [row("fine-tuned", 40.0, -100.0, 140.0), row("two-channel", 0.0, 0.0, 0.0)]
    assert all(len(line) <= width for line in drawn(rows, width))
    assert len(drawn(rows, width)) == 3


def test_ascii_terminals_get_ascii():
    text = "\n".join(drawn([row("up", 5.0, 3.0, 8.0)], 60, encoding="ascii"))
    assert "o" in text
    assert "---" in text
    assert ":" in text


@pytest.mark.parametrize(
    ("values", "line"),
    [((0.0, 4.0, 8.0), "▁▅█"), ((None, 8.0), " █"), ((), ""), ((-1.0, 9.0), "▁█")],
)
def test_sparklines(values, line):
    assert sparkline(values, 0.0, 8.0) == line


def test_a_flat_sparkline_is_low():
    assert sparkline((3.0, 3.0), 3.0, 3.0) == "▁▁"
