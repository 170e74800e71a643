"""Vectors that can be opened by name, and what is known about each before its file is read.

``entry`` says what is known, ``sets`` collects it from the modules of the families, ``places`` finds what is on this
machine. A new set is one entry in the tuple of its family.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meltpoint.vectors.catalogue.entry import CatalogueEntry, RemoteFile
    from meltpoint.vectors.catalogue.sets import CATALOGUE

__all__ = ["CATALOGUE", "CatalogueEntry", "RemoteFile", "find_entry"]


def find_entry(name: str) -> "CatalogueEntry | None":
    """Returns the entry of that name, in whatever case it is written, or None."""
    # Names are letters, digits and hyphens: most paths are told from them without loading the sets.
    if not name.replace("-", "").isalnum():
        return None
    from meltpoint.vectors.catalogue.sets import ENTRIES  # noqa: PLC0415 - not on the way of a path

    return ENTRIES.get(name.lower())


def __getattr__(name: str) -> object:
    # Loaded by those who look at the catalogue: opening a path, which should take milliseconds, does not.
    if name == "CATALOGUE":
        from meltpoint.vectors.catalogue import sets  # noqa: PLC0415

        return sets.CATALOGUE
    if name in {"CatalogueEntry", "RemoteFile"}:
        from meltpoint.vectors.catalogue import entry  # noqa: PLC0415

        return getattr(entry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
