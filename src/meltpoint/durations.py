"""Times as people write them."""

import re

from meltpoint.errors import InputError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_seconds(text: str, *, name: str) -> float:
    """Reads ``90s``, ``10m``, ``1.5h`` or plain seconds.

    Args:
        text: What was written.
        name: What it is for, in the error.

    Raises:
        InputError: It is no time above zero.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise InputError(f"{name} must be a time such as 90s, 10m or 1h; found {text!r}.")
    return float(match[1]) * _UNITS[match[2]]
