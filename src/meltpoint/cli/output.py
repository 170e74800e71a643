"""Where output goes: results on standard output, progress and errors on standard error."""

import json
import sys
from typing import Any

from rich.console import Console

results = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """Prints a document as JSON on standard output."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
