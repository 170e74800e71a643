"""Finds what ``open_vectors`` was pointed at: a file, a member of a zip, files that belong together, or a package.

The values here are named tuples, as in ``layouts`` and ``store``: every later open defines their classes anew, and a
frozen dataclass takes half a millisecond each, a named tuple a tenth of that.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from meltpoint.errors import InputError, VectorFileError
from meltpoint.vectors.catalogue import find_entry
from meltpoint.vectors.layouts import NPY, Layout, find_file_layout, find_folder_layout

if TYPE_CHECKING:
    from meltpoint.vectors.catalogue import CatalogueEntry

BadRows = Literal["error", "skip"]
"""What is to become of rows that hold nan or infinity or have the wrong length."""

Identity = tuple[str | int | None, ...]

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_START_BYTES = 16
_MOST_NEIGHBOURS = 10_000


class FileSource(NamedTuple):
    """A file of vectors, or one member of a zip.

    Attributes:
        given: What the caller wrote.
        path: The file, resolved.
        member: The member's name, when the file is a zip.
        dim: The number of dimensions the caller expects, if any.
        size_bytes: The file's size when it was found.
        modified_ns: The file's time of modification when it was found.
        bad_rows: What is to become of rows that cannot be used.
        entry: What the catalogue knows of it, when it was opened by name.
    """

    given: str
    path: Path
    member: str | None
    dim: int | None
    size_bytes: int
    modified_ns: int
    bad_rows: BadRows = "error"
    entry: "CatalogueEntry | None" = None

    @property
    def name(self) -> str:
        """The catalogue name, or the name of the file of vectors without its folder."""
        if self.entry is not None:
            return self.entry.name
        return self.path.name if self.member is None else self.member.rpartition("/")[2]

    @property
    def place(self) -> str:
        """How errors call this file; a line number may follow after a colon."""
        place = self.given if self.member is None else f"{self.given}/{self.member}"
        return place if self.entry is None else f"{place} ({self.path})"

    @property
    def location(self) -> Identity:
        """What names this source, whatever it holds: of one location only the newest store is of use.

        ``dim`` is part of it, since it decides where words end, and so is ``bad_rows``.
        """
        return ("file", str(self.path), self.member, self.dim, self.bad_rows)

    @property
    def identity(self) -> Identity:
        """What must be unchanged for a store to be this source's."""
        return (*self.location, self.size_bytes, self.modified_ns)


class FolderSource(NamedTuple):
    """Files that belong together: a folder, or a file and what lies beside it.

    Attributes:
        given: What the caller wrote.
        path: The folder, or the file that was named; resolved.
        layout: What reads them; see ``meltpoint.vectors.layouts``.
        files: The path of each file, by its part in the whole.
        dim: The number of dimensions the caller expects, if any.
        state: The size and the time of modification of each file when they were found.
        bad_rows: What is to become of rows that cannot be used.
        entry: What the catalogue knows of them, when they were opened by name.
    """

    given: str
    path: Path
    layout: str
    files: Mapping[str, Path]
    dim: int | None
    state: tuple[int, ...]
    bad_rows: BadRows = "error"
    entry: "CatalogueEntry | None" = None

    @property
    def member(self) -> None:
        """A folder has no members to choose from."""
        return

    @property
    def name(self) -> str:
        """The catalogue name, or the name of the folder or file."""
        return self.path.name if self.entry is None else self.entry.name

    @property
    def place(self) -> str:
        """How errors call this source."""
        return self.given if self.entry is None else f"{self.given} ({self.path})"

    @property
    def location(self) -> Identity:
        """What names this source, whatever it holds."""
        return ("files", self.layout, *(str(self.files[part]) for part in sorted(self.files)), self.bad_rows)

    @property
    def identity(self) -> Identity:
        """What must be unchanged for a store to be this source's."""
        return (*self.location, *self.state)

    def place_of(self, part: str) -> str:
        """How errors call one of the files."""
        file = self.files[part]
        if file == self.path:
            return self.place
        if self.entry is None and file.is_relative_to(self.path):
            return str(Path(self.given) / file.relative_to(self.path))
        if self.entry is None and file.parent == self.path.parent:
            return f"{self.given} ({file.name})"
        return f"{self.given} ({file})"

    def has_changed(self) -> bool:
        """Tells whether a file is another one than when the source was found."""
        try:
            return self.state != _state_of(self.files)
        except OSError:
            return True


Source = FileSource | FolderSource


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
        return _find_path(_Wishes(given=os.fspath(source), member=member, dim=dim, bad_rows=bad_rows))
    if member is not None:
        raise InputError(f"{entry.name} has no members: member={member!r} is for a zip; leave it out.")
    if dim not in {None, entry.dim}:
        raise InputError(f"{entry.name}: expected {dim} dimensions as asked for by dim, found {entry.dim}.")
    return _find_named(
        entry, _Wishes(given=entry.name, member=entry.member, dim=entry.dim, bad_rows=bad_rows, entry=entry)
    )


class _Wishes(NamedTuple):
    """What the caller of :func:`find_source` wrote, or the catalogue in his place."""

    given: str
    member: str | None
    dim: int | None
    bad_rows: BadRows
    entry: "CatalogueEntry | None" = None


def _find_named(entry: "CatalogueEntry", wishes: _Wishes) -> Source:
    from meltpoint.vectors.catalogue.places import absence_text, locate, locate_package  # noqa: PLC0415 - names only

    downloaded = locate(entry)
    if downloaded is not None:
        return _find_path(wishes, downloaded)
    packaged = locate_package(entry)
    if packaged is None:
        raise InputError(absence_text(entry))
    folder = _package_folder(entry.package or "")
    if folder is None or entry.matrix_file is None or entry.words_file is None:
        return _find_path(wishes, packaged)
    files = {"matrix": folder / entry.matrix_file, "words": folder / entry.words_file}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise VectorFileError(
            f"{entry.name}: the installed package {entry.distribution} lacks {' and '.join(missing)}; "
            f"run: pip install --force-reinstall {entry.distribution}"
        )
    return _join_files(Layout(name=NPY, files=files), packaged, wishes)


def _find_path(wishes: _Wishes, place: Path | None = None) -> Source:
    given = wishes.given
    path = place or Path(given)
    try:
        path = path.expanduser()
        path = path.resolve(strict=True)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return _find_folder(path, wishes)
        start = _read_start(path, status, given)
        layout = find_file_layout(path, start, status.st_size, given)
    except (FileNotFoundError, NotADirectoryError):
        folder = _package_folder(given)
        if folder is not None and place is None:
            return _find_folder(folder, wishes)
        raise VectorFileError(_missing_text(given, path)) from None
    except VectorFileError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # no permission, a NUL in the name, a loop of links
        raise VectorFileError(f"{given}: the file cannot be opened: {error}") from error
    member = None
    if start.startswith(ZIP_MAGICS):
        member = _choose_member(path, wishes)
    elif wishes.member is not None and wishes.entry is None:
        raise _no_zip(wishes)
    if layout is not None:
        return _join_files(layout, path, wishes)
    return FileSource(
        given=given,
        path=path,
        member=member,
        dim=wishes.dim,
        bad_rows=wishes.bad_rows,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        entry=wishes.entry,
    )


def _read_start(path: Path, status: os.stat_result, given: str) -> bytes:
    if not stat.S_ISREG(status.st_mode):
        raise VectorFileError(f"{given}: expected a regular file, found a pipe or device; save it as a file first.")
    with path.open("rb") as file:
        return file.read(_START_BYTES)


def _choose_member(path: Path, wishes: _Wishes) -> str:
    import zipfile  # noqa: PLC0415 - plain files need none

    from meltpoint.vectors.members import DAMAGE, choose_member  # noqa: PLC0415 - as above

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


def _find_folder(folder: Path, wishes: _Wishes) -> FolderSource:
    if wishes.member is not None:
        raise _no_zip(wishes)
    return _join_files(find_folder_layout(folder, wishes.given), folder, wishes)


def _join_files(layout: Layout, path: Path, wishes: _Wishes) -> FolderSource:
    return FolderSource(
        given=wishes.given,
        path=path,
        layout=layout.name,
        files=layout.files,
        dim=wishes.dim,
        bad_rows=wishes.bad_rows,
        entry=wishes.entry,
        state=_state_of(layout.files),
    )


def _state_of(files: Mapping[str, Path]) -> tuple[int, ...]:
    statuses = [files[part].stat() for part in sorted(files)]
    return tuple(number for status in statuses for number in (status.st_size, status.st_mtime_ns))


def _package_folder(name: str) -> Path | None:
    """Returns the folder of an installed package, found without running any of its code, or None."""
    if not name.isidentifier():
        return None
    import importlib.util  # noqa: PLC0415 - not on the way of a path

    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module without a spec, such as __main__
        return None
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _no_zip(wishes: _Wishes) -> VectorFileError:
    return VectorFileError(
        f"{wishes.given}: member={wishes.member!r} is for a zip, and this file is not one; leave it out."
    )


def _missing_text(given: str, path: Path) -> str:
    import difflib  # noqa: PLC0415 - not on the way of a source that is there

    from meltpoint.vectors.catalogue import CATALOGUE  # noqa: PLC0415

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
