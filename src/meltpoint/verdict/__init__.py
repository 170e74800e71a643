"""Paired comparison, decision and melting point: plain arrays in, no torch.

Formulas, sources and simulated coverage: docs/statistics.md.
"""

from meltpoint.verdict.comparison import Comparison, Gain, compare, compare_sizes
from meltpoint.verdict.decision import Decision, decide
from meltpoint.verdict.intervals import Interval, compare_pair
from meltpoint.verdict.layout import Design
from meltpoint.verdict.looks import default_looks, look_levels
from meltpoint.verdict.melting import MeltingPoint, melting_point
from meltpoint.verdict.pseudo_values import pseudo_values
from meltpoint.verdict.retiring import hopeless, with_retired
from meltpoint.verdict.subgroups import SubgroupGains, compare_subgroups

__all__ = [
    "Comparison",
    "Decision",
    "Design",
    "Gain",
    "Interval",
    "MeltingPoint",
    "SubgroupGains",
    "compare",
    "compare_pair",
    "compare_sizes",
    "compare_subgroups",
    "decide",
    "default_looks",
    "hopeless",
    "look_levels",
    "melting_point",
    "pseudo_values",
    "with_retired",
]
