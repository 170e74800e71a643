"""Gain over frozen against training size, with its band and the melting point."""

from itertools import pairwise
from typing import Any

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import HEIGHT, colour, finish, plane, role_colour, spread, within_reach
from meltpoint.report.parts import ReportParts
from meltpoint.report.schema import Document

Y_TITLE = "gain over frozen, points"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws every policy's gain at every size, the one that the verdict speaks of with its intervals."""
    verdict = parts.verdict
    rows = [
        {"size": size["size"], "policy": cell["policy"], **within_reach(cell["gain"])}
        for size in verdict["sizes"]
        for cell in size["policies"]
        if cell["gain"] is not None
    ]
    if not rows:
        return None
    spoken_of = verdict["gain"]["policy"]
    sizes = sorted({row["size"] for row in rows})
    main = [row for row in rows if row["policy"] == spoken_of]
    curve = [
        {"size": one["size"], **within_reach({key: one[key] for key in ("points", "band_low", "band_high")})}
        for one in verdict.get("curve") or []
        if one["policy"] == spoken_of
    ]
    rope = verdict["rope"]
    tops = [row[key] for row in [*rows, *main] for key in ("points", *(("low", "high") * (row in main)))]
    tops += [one[key] for one in curve for key in ("points", "band_low", "band_high")]
    known = [value for value in [*tops, -rope, rope, 0.0] if value is not None]
    margin = 0.06 * (max(known) - min(known))
    # Above the highest interval there is room for the words on the melting point.
    y_domain = [min(known) - margin, max(known) + 1.8 * margin]
    x_domain = [sizes[0] / 1.15, sizes[-1] * 1.02] if len(sizes) > 1 else [sizes[0] / 2, sizes[0] * 2]

    x = alt.X(
        "size:Q",
        title=f"labelled {verdict['unit']}s for training (log scale)",
        scale=alt.Scale(type="log", domain=x_domain, nice=False),
        axis=alt.Axis(values=_ticks(sizes), format=",d"),
    )
    y = alt.Y("points:Q", title=Y_TITLE, scale=alt.Scale(domain=y_domain, nice=False), axis=alt.Axis(format="+.0f"))
    tooltip = [
        alt.Tooltip("policy:N"),
        alt.Tooltip("size:Q", format=",d", title=f"{verdict['unit']}s"),
        *(alt.Tooltip(f"{key}:Q", format="+.1f") for key in ("points", "low", "high")),
    ]
    others = [row for row in rows if row["policy"] != spoken_of]
    coloured = [{**row, "colour": role_colour(row["policy"], verdict)} for row in others]
    lines = plane(coloured).encode(x=x, y=y, detail="policy:N", color=alt.Color("colour:N", scale=None))
    layers: list[Any] = [
        plane([{"low": -rope, "high": rope}]).mark_rect(color=colour("wash")).encode(y="low:Q", y2="high:Q"),
        *_melting(verdict, x_domain),
        plane([{"points": 0.0}]).mark_rule(color=colour("ice"), strokeWidth=1.5).encode(y="points:Q"),
        *_band(main, curve, x),
        lines.mark_line(strokeWidth=1.25, opacity=0.75),
        lines.mark_point(filled=True, size=26, opacity=0.9).encode(tooltip=tooltip),
        plane(curve or main).mark_line(color=colour("ember"), strokeWidth=2.5).encode(x=x, y=y),
        plane([row for row in main if row["low"] is not None])
        .mark_rule(color=colour("ember"), strokeWidth=1.5)
        .encode(x=x, y="low:Q", y2="high:Q"),
        plane(main)
        .mark_point(filled=True, size=75, color=colour("ember"), opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
        *_labels(verdict, rows, sizes[-1], y_domain),
    ]
    return Drawing(
        spec=finish(layers, height=HEIGHT + 40),
        description=_describe(verdict),
        columns=(f"{verdict['unit']}s", "policy", "gain", "low", "high"),
        rows=[
            (size["size"], cell["policy"], *(cell["gain"][key] for key in ("points", "low", "high")))
            for size in verdict["sizes"]
            for cell in size["policies"]
            if cell["gain"] is not None
        ],
    )


def _ticks(sizes: list[int]) -> list[int]:
    """Leaves ticks out that would overlap on a narrow screen: sizes less than a quarter apart."""
    kept = [sizes[-1]]
    for _, size in pairwise([None, *sizes[-2::-1]]):
        if size is not None and size * 1.6 <= kept[-1]:
            kept.append(size)
    return kept[::-1]


def _melting(verdict: Document, x_domain: list[float]) -> list[Any]:
    """Marks, along the top, the sizes between which the melting point lies, and their ends by dashed lines."""
    point = verdict["melting_point"]
    texts = {"between": "melting point", "below": "melting point here or below", "above": "melting point beyond"}
    if point["kind"] not in texts:
        return []
    ends = {key: point[key] for key in ("low", "high") if point[key] is not None}
    strip = {"low": ends.get("low", x_domain[0]), "high": ends.get("high", x_domain[1]), "text": texts[point["kind"]]}
    at_right = point["kind"] == "above"
    ember = colour("ember")
    top = plane([strip])
    return [
        top.mark_rect(color=ember, opacity=0.85).encode(x="low:Q", x2="high:Q", y=alt.value(0), y2=alt.value(5)),
        top.mark_text(
            align="right" if at_right else "left", baseline="top", dx=-6 if at_right else 6, color=ember
        ).encode(x="high:Q" if at_right else "low:Q", y=alt.value(11), text="text:N"),
        plane([{"size": end} for end in ends.values()])
        .mark_rule(color=ember, strokeDash=[3, 4], opacity=0.8)
        .encode(x="size:Q", y=alt.value(0), y2=alt.value("height")),
    ]


def _band(main: list[Document], curve: list[Document], x: alt.X) -> list[Any]:
    band = [{"size": one["size"], "low": one["band_low"], "high": one["band_high"]} for one in curve]
    band = band or [{key: row[key] for key in ("size", "low", "high")} for row in main]
    whole = [one for one in band if one["low"] is not None and one["high"] is not None]
    if len(whole) < 2:
        return []
    return [plane(whole).mark_area(color=colour("ember"), opacity=0.15).encode(x=x, y="low:Q", y2="high:Q")]


def _labels(verdict: Document, rows: list[Document], largest: int, y_domain: list[float]) -> list[Any]:
    """Names the lines at their right ends, moved apart where they would touch."""
    ends = [{"policy": "frozen", "points": 0.0}, *(row for row in rows if row["size"] == largest)]
    places = spread([row["points"] for row in ends], 15 * (y_domain[1] - y_domain[0]) / (HEIGHT + 40))
    labels = [
        {"policy": row["policy"], "place": place, "colour": role_colour(row["policy"], verdict)}
        for row, place in zip(ends, places, strict=True)
    ]
    return [
        plane(labels)
        .mark_text(align="left", dx=9)
        .encode(
            x=alt.value("width"),
            y=alt.Y("place:Q", title=Y_TITLE),
            text="policy:N",
            color=alt.Color("colour:N", scale=None),
        )
    ]


def _describe(verdict: Document) -> str:
    main = [
        {"size": size["size"], **cell["gain"]}
        for size in verdict["sizes"]
        for cell in size["policies"]
        if cell["policy"] == verdict["gain"]["policy"]
    ]
    steps = "; ".join(
        f"{row['points']:+.1f} at {row['size']:,} {verdict['unit']}s"
        + ("" if row["low"] is None else f" (interval {row['low']:+.1f} to {row['high']:+.1f})")
        for row in main
    )
    return (
        f"Gain of {verdict['gain']['policy']} over frozen, in points: {steps}. {verdict['melting_point']['sentence']}"
    )


CHART = Chart(
    name="gain-by-size",
    title="Gain against training size",
    caption=(
        "The line at zero is a frozen embedding; the shaded stripe about it is the region in which a difference would "
        "not matter (ROPE). The thick line is the policy that the verdict speaks of, with its interval at each size; "
        "the band about it holds for all policies and all sizes at once."
    ),
    draw=draw,
)
