"""Small plots of characters: intervals against the ROPE, and how a gain goes with the training size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

MAX_WIDTH = 100
_STEPS = "▁▂▃▄▅▆▇█"
Column = Callable[[float], int]


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What a plot is drawn with."""

    bar: str
    point: str
    zero: str
    rope: str


UNICODE = Signs(bar="━", point="●", zero="│", rope="░")
ASCII = Signs(bar="-", point="o", zero="|", rope=":")


@dataclass(frozen=True, kw_only=True)
class IntervalRow:
    """One interval to draw.

    Attributes:
        name: Of the policy.
        points: The estimate.
        low: The lower end, or None.
        high: The upper end, or None.
        style: Of bar and point.
    """

    name: str
    points: float
    low: float | None
    high: float | None
    style: str


class IntervalPlot:
    """Intervals, a line each, on a common scale as wide as the terminal allows; the stripe is the ROPE."""

    def __init__(self, rows: Sequence[IntervalRow], rope: float) -> None:
        self.rows = rows
        self.rope = rope

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the lines for the width at hand."""
        signs = ASCII if options.ascii_only else UNICODE
        names = max(len(row.name) for row in self.rows) + 4
        width = max(12, min(options.max_width, MAX_WIDTH) - names - 1)
        ends = [end for row in self.rows for end in (row.low, row.high, row.points) if end is not None]
        low, high = min(*ends, -2 * self.rope), max(*ends, 2 * self.rope)

        def column(points: float) -> int:
            return round((points - low) / (high - low or 1.0) * (width - 1))

        for row in self.rows:
            yield Text.assemble((f"  {row.name:<{names - 2}}", row.style), *self._cells(row, width, column, signs))
        yield Text(" " * names + _scale({low: 0, high: width, 0.0: column(0.0)}, width), style="dim")

    def _cells(self, row: IntervalRow, width: int, column: Column, signs: Signs) -> Iterator[tuple[str, str]]:
        whole = row.low is not None and row.high is not None
        bar = range(column(row.low or 0.0), column(row.high or 0.0) + 1) if whole else range(0)
        stripe, zero, point = range(column(-self.rope), column(self.rope) + 1), column(0.0), column(row.points)
        for cell in range(width):
            if cell == point:
                yield signs.point, row.style
            elif cell == zero:
                yield signs.zero, "cyan"
            elif cell in bar:
                yield signs.bar, row.style
            else:
                yield (signs.rope if cell in stripe else " "), "dim"


def _scale(marks: dict[float, int], width: int) -> str:
    """Writes numbers under a plot, each about its column; one that would touch another is left out."""
    scale = [" "] * width
    for points, column in marks.items():
        text = "0" if points == 0 else f"{points:+.1f}"
        start = min(max(column - len(text) // 2, 0), width - len(text))
        if not "".join(scale[max(0, start - 1) : start + len(text) + 1]).strip():
            scale[start : start + len(text)] = text
    return "".join(scale).rstrip()


def sparkline(values: Sequence[float | None], low: float, high: float) -> str:
    """Draws values as bars of eight heights between ``low`` and ``high``; a blank where there is none."""
    height = (high - low) or 1.0
    return "".join(
        " " if value is None else _STEPS[min(len(_STEPS) - 1, max(0, int((value - low) / height * len(_STEPS))))]
        for value in values
    )
