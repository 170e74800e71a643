"""meltpoint: should your pretrained word embeddings be frozen or fine-tuned? Measured on your own data.

The names below are loaded when they are first used: opening vectors or reading texts needs no torch, and importing
torch takes seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meltpoint.embedding import (
        Anchored,
        Decayed,
        FineTuned,
        Frozen,
        Gradual,
        LowRank,
        Partial,
        PretrainedEmbedding,
        Projected,
        Scaled,
        Scratch,
        TwoChannel,
        build_embedding,
        policies,
    )
    from meltpoint.embedding.rowwise import RowwiseOptimizer
    from meltpoint.errors import MeltpointError
    from meltpoint.handover import load_model
    from meltpoint.integrations.sklearn import EmbeddingClassifier
    from meltpoint.run import Run, StudyOptions, study
    from meltpoint.text import Vocabulary, read_corpus, tokenizer_for
    from meltpoint.vectors import Vectors, open_vectors

__version__ = "0.1.0"

_HOMES = {
    "meltpoint.embedding": (
        "Anchored",
        "Decayed",
        "FineTuned",
        "Frozen",
        "Gradual",
        "LowRank",
        "Partial",
        "PretrainedEmbedding",
        "Projected",
        "Scaled",
        "Scratch",
        "TwoChannel",
        "build_embedding",
        "policies",
    ),
    "meltpoint.embedding.rowwise": ("RowwiseOptimizer",),
    "meltpoint.errors": ("MeltpointError",),
    "meltpoint.handover": ("load_model",),
    "meltpoint.integrations.sklearn": ("EmbeddingClassifier",),
    "meltpoint.run": ("Run", "StudyOptions", "study"),
    "meltpoint.text": ("Vocabulary", "read_corpus", "tokenizer_for"),
    "meltpoint.vectors": ("Vectors", "open_vectors"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Anchored",
    "Decayed",
    "EmbeddingClassifier",
    "FineTuned",
    "Frozen",
    "Gradual",
    "LowRank",
    "MeltpointError",
    "Partial",
    "PretrainedEmbedding",
    "Projected",
    "RowwiseOptimizer",
    "Run",
    "Scaled",
    "Scratch",
    "StudyOptions",
    "TwoChannel",
    "Vectors",
    "Vocabulary",
    "build_embedding",
    "load_model",
    "open_vectors",
    "policies",
    "read_corpus",
    "study",
    "tokenizer_for",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'meltpoint' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
