"""Writes the tables of docs/catalogue.md from the catalogue.

python docs/make_catalogue.py             writes the page
python docs/make_catalogue.py --check     writes nothing; fails where the page shows something else
"""

import argparse
import re
import sys
from itertools import groupby
from pathlib import Path

from meltpoint.cli.vector_facts import case_text, licence_text, size_text, words_text
from meltpoint.vectors.catalogue import CATALOGUE, CatalogueEntry

PAGE = Path(__file__).with_name("catalogue.md")
HEADINGS = ("name", "trained on", "words", "dim", "case", "tokenizer", "licence", "download")
_TABLES = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end of tables -->)", re.DOTALL)


def page_with_tables(page: str) -> str:
    """Returns the page with the catalogue's tables in it."""
    return _TABLES.sub(lambda _: tables(), page)


def tables() -> str:
    """Returns a table for each family."""
    families = groupby(CATALOGUE, key=lambda entry: entry.family)
    return "\n".join(f"### {family}\n\n{_table(list(entries))}" for family, entries in families) + "\n"


def _table(entries: list[CatalogueEntry]) -> str:
    alignment = ("---" if heading not in {"words", "dim", "download"} else "--:" for heading in HEADINGS)
    rows = [HEADINGS, tuple(alignment), *map(_row, entries)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: CatalogueEntry) -> tuple[str, ...]:
    source = size_text(entry) if entry.files else f"`{entry.install_command}`"
    name = f"[`{entry.name}`]({entry.homepage})"
    words = (words_text(entry), str(entry.dim), case_text(entry), f"`{entry.tokenizer}`")
    return (name, entry.summary, *words, licence_text(entry), source)


def main() -> None:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    page = PAGE.read_text(encoding="utf-8")
    renewed = page_with_tables(page)
    if not parser.parse_args().check:
        PAGE.write_text(renewed, encoding="utf-8")
    elif renewed != page:
        sys.exit(f"{PAGE.name} shows another catalogue; run: python docs/make_catalogue.py")


if __name__ == "__main__":
    main()
