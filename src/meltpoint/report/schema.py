"""What every part of a report speaks of: documents, that is JSON objects, and the versions of their schemas."""

from typing import Any

Document = dict[str, Any]

VERDICT_SCHEMA = "meltpoint/verdict/2"
DRIFT_SCHEMA = "meltpoint/drift/1"
PROFILE_SCHEMA = "meltpoint/profile/2"
