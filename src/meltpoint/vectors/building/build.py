"""Builds a store: reads a source once and writes what later opens map."""

import contextlib
import errno
import shutil
import tempfile
import time
from pathlib import Path

from meltpoint.errors import DiskError
from meltpoint.vectors.building.store_writer import StoreWriter
from meltpoint.vectors.cache import CACHE_VARIABLE
from meltpoint.vectors.formats import format_of
from meltpoint.vectors.sources.source import Source
from meltpoint.vectors.store.mapped import map_store

_ABANDONED_AFTER_SECONDS = 24 * 3600.0
_BUILDING_PREFIX = ".building-"


def build_store(source: Source, folder: Path) -> None:
    """Reads the source and puts its store at ``folder``, whole or not at all.

    The store is written beside its place and then renamed. When another process has put a whole store there in the
    meantime, that one stays; a damaged one is replaced. Stores of what the source was before are removed.

    Args:
        source: What to read.
        folder: The store's place. Of stores in one folder those whose names agree up to a hyphen are of one source.

    Raises:
        VectorFileError: The source cannot be read.
        DiskError: The store cannot be written; nothing of it is left behind.
    """
    vector_format = format_of(source)
    parent = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        with tempfile.TemporaryDirectory(prefix=_BUILDING_PREFIX, dir=parent, ignore_cleanup_errors=True) as scratch:
            # A folder within the scratch folder, which only its owner may enter: the store is for whoever shares it.
            unfinished = Path(scratch) / "unfinished"
            unfinished.mkdir()
            with contextlib.closing(vector_format.read(source)) as pieces, StoreWriter(unfinished) as writer:
                for piece in pieces:
                    writer.add(piece)
                writer.finish(file_format=vector_format.name, place=source.place)
            _put_in_place(unfinished, folder)
            _remove_outdated(folder, Path(scratch))
    except OSError as error:
        # Reading raises VectorFileError, so what arrives here has failed in writing.
        raise DiskError(_disk_text(parent, error)) from error


def _put_in_place(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        if map_store(folder) is not None:
            return  # another process was first
        # The damaged one goes the same way, by renaming, so that no process ever finds half of either.
        with contextlib.suppress(FileNotFoundError):
            folder.rename(unfinished.with_name("damaged"))
        unfinished.rename(folder)


def _remove_outdated(folder: Path, scratch: Path) -> None:
    """Moves the stores of what the source was before into the scratch folder, which is about to be removed."""
    place, hyphen, _ = folder.name.partition("-")
    for number, outdated in enumerate(folder.parent.glob(f"{place}{hyphen}*") if hyphen else ()):
        # Another process may be faster; on some systems what is mapped cannot be moved, and stays.
        with contextlib.suppress(OSError):
            if outdated.name != folder.name:
                outdated.rename(scratch / f"outdated-{number}")


def _remove_abandoned(parent: Path) -> None:
    """Removes what a killed process has left, once it is too old to be in work."""
    oldest = time.time() - _ABANDONED_AFTER_SECONDS
    for path in parent.glob(f"{_BUILDING_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _disk_text(parent: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    remedy = "Free some space there" if error.errno == errno.ENOSPC else "Make it a folder that you may write to"
    return (
        f"the store of vectors cannot be written in {parent}: {reason}. {remedy}, or set {CACHE_VARIABLE} to another "
        "folder; nothing half-written was left behind."
    )
