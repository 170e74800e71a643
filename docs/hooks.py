"""What mkdocs does to the pages beside its plugins."""

import re
from typing import Any

_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")


def on_page_content(html: str, **_: Any) -> str:
    """Drops the roles of Sphinx, by which docstrings refer to other names; editors know them, this site does not."""
    return _ROLE.sub("", html)
