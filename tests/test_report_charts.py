"""The charts: what they show, in words and numbers too; what they do where there is little to show."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meltpoint.report.charts import CHARTS
from meltpoint.report.charts.learning_curves import MAX_POINTS, thinned
from meltpoint.report.charts.pictures import draw_png, draw_svg
from meltpoint.report.charts.theme import COLOURS, colour, spread, with_plain_colours
from meltpoint.report.parts import LearningCurve

BY_NAME = {chart.name: chart for chart in CHARTS}


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_every_chart_says_what_it_shows(chart, make_parts):
    drawing = chart.draw(make_parts())
    assert len(drawing.description) > 20
    assert drawing.rows
    assert {len(row) for row in drawing.rows} == {len(drawing.columns)}
    assert drawing.spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    named = set(re.findall(r"var\(--([\w-]+)\)", json.dumps(drawing.spec)))
    assert named
    assert named <= COLOURS.keys()


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_nothing_is_drawn_where_nothing_was_measured(chart, make_parts):
    nothing = {"sizes": [], "policies": [], "gain": {"policy": None, "points": None, "low": None, "high": None}}
    assert chart.draw(make_parts(drift=None, curves=(), run={}, **nothing)) is None


@pytest.mark.parametrize("kind", ["between", "below", "above", "unknown"])
def test_the_melting_point_is_marked_as_far_as_it_is_known(kind, make_parts):
    low, high = (
        None if kind in ends else size for ends, size in ((("below", "unknown"), 500), (("above", "unknown"), 2000))
    )
    point = {"kind": kind, "low": low, "high": high, "sentence": "Thereabouts."}
    drawing = BY_NAME["gain-by-size"].draw(make_parts(melting_point=point))
    assert ("melting point" in json.dumps(drawing.spec)) == (kind != "unknown")
    assert drawing.description.endswith("Thereabouts.")


def test_a_single_size_and_a_single_repeat_are_drawn(make_parts):
    parts = make_parts()
    gain = {"points": 2.0, "low": None, "high": None}
    cells = [{**cell, "gain": cell["gain"] and gain} for cell in parts.verdict["sizes"][0]["policies"]]
    sizes = [{**parts.verdict["sizes"][0], "policies": cells}]
    for name in ("gain-by-size", "policy-intervals"):
        drawing = BY_NAME[name].draw(make_parts(sizes=sizes))
        assert all(row[-2:] == (None, None) for row in drawing.rows)
        assert draw_svg(drawing).startswith("<svg")


def test_policies_of_unknown_cost_are_left_out(make_parts):
    run = {"seconds_per_training": {"average": {"frozen": 0.5}}}
    drawing = BY_NAME["cost"].draw(make_parts(run=run))
    assert [(row[0], row[2], row[3]) for row in drawing.rows] == [("frozen", 0.5, 302)]


def test_long_curves_are_thinned_and_keep_their_end():
    steps = tuple(range(0, 10_000, 10))
    curve = LearningCurve(policy="frozen", repeat=0, best_step=10, steps=steps, scores=tuple(map(float, steps)))
    kept = thinned(curve)
    assert len(kept) <= MAX_POINTS
    assert kept[-1] == (9990, 9990.0)
    assert kept == sorted(kept)


def test_pictures_are_drawn_in_plain_colours(make_parts):
    drawing = BY_NAME["policy-intervals"].draw(make_parts())
    svg = draw_svg(drawing)
    assert "var(--" not in svg
    assert COLOURS["ember"][0] in svg
    assert draw_png(drawing).startswith(b"\x89PNG")


def test_colours_by_name():
    spec = {"a": [colour("ink"), 3, None], "b": {"c": f"1px {colour('ice')}"}}
    assert with_plain_colours(spec) == {"a": [COLOURS["ink"][0], 3, None], "b": {"c": f"1px {COLOURS['ice'][0]}"}}
    assert with_plain_colours(spec, dark=True)["a"][0] == COLOURS["ink"][1]
    with pytest.raises(KeyError, match="no colour 'puce'; there are paper"):
        colour("puce")


@pytest.mark.parametrize(
    ("values", "gap", "expected"),
    [
        ([], 1.0, []),
        ([0.0, 5.0], 1.0, [0.0, 5.0]),
        ([1.0, 1.0], 1.0, [0.5, 1.5]),
        ([2.0, 1.0, 0.9], 1.0, [2.3, 1.3, 0.3]),
    ],
)
def test_labels_are_moved_apart(values, gap, expected):
    assert spread(values, gap) == pytest.approx(expected)


@given(st.lists(st.floats(-100, 100), max_size=12), st.floats(0.1, 10))
def test_labels_never_touch_and_keep_their_order(values, gap):
    placed = sorted(zip(values, spread(values, gap), strict=True))
    for (before, below), (after, above) in pairwise(placed):
        if before < after:
            assert above - below >= gap * (1 - 1e-6) - 1e-9
    assert sum(spread(values, gap)) == pytest.approx(sum(values), abs=1e-6)
