"""How well: metrics as scores of units, or as functions of counts that units add up to."""

from meltpoint.tasks.metrics.classes import ACCURACY, MACRO_F1
from meltpoint.tasks.metrics.entities import ENTITY_F1, TOKEN_ACCURACY
from meltpoint.tasks.metrics.label_sets import LABEL_MACRO_F1, LABEL_MICRO_F1, SUBSET_ACCURACY
from meltpoint.tasks.metrics.metric import Judged, Metric
from meltpoint.tasks.metrics.ranking import MEAN_AVERAGE_PRECISION, MEAN_RECIPROCAL_RANK, PRECISION_AT_1

__all__ = [
    "ACCURACY",
    "ENTITY_F1",
    "LABEL_MACRO_F1",
    "LABEL_MICRO_F1",
    "MACRO_F1",
    "MEAN_AVERAGE_PRECISION",
    "MEAN_RECIPROCAL_RANK",
    "PRECISION_AT_1",
    "SUBSET_ACCURACY",
    "TOKEN_ACCURACY",
    "Judged",
    "Metric",
]
