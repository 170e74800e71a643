"""How much better each policy does on the rows it was trained on than on those it never saw."""

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import colour, finish, plane, role_colour
from meltpoint.report.parts import ReportParts

ROW_HEIGHT = 34
TITLE = "score"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws, for each policy, the way from its score on test rows to that on training rows."""
    verdict = parts.verdict
    rows = [
        {
            "policy": policy["policy"],
            "train": policy["train_score"],
            "test": policy["score"],
            "gap": policy["train_score"] - policy["score"],
            "colour": role_colour(policy["policy"], verdict),
        }
        for policy in verdict["policies"]
    ]
    if not rows:
        return None
    scores = [row[key] for row in rows for key in ("train", "test")]
    scale = alt.Scale(domain=[min(scores) - 1, max(scores) + 1], nice=False)
    y = alt.Y("policy:N", title=None, sort=[row["policy"] for row in rows], axis=alt.Axis(labelColor=colour("ink")))
    tooltip = [alt.Tooltip("policy:N"), *(alt.Tooltip(f"{key}:Q", format=".1f") for key in ("test", "train", "gap"))]
    tint = alt.Color("colour:N", scale=None)
    base = plane(rows)
    x = alt.X("test:Q", title=TITLE, scale=scale, axis=alt.Axis(grid=True))
    layers = [
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=x, x2="train:Q", y=y, color=tint),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, color=tint, tooltip=tooltip),
        base.mark_point(filled=False, size=90, strokeWidth=2, opacity=1, fill=colour("paper")).encode(
            x=alt.X("train:Q", title=TITLE), y=y, color=tint, tooltip=tooltip
        ),
    ]
    return Drawing(
        spec=finish(layers, height=ROW_HEIGHT * len(rows)),
        description="Test and training scores: "
        + "; ".join(f"{row['policy']} {row['test']:.1f} and {row['train']:.1f}" for row in rows)
        + ".",
        columns=("policy", "test", "train", "gap"),
        rows=[(row["policy"], row["test"], row["train"], round(row["gap"], 4)) for row in rows],
    )


CHART = Chart(
    name="overfitting",
    title="What was learned by heart",
    caption=(
        "Filled: the score on what was tested. Open: on what was trained on. A long way between them is overfitting."
    ),
    draw=draw,
)
