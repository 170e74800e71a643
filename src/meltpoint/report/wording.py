"""How reports say numbers of things."""

from meltpoint.report.schema import Document


def told_gain(gain: Document) -> str:
    """Says a gain in points, with its interval where it has one: ``+1.2 (-0.3 to +2.7)``."""
    if gain["low"] is None:
        return f"{gain['points']:+.1f}"
    return f"{gain['points']:+.1f} ({gain['low']:+.1f} to {gain['high']:+.1f})"
