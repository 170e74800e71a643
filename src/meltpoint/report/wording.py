"""How reports say numbers of things."""

from meltpoint.report.schema import Document


def counted(number: int, noun: str) -> str:
    """Says how many: ``1 row``, ``3,075 questions``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def told_gain(gain: Document) -> str:
    """Says a gain in points, with its interval where it has one: ``+1.2 (-0.3 to +2.7)``."""
    if gain["low"] is None:
        return f"{gain['points']:+.1f}"
    return f"{gain['points']:+.1f} ({gain['low']:+.1f} to {gain['high']:+.1f})"
