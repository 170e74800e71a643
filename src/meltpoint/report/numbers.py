"""Numbers in documents: rounded for JSON, which knows neither infinity nor nan."""

import math

from meltpoint.report.schema import Document
from meltpoint.verdict import Interval


def rounded(value: float | None, digits: int = 4) -> float | None:
    """Rounds; what is not finite (an end that nothing bounds), or not there, is null, and a negative zero is zero."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits) + 0.0


def interval_document(interval: Interval) -> Document:
    """Writes an estimate with the ends of its interval."""
    return {"points": rounded(interval.points), "low": rounded(interval.low), "high": rounded(interval.high)}
