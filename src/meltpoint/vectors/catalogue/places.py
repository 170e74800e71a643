"""Where the sets of the catalogue are on this machine: downloaded, or in an installed package.

A download leaves its file, or its folder, in one folder for all of them, and a receipt beside it. A file that was put
there by hand is as good. What was downloaded to a folder of the user's choice is found by its receipt.
"""

import importlib.util
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from meltpoint.vectors.cache import cache_folder
from meltpoint.vectors.catalogue.entry import CatalogueEntry

State = Literal["downloaded", "installed", "to get", "to install"]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a download came to, kept as ``NAME.json`` in the downloads folder.

    Attributes:
        path: The file or folder that it left.
        sizes_bytes: The size of each file, by the name it was fetched under.
        checksums: ``sha256:HEX`` of each file.
        verified: Whether each of them is the one that the catalogue knows.
        urls: Where each came from.
    """

    path: str
    sizes_bytes: dict[str, int]
    checksums: dict[str, str]
    verified: dict[str, bool]
    urls: dict[str, str | None]

    def to_json(self) -> str:
        """Returns the text of the receipt."""
        return json.dumps(asdict(self), indent=1) + "\n"


def downloads_folder() -> Path:
    """Returns the folder that downloads go to, beside the stores: ``MELTPOINT_CACHE`` moves both."""
    return Path(cache_folder()).with_name("downloads")


def receipt_path(entry: CatalogueEntry) -> Path:
    """Returns where the receipt of an entry's download is kept."""
    return downloads_folder() / f"{entry.place}.json"


def read_receipt(entry: CatalogueEntry) -> Receipt | None:
    """Returns the receipt of an entry's download, or None where there is none that can be read."""
    try:
        content = json.loads(receipt_path(entry).read_bytes())
        receipt = Receipt(**content)
        return receipt if isinstance(receipt.path, str) else None
    except (OSError, ValueError, TypeError):
        return None


def locate(entry: CatalogueEntry) -> Path | None:
    """Returns the file or folder that a download of the entry has left, or None where there is none."""
    if entry.place is None:
        return None
    place = downloads_folder() / entry.place
    if place.exists():
        return place
    receipt = read_receipt(entry)
    return Path(receipt.path) if receipt is not None and Path(receipt.path).exists() else None


def locate_package(entry: CatalogueEntry) -> Path | None:
    """Returns the file or folder of the entry within its installed package, or None where that is not installed.

    The package is looked up and not imported: its files are data, and running its code would add nothing.
    """
    if entry.package is None:
        return None
    spec = importlib.util.find_spec(entry.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    place = Path(spec.submodule_search_locations[0]) / (entry.path or "")
    return place if place.exists() else None


def state_of(entry: CatalogueEntry) -> State:
    """Tells whether the entry is on this machine, and how it can be had if it is not."""
    if locate(entry) is not None:
        return "downloaded"
    if locate_package(entry) is not None:
        return "installed"
    return "to get" if entry.files else "to install"


def absence_text(entry: CatalogueEntry) -> str:
    """Returns what is wrong and what to do where the entry is not on this machine."""
    ways = [f"meltpoint vectors get {entry.name}"] if entry.files else []
    # A package that is named by an address is downloaded from where the files are: it offers nothing more.
    if entry.install_command is not None and "://" not in entry.install_command:
        ways.append(entry.install_command)
    return f"{entry.name} is not on this machine; run: {' or: '.join(ways)}"
