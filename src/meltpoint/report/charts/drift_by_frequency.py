"""How far words have turned against how often training saw them."""

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import colour, finish, plane
from meltpoint.report.parts import ReportParts

NUM_ROWS = 60
Y_TITLE = "turned by (1 - cosine)"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws a point for each word of the map and each of the words that moved most."""
    drift = parts.drift or {}
    known = {word["word"]: word for word in [*drift.get("map", []), *drift.get("words", [])]}
    rows = [
        {"word": word["word"], "count": word["count"], "turned": max(0.0, 1 - word["cosine"])}
        for word in known.values()
        if word["count"] > 0 and word["cosine"] is not None
    ]
    if not rows:
        return None
    base = plane(rows).encode(
        x=alt.X(
            "count:Q",
            title="times in training (log scale)",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(format=",d", tickCount=5),
        ),
        y=alt.Y("turned:Q", title=Y_TITLE, axis=alt.Axis(format=".2f")),
        tooltip=[
            alt.Tooltip("word:N"),
            alt.Tooltip("count:Q", format=",d", title="times"),
            alt.Tooltip("turned:Q", format=".3f", title="turned by"),
        ],
    )
    most = sorted(rows, key=lambda row: (-row["turned"], row["word"]))
    return Drawing(
        spec=finish([base.mark_point(filled=True, size=24, opacity=0.45, color=colour("ember"))]),
        description=(
            f"{len(rows):,} words by how often training saw them and how far they turned. Most: "
            + ", ".join(f"{row['word']} ({row['turned']:.2f}, {row['count']:,} times)" for row in most[:5])
            + "."
        ),
        columns=("word", "times in training", "turned by"),
        rows=[(row["word"], row["count"], round(row["turned"], 4)) for row in most[:NUM_ROWS]],
    )


CHART = Chart(
    name="drift-by-frequency",
    title="Drift against frequency",
    caption=(
        "The most frequent words, and, of the others, those that moved most. A word that training never saw keeps its "
        "vector under most policies: its neighbours may have left it."
    ),
    draw=draw,
)
