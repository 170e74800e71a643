"""How charts look: colours by name, so that one chart serves light, dark and paper.

In the page a colour is a CSS variable, which the style sheet of the page sets for light, dark and print; in a picture
it is the colour of the light page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from meltpoint.report.schema import Document
from meltpoint.studies.plan import BASELINE, CONTROL_POLICIES
from meltpoint.trial import TFIDF

# By name: the colour on a light page, and on a dark one.
COLOURS: Mapping[str, tuple[str, str]] = {
    "paper": ("#fbfaf7", "#14181f"),
    "ink": ("#1c2430", "#ece9e3"),
    "soft": ("#59616e", "#a6aebb"),
    "hair": ("#dcd8cf", "#343c49"),
    "wash": ("#f0ede5", "#1d232d"),
    "ice": ("#1c67a8", "#74bbf5"),
    "ember": ("#b8390f", "#ff9166"),
    "tuned": ("#b08468", "#b9957d"),
    "control": ("#6f7680", "#949ba7"),
    "heat-1": ("#a9c4da", "#3d5a76"),
    "heat-2": ("#d9b98f", "#8a7355"),
    "heat-3": ("#e08a52", "#d9854f"),
    "heat-4": ("#b8390f", "#ff9166"),
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 300


def colour(name: str) -> str:
    """Names a colour as charts and style sheet know it."""
    if name not in COLOURS:
        raise KeyError(f"no colour {name!r}; there are {', '.join(COLOURS)}")
    return f"var(--{name})"


def role_colour(policy: str, verdict: Document) -> str:
    """The colour of a policy: ice where nothing moves, ember for the one the verdict speaks of, grey for controls."""
    if policy == BASELINE:
        return colour("ice")
    if policy == verdict["gain"]["policy"]:
        return colour("ember")
    return colour("control" if policy in (*CONTROL_POLICIES, TFIDF) else "tuned")


def within_reach(gain: Document) -> Document:
    """Cuts an interval where no gain can be: few repeats give ends beyond 100 points, for which no chart has room."""
    return {key: value if value is None else max(-100.0, min(100.0, value)) for key, value in gain.items()}


def plane(rows: list[dict[str, Any]]) -> alt.Chart:
    """Starts a chart on rows of plain values."""
    # As a frame: Altair would check a list against its schema, value by value.
    return alt.Chart(pl.DataFrame(rows, infer_schema_length=None))


def finish(layers: Sequence[Any], *, height: int = HEIGHT, params: Sequence[alt.Parameter] = ()) -> dict[str, Any]:
    """Lays charts over one another, sets size and look, and returns the specification."""
    chart: Any = alt.layer(*layers)
    spec: dict[str, Any] = chart.add_params(*params).properties(width="container", height=height).to_dict()
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["config"] = _CONFIG
    return spec


def with_plain_colours(spec: Any, *, dark: bool = False) -> Any:
    """Puts the colours themselves where a specification names them."""
    if isinstance(spec, str):
        for name, pair in COLOURS.items():
            spec = spec.replace(f"var(--{name})", pair[dark])
        return spec
    if isinstance(spec, dict):
        return {key: with_plain_colours(value, dark=dark) for key, value in spec.items()}
    if isinstance(spec, list):
        return [with_plain_colours(value, dark=dark) for value in spec]
    return spec


def spread(values: list[float], gap: float) -> list[float]:
    """Moves values apart until neighbours are at least ``gap`` from one another: places for labels that must not touch.

    Returns:
        As many values, in the order given; those that touch are moved together, about their mean.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    clusters: list[tuple[float, list[int]]] = []
    for place in order:
        clusters.append((values[place], [place]))
        while len(clusters) > 1 and _reach(clusters[-2], gap, 1) + gap > _reach(clusters[-1], gap, -1):
            upper, members = clusters.pop()
            lower, others = clusters.pop()
            count = len(others) + len(members)
            clusters.append(((lower * len(others) + upper * len(members)) / count, others + members))
    placed = [0.0] * len(values)
    for middle, members in clusters:
        for rank, place in enumerate(members):
            placed[place] = middle + gap * (rank - (len(members) - 1) / 2)
    return placed


def _reach(cluster: tuple[float, list[int]], gap: float, side: int) -> float:
    middle, members = cluster
    return middle + side * gap * (len(members) - 1) / 2


_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    # The page says what a chart shows; a screen reader need not step through thousands of marks.
    "aria": False,
    "axis": {
        "labelColor": colour("soft"),
        "titleColor": colour("soft"),
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "titlePadding": 10,
        "labelFontSize": 12,
        "labelPadding": 6,
        "domain": False,
        "ticks": False,
        "gridColor": colour("hair"),
        "gridOpacity": 0.7,
    },
    "axisX": {"grid": False, "labelFlush": True},
    "text": {"color": colour("ink"), "fontSize": 12},
    "legend": {"labelColor": colour("soft"), "titleColor": colour("soft"), "titleFontWeight": "normal"},
}
