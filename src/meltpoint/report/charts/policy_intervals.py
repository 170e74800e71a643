"""Every policy's gain over frozen with its interval, against the ROPE."""

from typing import Any

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import colour, finish, plane, role_colour, within_reach
from meltpoint.report.parts import ReportParts

ROW_HEIGHT = 34
TITLE = "gain over frozen, points"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws a row for each policy and control, the largest gain first."""
    verdict = parts.verdict
    if not verdict["sizes"]:
        return None
    cells = [cell for cell in verdict["sizes"][-1]["policies"] if cell["gain"] is not None]
    if not cells:
        return None
    cells.sort(key=lambda cell: -cell["gain"]["points"])
    rows = [
        {"policy": cell["policy"], **within_reach(cell["gain"]), "colour": role_colour(cell["policy"], verdict)}
        for cell in cells
    ]
    rope = verdict["rope"]
    known = [row[key] for row in rows for key in ("points", "low", "high") if row[key] is not None] + [-rope, rope]
    margin = 0.04 * (max(known) - min(known))
    x = alt.X(
        "points:Q",
        title=TITLE,
        scale=alt.Scale(domain=[min(known) - margin, max(known) + margin], nice=False),
        axis=alt.Axis(format="+~g", grid=True, tickCount=8, tickMinStep=1),
    )
    y = alt.Y("policy:N", title=None, sort=[row["policy"] for row in rows], axis=alt.Axis(labelColor=colour("ink")))
    tooltip = [
        alt.Tooltip("policy:N"),
        *(alt.Tooltip(f"{key}:Q", format="+.2f") for key in ("points", "low", "high")),
    ]
    tint = alt.Color("colour:N", scale=None)
    whole: list[dict[str, Any]] = [row for row in rows if row["low"] is not None and row["high"] is not None]
    layers = [
        plane([{"low": -rope, "high": rope}])
        .mark_rect(color=colour("wash"))
        .encode(x=alt.X("low:Q", title=TITLE), x2="high:Q"),
        plane([{"points": 0.0}]).mark_rule(color=colour("ice"), strokeWidth=1.5).encode(x=x),
        plane(whole)
        .mark_rule(strokeWidth=5, opacity=0.55, strokeCap="round")
        .encode(x=alt.X("low:Q", title=TITLE), x2="high:Q", y=y, color=tint, tooltip=tooltip),
        plane(rows).mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, color=tint, tooltip=tooltip),
    ]
    return Drawing(
        spec=finish(layers, height=ROW_HEIGHT * len(rows)),
        description=_describe(
            [{"policy": cell["policy"], **cell["gain"]} for cell in cells],
            rope,
            f"{verdict['sizes'][-1]['size']:,} {verdict['unit']}s",
        ),
        columns=("policy", "gain", "low", "high"),
        rows=[(cell["policy"], *(cell["gain"][key] for key in ("points", "low", "high"))) for cell in cells],
    )


def _describe(rows: list[dict[str, Any]], rope: float, size: str) -> str:
    told = "; ".join(
        f"{row['policy']} {row['points']:+.1f}"
        + ("" if row["low"] is None else f" ({row['low']:+.1f} to {row['high']:+.1f})")
        for row in rows
    )
    return f"Gains over frozen at {size}, in points, against a ROPE of {rope:g} points on either side: {told}."


CHART = Chart(
    name="policy-intervals",
    title="Every policy against the ROPE",
    caption=(
        "A bar that lies to the right of the shaded stripe is a gain that matters; one inside it, no difference that "
        "matters; one across its edges has not decided. The intervals hold for all policies and all looks at once."
    ),
    draw=draw,
)
