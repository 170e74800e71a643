"""The words of the vocabulary in two dimensions, before and after training."""

from typing import Any

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import colour, finish, plane
from meltpoint.report.parts import ReportParts
from meltpoint.report.schema import Document

NUM_LABELLED = 14
NUM_ROWS = 60
# Where one hue gives way to the next: how far a word has turned, 1 - cosine.
STEPS = (0.05, 0.2, 0.5)


def draw(parts: ReportParts) -> Drawing | None:
    """Draws every word of the map; a slider moves them, a search points at one and its neighbours."""
    words = [word for word in (parts.drift or {}).get("map", []) if word["cosine"] is not None]
    if not words:
        return None
    rows = [{**_place(word), "turned": 1 - word["cosine"], "count": word["count"]} for word in words]
    most = sorted(rows, key=lambda row: (-row["turned"], row["word"]))
    labelled = [row["word"] for row in most[:NUM_LABELLED]]
    t = alt.param(name="t", value=1)
    shown = alt.param(name="shown", value=labelled)
    chosen = alt.param(name="chosen", value="")
    xs = [row[key] for row in rows for key in ("x0", "x1")]
    ys = [row[key] for row in rows for key in ("y0", "y1")]
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=_domain(xs), nice=False, zero=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=_domain(ys), nice=False, zero=False))
    hue = alt.Color(
        "turned:Q",
        title="turned by (1 - cosine)",
        scale=alt.Scale(
            type="threshold", domain=list(STEPS), range=[colour(f"heat-{number}") for number in range(1, 5)]
        ),
        legend=alt.Legend(orient="top", direction="horizontal", gradientLength=220, format=".2f"),
    )
    base = (
        plane(rows)
        .transform_calculate(x="datum.x0 + t * (datum.x1 - datum.x0)", y="datum.y0 + t * (datum.y1 - datum.y0)")
        .encode(x=x, y=y)
    )
    named = base.transform_filter("indexof(shown, datum.word) >= 0 || datum.word === chosen")
    tooltip = [
        alt.Tooltip("word:N"),
        alt.Tooltip("turned:Q", format=".3f", title="turned by"),
        alt.Tooltip("count:Q", format=",d", title="times in training"),
    ]
    layers = [
        base.mark_point(filled=True, size=22, opacity=0.65).encode(color=hue, tooltip=tooltip),
        named.mark_rule(color=colour("ink"), opacity=0.45).encode(
            x=alt.X("x0:Q", axis=None), y=alt.Y("y0:Q", axis=None), x2="x:Q", y2="y:Q"
        ),
        named.mark_point(filled=True, size=60, opacity=1, stroke=colour("paper")).encode(color=hue, tooltip=tooltip),
        named.mark_text(
            align="left", dx=7, fontSize=12, fontWeight="bold", stroke=colour("paper"), strokeWidth=3
        ).encode(text="word:N"),
        named.mark_text(align="left", dx=7, fontSize=12, fontWeight="bold").encode(
            text="word:N",
            color=alt.condition("datum.word === chosen", alt.value(colour("ember")), alt.value(colour("ink"))),
        ),
    ]
    return Drawing(
        spec=finish(layers, params=(t, shown, chosen), height=480),
        description=(
            f"A map of the {len(rows):,} most frequent words: two axes of their vectors in which the table varies "
            f"most. The words that turned most: {', '.join(labelled)}."
        ),
        columns=("word", "times in training", "cosine before/after"),
        rows=[(row["word"], row["count"], round(1 - row["turned"], 4)) for row in most[:NUM_ROWS]],
    )


def _place(word: Document) -> dict[str, Any]:
    return {
        "word": word["word"],
        **{
            f"{axis}{number}": word[f"{axis}_{when}"]
            for axis in "xy"
            for number, when in enumerate(("before", "after"))
        },
    }


def _domain(values: list[float]) -> list[float]:
    margin = 0.05 * (max(values) - min(values)) or 1.0
    return [min(values) - margin, max(values) + margin]


CHART = Chart(
    name="vocabulary-map",
    title="A map of the vocabulary",
    caption=(
        "The two directions in which the vectors vary most. Move the slider from before training to after; search for "
        "a word, or click on one, to see its neighbours. Lines lead from where a word was."
    ),
    draw=draw,
)
