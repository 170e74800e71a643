"""What is to be predicted, read from the label column: one file for each kind of target."""

from meltpoint.text.targets.base import NO_LABEL, TargetReader, Targets
from meltpoint.text.targets.classes import CLASSES, Classes
from meltpoint.text.targets.label_sets import LABEL_SETS, LabelSets
from meltpoint.text.targets.relevance import RELEVANCE, Relevance
from meltpoint.text.targets.tags import TAGS, Tags

__all__ = [
    "CLASSES",
    "LABEL_SETS",
    "NO_LABEL",
    "RELEVANCE",
    "TAGS",
    "Classes",
    "LabelSets",
    "Relevance",
    "Tags",
    "TargetReader",
    "Targets",
]
