"""How texts and vectors fit, beyond which words the vectors have: as frequent, and of the same meaning?"""

from meltpoint.text.matching.cooccurrence import cooccurrence_vectors
from meltpoint.text.matching.rank_divergence import RankDivergence, measure_rank_divergence
from meltpoint.text.matching.semantic_match import SemanticMatch, measure_semantic_match

__all__ = [
    "RankDivergence",
    "SemanticMatch",
    "cooccurrence_vectors",
    "measure_rank_divergence",
    "measure_semantic_match",
]
