"""What every chart of a report is: a Vega-Lite drawing with its words and its numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from meltpoint.report.parts import ReportParts

Row = tuple[str | int | float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One chart, drawn.

    Attributes:
        spec: The Vega-Lite specification; its colours are names of :data:`meltpoint.report.charts.theme.COLOURS`.
        description: What a reader sees in it, for those who do not: the text alternative.
        columns: Headings of its table.
        rows: The numbers that it shows.
    """

    spec: dict[str, Any]
    description: str
    columns: tuple[str, ...]
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A kind of chart.

    Attributes:
        name: Of its file and its place in the page.
        title: What it answers.
        caption: How to read it.
        draw: Draws it, or returns None where a run has nothing to show in it.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[ReportParts], Drawing | None]
