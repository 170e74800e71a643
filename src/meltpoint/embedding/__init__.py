"""The embedding: a table aligned to the vocabulary, and the policies that say how it may change."""

from meltpoint.embedding.adaptation import Adaptation
from meltpoint.embedding.policies import (
    POLICIES,
    AdamUpdate,
    Anchored,
    Decayed,
    FineTuned,
    Frozen,
    Gradual,
    LowRank,
    Partial,
    Policy,
    Projected,
    Scaled,
    Scratch,
    TwoChannel,
    make_policy,
    policies,
    policy_class,
    pretrained_embeddings,
)
from meltpoint.embedding.table import (
    PADDING_INDEX,
    UNKNOWN_INDEX,
    PretrainedEmbedding,
    assemble_rows,
    build_embedding,
)
from meltpoint.embedding.unknown import UNKNOWN_INITIALISERS

__all__ = [
    "PADDING_INDEX",
    "POLICIES",
    "UNKNOWN_INDEX",
    "UNKNOWN_INITIALISERS",
    "AdamUpdate",
    "Adaptation",
    "Anchored",
    "Decayed",
    "FineTuned",
    "Frozen",
    "Gradual",
    "LowRank",
    "Partial",
    "Policy",
    "PretrainedEmbedding",
    "Projected",
    "Scaled",
    "Scratch",
    "TwoChannel",
    "assemble_rows",
    "build_embedding",
    "make_policy",
    "policies",
    "policy_class",
    "pretrained_embeddings",
]
