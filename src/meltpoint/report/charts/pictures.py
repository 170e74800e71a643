"""Charts as pictures for papers: SVG and PNG, in the colours of the light page."""

from typing import Any

import vl_convert

from meltpoint.report.charts.base import Drawing
from meltpoint.report.charts.theme import COLOURS, with_plain_colours
from meltpoint.report.charts.versions import vega_lite_version

WIDTH = 640
PNG_PIXELS_PER_INCH = 200


def draw_svg(drawing: Drawing) -> str:
    """Draws a chart as SVG."""
    svg: str = vl_convert.vegalite_to_svg(_on_paper(drawing), vl_version=vega_lite_version())
    return svg


def draw_png(drawing: Drawing) -> bytes:
    """Draws a chart as PNG, fine enough for print."""
    png: bytes = vl_convert.vegalite_to_png(_on_paper(drawing), vl_version=vega_lite_version(), ppi=PNG_PIXELS_PER_INCH)
    return png


def _on_paper(drawing: Drawing) -> dict[str, Any]:
    spec: dict[str, Any] = with_plain_colours(drawing.spec)
    # resvg knows no system-ui; the first of the others that is installed is taken.
    config = {**spec["config"], "background": COLOURS["paper"][0], "font": "Helvetica, Arial, sans-serif"}
    return {**spec, "width": WIDTH, "config": config, "autosize": {"type": "pad"}}
