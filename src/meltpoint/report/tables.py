"""What tables in the terminal look like."""

from rich import box
from rich.table import Table
from rich.text import Text


def plain_table(title: str) -> Table:
    """Returns an empty table without vertical lines, under its title in bold; no mark in a title is rich's markup."""
    return Table(title=Text(title, style="bold"), title_justify="left", caption_style="dim", box=box.SIMPLE_HEAD)
