"""Finds what ``open_vectors`` was pointed at: a file, a member of a zip, files that belong together, or a package.

Every later open comes this way. What stands alone is found with ``os.path``; folders, packages and files that need
others beside them are left to ``together``, which takes 5 ms to import, most of it ``pathlib``.
"""

import contextlib
import os
import stat
from typing import TYPE_CHECKING, get_args

from meltpoint.errors import InputError, VectorFileError
from meltpoint.vectors.catalogue import find_entry
from meltpoint.vectors.sources.magics import NPY_MAGIC, ZIP_MAGICS, is_safetensors
from meltpoint.vectors.sources.source import BadRows, FileSource, Source, Wishes, no_zip

if TYPE_CHECKING:
    from _typeshed import StrPath

    from meltpoint.vectors.catalogue import CatalogueEntry

_START_BYTES = 16
_MOST_NEIGHBOURS = 10_000


def find_source(
    source: str | os.PathLike[str], *, member: str | None = None, dim: int | None = None, bad_rows: BadRows = "error"
) -> Source:
    """Finds the vectors that ``source`` means, without reading them.

    A string that is a catalogue name means the catalogue's vectors; write ``./name`` for a file called so. One that is
    no path, but an installed package, means the vectors in that package, which is not imported.

    Args:
        source: A path, a catalogue name, or the name of an installed package.
        member: For a zip: the member's name, or a pattern such as ``*300d*``.
        dim: The number of dimensions expected; in a zip it also chooses the member.
        bad_rows: ``error`` or ``skip``.

    Returns:
        Where the vectors are.

    Raises:
        InputError: The arguments contradict each other, or the vectors of a catalogue name are not on this machine.
        VectorFileError: There is no such file, it is not a regular file or a folder of vectors, or the zip's member is
            not determined.
    """
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int) or dim < 1):
        raise InputError(f"expected a positive number of dimensions for dim, found {dim!r}.")
    if bad_rows not in get_args(BadRows):
        raise InputError(f"expected 'error' or 'skip' for bad_rows, found {bad_rows!r}.")
    entry = find_entry(source) if isinstance(source, str) else None
    if entry is None:
        return _find_path(Wishes(given=os.fspath(source), member=member, dim=dim, bad_rows=bad_rows))
    if member is not None:
        raise InputError(f"{entry.name} has no members: member={member!r} is for a zip; leave it out.")
    if dim not in {None, entry.dim}:
        raise InputError(f"{entry.name}: expected {dim} dimensions as asked for by dim, found {entry.dim}.")
    return _find_named(
        entry, Wishes(given=entry.name, member=entry.member, dim=entry.dim, bad_rows=bad_rows, entry=entry)
    )


def _find_named(entry: "CatalogueEntry", wishes: Wishes) -> Source:
    from meltpoint.vectors.catalogue.places import absence_text, locate, locate_package  # noqa: PLC0415 - names only
    from meltpoint.vectors.sources.together import find_packaged  # noqa: PLC0415

    downloaded = locate(entry)
    if downloaded is not None:
        return _find_path(wishes, downloaded)
    packaged = locate_package(entry)
    if packaged is None:
        raise InputError(absence_text(entry))
    return find_packaged(entry, packaged, wishes) or _find_path(wishes, packaged)


def _find_path(wishes: Wishes, place: "StrPath | None" = None) -> Source:
    given = wishes.given
    path = os.path.expanduser(given if place is None else place)
    try:
        path = os.path.realpath(path, strict=True)
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            from meltpoint.vectors.sources.together import find_folder  # noqa: PLC0415 - see above

            return find_folder(path, wishes)
        start = _read_start(path, status, given)
        if start.startswith(NPY_MAGIC) or is_safetensors(start, status.st_size):
            from meltpoint.vectors.sources.together import find_beside  # noqa: PLC0415 - see above

            return find_beside(path, start, wishes)
    except (FileNotFoundError, NotADirectoryError):
        from meltpoint.vectors.sources.together import find_folder, package_folder  # noqa: PLC0415 - see above

        folder = package_folder(given)
        if folder is not None and place is None:
            return find_folder(folder, wishes)
        raise VectorFileError(_missing_text(given, path)) from None
    except VectorFileError:
        raise
    except (OSError, ValueError) as error:  # no permission, a NUL in the name, a loop of links
        raise VectorFileError(f"{given}: the file cannot be opened: {error}") from error
    member = None
    if start.startswith(ZIP_MAGICS):
        member = _choose_member(path, wishes)
    elif wishes.member is not None and wishes.entry is None:
        raise no_zip(wishes)
    return FileSource(
        given=given,
        file=path,
        member=member,
        dim=wishes.dim,
        bad_rows=wishes.bad_rows,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        entry=wishes.entry,
    )


def _read_start(path: str, status: os.stat_result, given: str) -> bytes:
    if not stat.S_ISREG(status.st_mode):
        raise VectorFileError(f"{given}: expected a regular file, found a pipe or device; save it as a file first.")
    with open(path, "rb") as file:
        return file.read(_START_BYTES)


def _choose_member(path: str, wishes: Wishes) -> str:
    import zipfile  # noqa: PLC0415 - plain files need none

    from meltpoint.vectors.sources.members import DAMAGE, choose_member  # noqa: PLC0415 - as above

    try:
        return choose_member(path, wishes.given, wishes.member, wishes.dim)
    except VectorFileError as error:
        # A zip without vectors may be the shell of something that the formats know, and refuse with the way out:
        # PyTorch's around a pickle, NumPy's .npz around arrays.
        with contextlib.suppress(*DAMAGE), zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if wishes.member is None and name.endswith(("data.pkl", ".npy")):
                    return name
        raise error from None


def _missing_text(given: str, place: str) -> str:
    import difflib  # noqa: PLC0415 - not on the way of a source that is there
    from pathlib import Path  # noqa: PLC0415

    from meltpoint.vectors.catalogue import CATALOGUE  # noqa: PLC0415

    path = Path(place)
    names = [entry.name for entry in CATALOGUE]
    near = difflib.get_close_matches(given.lower(), names, cutoff=0.5)
    try:
        neighbours = [entry.name for entry, _ in zip(path.parent.iterdir(), range(_MOST_NEIGHBOURS), strict=False)]
        place = f"in {path.parent}"
    except OSError:
        neighbours, place = [], f"and no folder {path.parent}"
    near += [str(Path(given).with_name(name)) for name in difflib.get_close_matches(path.name, sorted(neighbours))]
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return (
        f"{given}: expected a file of vectors or a catalogue name, found no such file {place}, and none of the "
        f"catalogue's {len(names)} names. {hint}meltpoint vectors list shows them."
    )
