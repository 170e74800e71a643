"""The charts of docs/calibration."""

from pathlib import Path

import altair as alt

BLUE, AMBER, GREY = "#3b6ea5", "#c26a2d", "#7a7a7a"
PROMISED_COVERAGE = (93, 97)


def draw_false_winners(drawn: list[dict], path: Path) -> None:
    """Draws the shares of studies that name a winner where there is none."""
    bars = alt.Chart(alt.Data(values=drawn)).encode(
        x=alt.X("percent:Q", title="studies that name a winner where there is none, %", scale={"domain": [0, 100]}),
        y=alt.Y("method:N", sort=None, title=None, axis={"labelLimit": 320}),
    )
    labels = bars.mark_text(align="left", dx=4).encode(text=alt.Text("percent:Q", format=".1f"))
    promise = alt.Chart(alt.Data(values=[{"percent": 5}])).mark_rule(strokeDash=[4, 3]).encode(x="percent:Q")
    _save((bars.mark_bar(color=BLUE) + labels + promise).properties(width=420, height=190), path)


def draw_coverage(drawn: list[dict], path: Path) -> None:
    """Draws how often all intervals of a study hold the truth at once, with the interval of that share."""
    shown = [{**one, "setting": f"{one['repeats']} repeats"} for one in drawn]
    scale = alt.Scale(domain=[80, 100], zero=False)
    ends = [alt.Chart().mark_rule(strokeDash=[4, 3], color=GREY).encode(y=alt.datum(end)) for end in PROMISED_COVERAGE]
    dots = alt.Chart().encode(
        x=alt.X("setting:N", sort=None, title=None, axis={"labelAngle": 0}),
        xOffset=alt.XOffset("data:N", sort=None),
        color=alt.Color(
            "data:N", sort=None, scale={"range": [BLUE, AMBER, GREY]}, legend={"orient": "bottom"}, title=None
        ),
    )
    bars = dots.mark_rule().encode(
        y=alt.Y("low:Q", scale=scale, title="studies whose intervals all hold, %"), y2="high:Q"
    )
    points = dots.mark_point(filled=True, size=60).encode(y="together:Q")
    chart = alt.layer(*ends, bars, points, data=alt.Data(values=shown)).properties(width=260, height=200)
    _save(chart.facet(column=alt.Column("design:N", title=None)), path)


def draw_power(drawn: list[dict], path: Path) -> None:
    """Draws how often a true gain is named, and how often it is acted upon."""
    lines = alt.Chart(alt.Data(values=drawn)).encode(
        x=alt.X("gain:Q", title="true gain, points", axis={"values": sorted({one["gain"] for one in drawn})}),
        y=alt.Y("percent:Q", title="studies, %", scale={"domain": [0, 100]}),
        color=alt.Color("kind:N", sort=None, title=None, scale={"range": [BLUE, AMBER]}),
    )
    designs = alt.StrokeDash("design:N", title=None, legend={"symbolType": "stroke", "symbolStrokeWidth": 2})
    drawing = lines.mark_line().encode(strokeDash=designs) + lines.mark_point(filled=True, opacity=1)
    _save(drawing.properties(width=360, height=200), path)


def _save(chart: alt.TopLevelMixin, path: Path) -> None:
    chart.configure_view(stroke=None).save(path)
