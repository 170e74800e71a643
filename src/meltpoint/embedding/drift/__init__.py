"""What training did to the words: how far each moved, whom it has left, and what became of the whole space.

Plain matrices in; nothing here trains or knows a policy.
"""

from meltpoint.embedding.drift.measuring import Drift, SplitDrift, WordDrift, measure_drift
from meltpoint.embedding.drift.movement import cosines, norm_ratios, relative_distances
from meltpoint.embedding.drift.neighbours import nearest_rows
from meltpoint.embedding.drift.overlap import rank_biased_overlap
from meltpoint.embedding.drift.projection import PlaneMap, project_to_plane
from meltpoint.embedding.drift.space import SPLITS, Space
from meltpoint.embedding.drift.spectrum import Spectrum, measure_spectrum

__all__ = [
    "SPLITS",
    "Drift",
    "PlaneMap",
    "Space",
    "Spectrum",
    "SplitDrift",
    "WordDrift",
    "cosines",
    "measure_drift",
    "measure_spectrum",
    "nearest_rows",
    "norm_ratios",
    "project_to_plane",
    "rank_biased_overlap",
    "relative_distances",
]
