"""What a study says, for people and for programs."""

from meltpoint.report.document import verdict_document
from meltpoint.report.drift import (
    drift_document,
    drift_sentence,
    overfitting_document,
    render_drift,
    unseen_rows_document,
)
from meltpoint.report.live import watching
from meltpoint.report.profile import profile_document, profile_facts, render_profile
from meltpoint.report.schema import VERDICT_SCHEMA, Document
from meltpoint.report.terminal import headline, render_verdict

__all__ = [
    "VERDICT_SCHEMA",
    "Document",
    "drift_document",
    "drift_sentence",
    "headline",
    "overfitting_document",
    "profile_document",
    "profile_facts",
    "render_drift",
    "render_profile",
    "render_verdict",
    "unseen_rows_document",
    "verdict_document",
    "watching",
]
