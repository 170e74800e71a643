"""What a study says, for people and for programs."""

from meltpoint.report.document import verdict_document
from meltpoint.report.live import watching
from meltpoint.report.profile import profile_document, render_profile
from meltpoint.report.schema import METRIC, VERDICT_SCHEMA, Document
from meltpoint.report.terminal import headline, render_verdict

__all__ = [
    "METRIC",
    "VERDICT_SCHEMA",
    "Document",
    "headline",
    "profile_document",
    "render_profile",
    "render_verdict",
    "verdict_document",
    "watching",
]
