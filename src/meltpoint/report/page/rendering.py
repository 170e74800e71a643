"""Templates filled with a page."""

import functools
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import jinja2

from meltpoint.report.charts.base import Row
from meltpoint.report.charts.theme import COLOURS, FONT
from meltpoint.report.page.javascript import chart_library
from meltpoint.report.page.view import make_page
from meltpoint.report.parts import ReportParts

# The page may show nothing but itself: no request leaves it, whatever a text of the data holds.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


def render_html(parts: ReportParts) -> str:
    """Renders the report as one page that opens anywhere, offline."""
    page = make_page(parts)
    return (
        _environment(autoescape=True)
        .get_template("report.html.j2")
        .render(
            page=page,
            style=_style(),
            script=_text("report.js"),
            library=chart_library() if page.figures else "",
            security_policy=POLICY,
        )
    )


def render_markdown(parts: ReportParts, *, charts: str | None = None) -> str:
    """Renders the report as Markdown.

    Args:
        parts: The parts.
        charts: Folder of the pictures of the charts, as the text should name it; None leaves pictures out.
    """
    template = _environment(autoescape=False).get_template("report.md.j2")
    return template.render(page=make_page(parts), charts=charts)


@functools.cache
def _environment(*, autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("meltpoint.report.page"),
        autoescape=autoescape,  # noqa: S701 - off for Markdown, whose cells are escaped by a filter of their own
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, number=number, cell=markdown_cell, is_numeric=is_numeric)
    return environment


def is_numeric(rows: Sequence[Row], column: int) -> bool:
    """Says whether a column of a table holds numbers: all but the first may, and are then set to the right."""
    return column > 0 and not any(isinstance(row[column], str) for row in rows)


def signed(value: float | None, digits: int = 1) -> str:
    """Writes a gain: with its sign; a dash where there is none."""
    return "-" if value is None else f"{value:+.{digits}f}"


def number(value: Any) -> str:
    """Writes a cell of a table: integers with separators, others with as many digits as are worth reading."""
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
        case _:
            return str(value)


def markdown_cell(value: Any) -> str:
    """Writes a cell of a Markdown table or list: what Markdown or HTML would read as a sign is taken literally."""
    text = " ".join(number(value).split())
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|~" else sign for sign in text)


def _style() -> str:
    light, dark = ("".join(f"--{name}:{pair[shade]};" for name, pair in COLOURS.items()) for shade in (0, 1))
    return _text("report.css").replace("/* light */", light).replace("/* dark */", dark).replace("/* font */", FONT)


def _text(name: str) -> str:
    return files("meltpoint.report.page").joinpath("templates", name).read_text(encoding="utf-8")
