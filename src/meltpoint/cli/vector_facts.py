"""What is said of vectors: of a set of the catalogue before it is read, and of vectors that are open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meltpoint.vectors.catalogue import CatalogueEntry
from meltpoint.vectors.catalogue.places import locate, locate_package, state_of

if TYPE_CHECKING:
    from meltpoint.vectors import Vectors

Facts = dict[str, Any]

_FIRST_WORDS = 10
_NORM_ROWS = 20_000
_QUANTILES = {"least": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "greatest": 1.0}
_CASES = {True: "cased", False: "all lower-case"}
_RIGHT = {"words", "dim", "download"}
_MAX_WIDTH = 1000
_LEFT_OUT_FIRST = ("licence", "tokenizer")


def entry_facts(entry: CatalogueEntry) -> Facts:
    """Collects what the catalogue knows of a set, and where it is on this machine."""
    place = locate(entry) or locate_package(entry)
    return {
        "name": entry.name,
        "family": entry.family,
        "summary": entry.summary,
        "words": entry.num_words,
        "words_exact": entry.exact_words,
        "dim": entry.dim,
        "cased": entry.cased,
        "tokenizer": entry.tokenizer,
        "licence": entry.licence,
        "format": entry.file_format,
        "homepage": entry.homepage,
        "files": [asdict(file) for file in entry.files],
        "download_bytes": entry.size_bytes,
        "download_bytes_exact": entry.exact_size,
        "install": entry.install_command,
        "state": state_of(entry),
        "path": None if place is None else str(place),
    }


def content_facts(vectors: "Vectors") -> Facts:
    """Collects what can be said of open vectors without reading all of them.

    The norms are those of the first rows, which in most sets are the most frequent words.
    """
    first = vectors.matrix[:_NORM_ROWS]
    norms = np.sqrt(np.einsum("ij,ij->i", first, first, dtype=np.float64))
    report = {name: str(value) if isinstance(value, Path) else value for name, value in vars(vectors.report).items()}
    return {
        "name": vectors.name,
        "words": len(vectors),
        "dim": vectors.dim,
        "cased": not vectors.lowercase,
        "tokenizer": vectors.tokenizer,
        "licence": vectors.licence,
        "first_words": vectors.words[:_FIRST_WORDS],
        "norms": {
            "rows": len(norms),
            **{name: round(float(np.quantile(norms, at)), 4) for name, at in _QUANTILES.items()},
        },
        "digest": vectors.digest,
        "report": report,
    }


def words_text(entry: CatalogueEntry) -> str:
    """Returns the number of words of a set, marked where it is a round one."""
    return f"{'' if entry.exact_words else '~'}{entry.num_words:,}"


def size_text(entry: CatalogueEntry) -> str:
    """Returns the size of a set's download, marked where it is a round one."""
    if not entry.files:
        return "-"
    if entry.size_bytes is None:
        return "unknown"
    value, unit = (entry.size_bytes / 1e9, "GB") if entry.size_bytes >= 1e9 else (entry.size_bytes / 1e6, "MB")
    return f"{'' if entry.exact_size else '~'}{value:.{1 if unit == 'GB' else 0}f} {unit}"


def licence_text(entry: CatalogueEntry) -> str:
    """Returns the licence of a set; what is not known is said."""
    return entry.licence or "unknown"


def case_text(entry: CatalogueEntry) -> str:
    """Returns whether the words of a set have capitals."""
    return "cased" if entry.cased else "lower"


def render_catalogue(entries: Iterable[CatalogueEntry], console: Console) -> RenderableType:
    """Renders sets as a table, a line each, with as many of the columns as the console is wide enough for."""
    lines = [
        {
            "name": entry.name,
            "words": words_text(entry),
            "dim": str(entry.dim),
            "case": case_text(entry),
            "tokenizer": entry.tokenizer,
            "licence": licence_text(entry),
            "download": size_text(entry),
            "state": state_of(entry),
        }
        for entry in entries
    ]
    table = _tabulate(lines)
    unlimited = console.options.update(max_width=_MAX_WIDTH)
    left_out: list[str] = []
    for heading in _LEFT_OUT_FIRST:
        if console.measure(table, options=unlimited).maximum <= console.width:
            break
        left_out.append(heading)
        table = _tabulate([{name: text for name, text in line.items() if name not in left_out} for line in lines])
    if not left_out:
        return table
    return Group(table, f"Left out for width: {', '.join(left_out)}. Of one: meltpoint vectors info NAME")


def _tabulate(lines: Sequence[Mapping[str, str]]) -> Table:
    """Returns the table of lines with the same headings; each cell stays on its line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in lines[0]:
        table.add_column(heading, justify="right" if heading in _RIGHT else "left", no_wrap=True)
    for line in lines:
        table.add_row(*line.values())
    return table


def render_entry(entry: CatalogueEntry) -> RenderableType:
    """Renders what the catalogue knows of one set."""
    place = locate(entry) or locate_package(entry)
    licence = entry.licence or "unknown: its authors state none"
    return _rows(
        ("name", entry.name),
        ("what", f"{entry.family}: {entry.summary}"),
        ("size", f"{words_text(entry)} words x {entry.dim}, {_CASES[entry.cased]}, {entry.file_format}"),
        ("tokenizer", entry.tokenizer),
        ("licence", licence),
        *(("file", f"{file.urls[0]} ({file.checksum or 'checksum unknown'})") for file in entry.files),
        *([("download", size_text(entry))] if entry.files else []),
        *([("package", entry.install_command)] if entry.install_command else []),
        ("state", state_of(entry) if place is None else f"{state_of(entry)}: {place}"),
        ("more", entry.homepage),
    )


def render_contents(vectors: "Vectors") -> RenderableType:
    """Renders what can be said of open vectors."""
    facts = content_facts(vectors)
    norms = facts["norms"]
    return _rows(
        ("case", _CASES[facts["cased"]]),
        ("tokenizer", facts["tokenizer"]),
        ("licence", facts["licence"] or "unknown"),
        ("first words", "  ".join(facts["first_words"])),
        (
            "norms",
            f"median {norms['median']:g}, from {norms['least']:g} to {norms['greatest']:g}, nine in ten between "
            f"{norms['5%']:g} and {norms['95%']:g} (first {norms['rows']:,} rows)",
        ),
        ("digest", facts["digest"]),
    )


def _rows(*rows: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    return table
