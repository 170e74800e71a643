"""The JavaScript that draws charts: Vega, Vega-Lite and Vega-Embed, as vl-convert carries them."""

import functools

import vl_convert

from meltpoint.report.charts.versions import vega_lite_version

_EXPORT = "window.vegaEmbed = vegaEmbed;"


@functools.cache
def chart_library() -> str:
    """Returns the library as one script, made offline; nothing in it can end the element that holds it."""
    bundle: str = vl_convert.javascript_bundle(_EXPORT, vl_version=vega_lite_version())
    return bundle.replace("</script", r"<\/script").replace("<!--", r"<\!--")
