"""Which version of Vega-Lite charts are written in."""

import altair as alt


def vega_lite_version() -> str:
    """Returns major and minor version, as vl-convert names it."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
