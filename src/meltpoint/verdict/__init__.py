"""Paired comparison, decision and melting point: plain arrays in, no torch.

Formulas, sources and simulated coverage: docs/statistics.md.
"""

from meltpoint.verdict.comparison import Comparison, Gain, compare, compare_sizes
from meltpoint.verdict.decision import PATIENT_REPEATS, Decision, decide, may_end
from meltpoint.verdict.depth import DepthEffect, compare_depths
from meltpoint.verdict.intervals import Interval, compare_pair
from meltpoint.verdict.joint import JointEstimates, joint_gains
from meltpoint.verdict.labelling import Growth, NextRows, next_rows
from meltpoint.verdict.layout import Design
from meltpoint.verdict.looks import Look, default_looks, look_shares
from meltpoint.verdict.melting import CurvePoint, MeltingPoint, Standing, gain_curve, melting_point
from meltpoint.verdict.pseudo_values import pseudo_values
from meltpoint.verdict.retiring import hopeless, with_retired
from meltpoint.verdict.subgroups import SubgroupGains, compare_subgroups

__all__ = [
    "PATIENT_REPEATS",
    "Comparison",
    "CurvePoint",
    "Decision",
    "DepthEffect",
    "Design",
    "Gain",
    "Growth",
    "Interval",
    "JointEstimates",
    "Look",
    "MeltingPoint",
    "NextRows",
    "Standing",
    "SubgroupGains",
    "compare",
    "compare_depths",
    "compare_pair",
    "compare_sizes",
    "compare_subgroups",
    "decide",
    "default_looks",
    "gain_curve",
    "hopeless",
    "joint_gains",
    "look_shares",
    "may_end",
    "melting_point",
    "next_rows",
    "pseudo_values",
    "with_retired",
]
