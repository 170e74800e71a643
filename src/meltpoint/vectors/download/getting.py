"""Gets a set of the catalogue: its files, unpacked where need be, and a receipt."""

import os
import shutil
import zipfile
from pathlib import Path

from meltpoint.errors import DiskError, InputError
from meltpoint.vectors.catalogue import CatalogueEntry, RemoteFile
from meltpoint.vectors.catalogue.places import (
    Receipt,
    absence_text,
    downloads_folder,
    locate,
    read_receipt,
    receipt_path,
)
from meltpoint.vectors.download.checking import check_file
from meltpoint.vectors.download.faults import DownloadError, MirrorFault
from meltpoint.vectors.download.partial import PART_SUFFIX
from meltpoint.vectors.download.requesting import Patience
from meltpoint.vectors.download.transfer import Fetched, Progress, Watch, fetch_file


def _watch_nothing(_: Progress) -> None:
    return


def get_vectors(
    entry: CatalogueEntry,
    folder: str | os.PathLike[str] | None = None,
    *,
    patience: Patience | None = None,
    watch: Watch = _watch_nothing,
) -> Path:
    """Downloads a set of the catalogue, or finds that it is there already.

    An interrupted download goes on at the next call. Afterwards ``open_vectors(entry.name)`` finds the set, also in a
    folder of your choice. A file put in its place by hand is checked and taken.

    Args:
        entry: The set.
        folder: Where its files are to be kept; by default the downloads folder beside the stores.
        patience: How long to wait, how often to try.
        watch: Told how far each file has come.

    Returns:
        The file, or the folder of files, that now holds the set.

    Raises:
        InputError: The set comes with a package only.
        DownloadError: It cannot be downloaded, or what is in its place is another file.
        DiskError: The folder cannot take it.
    """
    if entry.place is None:
        raise InputError(f"{absence_text(entry)}; it comes with that package, and there is no file to download.")
    home = downloads_folder() if folder is None else Path(folder).expanduser().absolute()
    present = locate(entry) if folder is None else None
    place = home / entry.place if present is None else present
    receipt = read_receipt(entry)
    if place.exists() and receipt is not None and _is_as_received(place, receipt):
        return place
    try:
        home.mkdir(parents=True, exist_ok=True)
        fetched = _take(entry, place) if place.exists() else _fetch(entry, place, patience or Patience(), watch)
        _write_receipt(entry, place, fetched)
    except (DownloadError, DiskError):
        raise
    except OSError as error:
        raise DiskError(
            f"{place}: the download cannot be kept: {error.strerror or error}. Free some space there, or choose "
            "another folder with --folder."
        ) from error
    return place


def _fetch(entry: CatalogueEntry, place: Path, patience: Patience, watch: Watch) -> dict[str, Fetched]:
    if entry.folder is None:
        (file,) = entry.files
        return {file.name: fetch_file(file, place.parent, patience=patience, watch=watch)}
    # The files come together beside their place, so that the folder is there whole or not at all.
    gathering = place.with_name(place.name + PART_SUFFIX)
    gathering.mkdir(exist_ok=True)
    fetched = {}
    for file in entry.files:
        arrived = _arrived(file, gathering / file.name)
        fetched[file.name] = arrived or fetch_file(file, gathering, patience=patience, watch=watch)
    for file in entry.files if entry.unpack else ():
        _unpack(gathering / file.name, entry.unpack, gathering)
    gathering.rename(place)
    for file in entry.files if entry.unpack else ():
        (place / file.name).unlink()
    return fetched


def _arrived(file: RemoteFile, path: Path) -> Fetched | None:
    """Returns a file that an interrupted call has brought whole, or None."""
    try:
        return Fetched(url=None, fingerprint=check_file(path, file))
    except (FileNotFoundError, MirrorFault):
        return None


def _is_as_received(place: Path, receipt: Receipt) -> bool:
    """Tells whether a receipt is for this place and the files there have the sizes that it says."""
    if Path(receipt.path) != place:
        return False
    paths = {name: place / name if place.is_dir() else place for name in receipt.sizes_bytes}
    sizes = {name: path.stat().st_size for name, path in paths.items() if path.exists()}
    return all(receipt.sizes_bytes[name] == size for name, size in sizes.items())


def _take(entry: CatalogueEntry, place: Path) -> dict[str, Fetched]:
    """Checks what was put in place by hand."""
    if entry.unpack:
        return {}
    fetched = {}
    for file in entry.files:
        path = place / file.name if entry.folder else place
        try:
            fetched[file.name] = Fetched(url=None, fingerprint=check_file(path, file))
        except FileNotFoundError:
            raise DownloadError(f"{path}: expected this file of {entry.name}, found none; remove {place}.") from None
        except MirrorFault as fault:
            raise DownloadError(f"{path}: this is not the file of {entry.name}: {fault}; remove it.") from fault
    return fetched


def _unpack(archive: Path, wanted: tuple[str, ...], folder: Path) -> None:
    """Unpacks the members whose paths end in ``wanted``, each to the path it is wanted under.

    The names within the zip decide which member is which, and never where anything is written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in wanted:
                members = [member for member in opened.infolist() if f"/{member.filename}".endswith(f"/{name}")]
                if len(members) != 1:
                    raise DownloadError(f"{archive}: expected one {name} in it, found {len(members)}.")
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(members[0]) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{archive}: the zip is damaged ({error}); remove it and run the command again.") from error


def _write_receipt(entry: CatalogueEntry, place: Path, fetched: dict[str, Fetched]) -> None:
    receipt = Receipt(
        path=str(place),
        sizes_bytes={name: file.fingerprint.size_bytes for name, file in fetched.items()},
        checksums={name: file.fingerprint.sha256 for name, file in fetched.items()},
        verified={name: file.fingerprint.verified for name, file in fetched.items()},
        urls={name: file.url for name, file in fetched.items()},
    )
    path = receipt_path(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(receipt.to_json(), encoding="utf-8")
    unfinished.replace(path)
