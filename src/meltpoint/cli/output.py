"""Where output goes: results on standard output, progress and errors on standard error."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

TRACE_OPTION = "--traceback"
results = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def warn(text: str) -> None:
    """Prints a warning on standard error; the text may hold words of the user's data, which are no markup."""
    errors.print(Text.assemble(("Warning: ", "bold yellow"), text), soft_wrap=True)


def print_json(document: Any) -> None:
    """Prints a document as JSON on standard output."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
