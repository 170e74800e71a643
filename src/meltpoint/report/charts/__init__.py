"""The charts of a report, one to a file; :data:`CHARTS` lists them in the order of the page."""

from meltpoint.report.charts import (
    cost,
    drift_by_frequency,
    gain_by_size,
    learning_curves,
    overfitting,
    policy_intervals,
    vocabulary_map,
)
from meltpoint.report.charts.base import Chart, Drawing

CHARTS: tuple[Chart, ...] = (
    gain_by_size.CHART,
    policy_intervals.CHART,
    cost.CHART,
    vocabulary_map.CHART,
    drift_by_frequency.CHART,
    learning_curves.CHART,
    overfitting.CHART,
)

__all__ = ["CHARTS", "Chart", "Drawing"]
