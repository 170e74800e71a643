"""What a policy costs against what it scores."""

from typing import Any

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import HEIGHT, colour, finish, plane, role_colour, spread
from meltpoint.report.parts import ReportParts

# float32: the number itself, its gradient, and the two moments of Adam.
BYTES_PER_TRAINED_NUMBER = 16
Y_TITLE = "score on what was tested"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws seconds of one training against the score; the area of a point is what is trained."""
    verdict, seconds = parts.verdict, parts.seconds
    if not verdict["sizes"]:
        return None
    parameters = {policy["policy"]: policy["trainable_parameters"] for policy in verdict["policies"]}
    rows: list[dict[str, Any]] = [
        {
            "policy": cell["policy"],
            "score": cell["score"],
            "seconds": seconds[cell["policy"]],
            "parameters": parameters.get(cell["policy"]),
            "megabytes": training_megabytes(parameters.get(cell["policy"])),
            "area": 40 + 260 * (parameters.get(cell["policy"], 0) / max([1, *parameters.values()])),
            "colour": role_colour(cell["policy"], verdict),
        }
        for cell in verdict["sizes"][-1]["policies"]
        if cell["policy"] in seconds
    ]
    if not rows:
        return None
    scores = [row["score"] for row in rows]
    margin = max(0.12 * (max(scores) - min(scores)), 0.5)
    domain = [min(scores) - margin, max(scores) + margin]
    for row, place in zip(rows, spread(scores, 16 * (domain[1] - domain[0]) / HEIGHT), strict=True):
        row["place"] = place
    slowest = max(row["seconds"] for row in rows)
    x = alt.X(
        "seconds:Q",
        title="seconds of one training, median",
        scale=alt.Scale(domain=[0, slowest * 1.08 or 1]),
        axis=alt.Axis(format="~g", tickCount=6),
    )
    y = alt.Y("score:Q", title=Y_TITLE, scale=alt.Scale(domain=domain, nice=False), axis=alt.Axis(grid=False))
    tint = alt.Color("colour:N", scale=None)
    tooltip = [
        alt.Tooltip("policy:N"),
        alt.Tooltip("score:Q", format=".1f"),
        alt.Tooltip("seconds:Q", format=".2f"),
        alt.Tooltip("parameters:Q", format=",d", title="trained numbers"),
        alt.Tooltip("megabytes:Q", format=",.2f", title="training state, MB"),
    ]
    base = plane(rows)
    layers = [
        base.mark_rule(strokeWidth=1, color=colour("hair")).encode(
            x=x, x2=alt.value("width"), y=y, y2=alt.Y2("place:Q")
        ),
        base.mark_point(filled=True, opacity=0.9).encode(
            x=x, y=y, color=tint, size=alt.Size("area:Q", scale=None), tooltip=tooltip
        ),
        base.mark_text(align="left", dx=6).encode(
            x=alt.value("width"), y=alt.Y("place:Q", title=Y_TITLE), text="policy:N", color=tint
        ),
    ]
    return Drawing(
        spec=finish(layers),
        description="Score against cost: "
        + "; ".join(f"{row['policy']} scores {row['score']:.1f} in {row['seconds']:.1f} s" for row in rows)
        + ".",
        columns=("policy", "score", "seconds", "trained numbers", "training state, MB"),
        rows=[(row["policy"], row["score"], row["seconds"], row["parameters"], row["megabytes"]) for row in rows],
    )


def training_megabytes(parameters: int | None) -> float | None:
    """Returns the megabytes that Adam keeps for so many trained numbers: weight, gradient, two moments, float32."""
    return None if parameters is None else round(parameters * BYTES_PER_TRAINED_NUMBER / 1e6, 2)


CHART = Chart(
    name="cost",
    title="What it costs",
    caption=(
        "Higher is better, further left is cheaper; the area of a point grows with the numbers that are trained. "
        "Seconds were measured on the machine named below; the training state is computed: four float32 (weight, "
        "gradient, two moments of Adam) for each trained number."
    ),
    draw=draw,
)
