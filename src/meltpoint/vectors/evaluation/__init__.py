"""What vectors are worth on the files of the field: word similarity, analogies."""

from meltpoint.vectors.evaluation.scores import (
    AnalogyScore,
    SectionScore,
    SimilarityScore,
    evaluate,
    evaluate_analogies,
    evaluate_similarity,
)

__all__ = ["AnalogyScore", "SectionScore", "SimilarityScore", "evaluate", "evaluate_analogies", "evaluate_similarity"]
