"""How the validation score went while the chosen models were trained."""

from typing import Any

import altair as alt

from meltpoint.report.charts.base import Chart, Drawing
from meltpoint.report.charts.theme import colour, finish, plane, role_colour
from meltpoint.report.parts import LearningCurve, ReportParts
from meltpoint.studies.plan import BASELINE

MAX_POINTS = 60
Y_TITLE = "validation score"


def draw(parts: ReportParts) -> Drawing | None:
    """Draws the curves of frozen and of the policy that the verdict speaks of, one for each repeat."""
    verdict = parts.verdict
    wanted = (BASELINE, verdict["gain"]["policy"])
    curves = [curve for curve in parts.curves if curve.policy in wanted and curve.steps]
    if not curves:
        return None
    points, kept = [], []
    for number, curve in enumerate(curves):
        tint = role_colour(curve.policy, verdict)
        about = {"curve": number, "policy": curve.policy, "repeat": curve.repeat + 1, "colour": tint}
        points += [{**about, "step": step, "score": score} for step, score in thinned(curve)]
        kept.append({**about, "step": curve.best_step, "score": _score_at(curve)})
    y = alt.Y("score:Q", title=Y_TITLE, scale=alt.Scale(zero=False))
    x = alt.X("step:Q", title="training step", scale=alt.Scale(nice=False), axis=alt.Axis(format=",d"))
    tint_of = alt.Color("colour:N", scale=None)
    tooltip = [
        alt.Tooltip("policy:N"),
        alt.Tooltip("repeat:O"),
        alt.Tooltip("step:Q", format=",d", title="kept at step"),
        alt.Tooltip("score:Q", format=".1f", title=Y_TITLE),
    ]
    layers: list[Any] = [
        plane(points).mark_line(strokeWidth=1.4, opacity=0.6).encode(x=x, y=y, detail="curve:N", color=tint_of),
        plane(kept)
        .mark_point(filled=True, size=80, opacity=1, stroke=colour("paper"))
        .encode(x=x, y=y, color=tint_of, tooltip=tooltip),
    ]
    layers.append(
        plane(_ends(points))
        .mark_text(align="right", dy=-9, fontWeight="bold")
        .encode(x=x, y=y, text="policy:N", color=tint_of)
    )
    return Drawing(
        spec=finish(layers),
        description="Validation scores over the training steps. "
        + "; ".join(
            f"{curve.policy}, repeat {curve.repeat + 1}: best at step {curve.best_step:,} of {curve.steps[-1]:,}"
            for curve in curves
        )
        + ".",
        columns=("policy", "repeat", "looks", "best step", "last step", "best validation score"),
        rows=[
            (curve.policy, curve.repeat + 1, len(curve.steps), curve.best_step, curve.steps[-1], _score_at(curve))
            for curve in curves
        ],
    )


def thinned(curve: LearningCurve) -> list[tuple[int, float]]:
    """Keeps at most so many points of a curve as an eye can tell apart, the last one among them."""
    pairs = list(zip(curve.steps, curve.scores, strict=True))
    every = -(-len(pairs) // MAX_POINTS)
    return pairs[::-1][::every][::-1]


def _ends(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the last point of the longest curve of each policy: where its name stands."""
    ends: dict[str, dict[str, Any]] = {}
    for point in points:
        if point["step"] >= ends.get(point["policy"], point)["step"]:
            ends[point["policy"]] = point
    return list(ends.values())


def _score_at(curve: LearningCurve) -> float:
    return dict(zip(curve.steps, curve.scores, strict=True)).get(curve.best_step, max(curve.scores))


CHART = Chart(
    name="learning-curves",
    title="Learning curves",
    caption="One line for each repeat; the dot is the step whose weights were kept.",
    draw=draw,
)
