"""Finds what ``open_vectors`` was pointed at: a file, a member of a zip, or vectors from an installed package."""

import importlib.util
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from meltpoint.errors import InputError, VectorFileError
from meltpoint.vectors.catalogue import CATALOGUE, CatalogueEntry, find_entry

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_MAGIC_BYTES = 4
_MOST_NEIGHBOURS = 10_000


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """A file of vectors, or one member of a zip.

    Attributes:
        given: What the caller wrote.
        path: The file, resolved.
        member: The member's name, when the file is a zip.
        dim: The number of dimensions the caller expects, if any.
        size_bytes: The file's size when it was found.
        modified_ns: The file's time of modification when it was found.
    """

    given: str
    path: Path
    member: str | None
    dim: int | None
    size_bytes: int
    modified_ns: int

    @property
    def name(self) -> str:
        """The name of the file of vectors, without its folder."""
        return self.path.name if self.member is None else self.member.rpartition("/")[2]

    @property
    def place(self) -> str:
        """How errors call this file; a line number may follow after a colon."""
        return self.given if self.member is None else f"{self.given}/{self.member}"

    @property
    def identity(self) -> tuple[str | int | None, ...]:
        """What must be unchanged for a store to be this file's; ``dim`` too, since it decides where words end."""
        return ("file", str(self.path), self.size_bytes, self.modified_ns, self.member, self.dim)


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """Vectors of the catalogue, found in an installed package.

    Attributes:
        entry: What the catalogue knows of them.
        matrix_path: The matrix, ``.npy``.
        words_path: The words, Parquet.
        version: The version of the distribution.
    """

    entry: CatalogueEntry
    matrix_path: Path
    words_path: Path
    version: str

    @property
    def given(self) -> str:
        """What the caller wrote."""
        return self.entry.name

    @property
    def name(self) -> str:
        """The catalogue name."""
        return self.entry.name

    @property
    def place(self) -> str:
        """How errors call this source."""
        return f"{self.entry.name} (package {self.entry.distribution} {self.version})"

    @property
    def identity(self) -> tuple[str | int | None, ...]:
        """What must be unchanged for a store to be this package's."""
        files = [path.stat() for path in (self.matrix_path, self.words_path)]
        sizes_and_times = [number for file in files for number in (file.st_size, file.st_mtime_ns)]
        return ("package", self.entry.distribution, self.version, *sizes_and_times)


Source = FileSource | PackageSource


def find_source(source: str | os.PathLike[str], *, member: str | None = None, dim: int | None = None) -> Source:
    """Finds the vectors that ``source`` means, without reading them.

    A string that is a catalogue name means the catalogue's vectors; write ``./name`` for a file called so.

    Args:
        source: A path or a catalogue name.
        member: For a zip: the member's name, or a pattern such as ``*300d*``.
        dim: The number of dimensions expected; in a zip it also chooses the member.

    Returns:
        Where the vectors are.

    Raises:
        InputError: The arguments contradict each other, or the package of a catalogue name is not installed.
        VectorFileError: There is no such file, it is not a regular file, or the zip's member is not determined.
    """
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int) or dim < 1):
        raise InputError(f"expected a positive number of dimensions for dim, found {dim!r}.")
    entry = find_entry(source) if isinstance(source, str) else None
    if entry is None:
        return _find_file(os.fspath(source), member, dim)
    if member is not None:
        raise InputError(f"{entry.name} has no members: member={member!r} is for a zip; leave it out.")
    if dim not in {None, entry.dim}:
        raise InputError(f"{entry.name}: expected {dim} dimensions as asked for by dim, found {entry.dim}.")
    return _find_package(entry)


def _find_package(entry: CatalogueEntry) -> PackageSource:
    # The package is looked up and not imported: its files are data, and running its code would add nothing.
    spec = importlib.util.find_spec(entry.package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"{entry.name} comes with the package {entry.distribution}, which is not installed; "
            f"run: pip install 'meltpoint[{entry.extra}]'"
        )
    folder = Path(spec.submodule_search_locations[0])
    paths = {name: folder / name for name in (entry.matrix_file, entry.words_file)}
    missing = [str(path) for path in paths.values() if not path.is_file()]
    if missing:
        raise VectorFileError(
            f"{entry.name}: the installed package {entry.distribution} lacks {' and '.join(missing)}; "
            f"run: pip install --force-reinstall {entry.distribution}"
        )
    return PackageSource(
        entry=entry,
        matrix_path=paths[entry.matrix_file],
        words_path=paths[entry.words_file],
        version=_installed_version(folder.parent, entry.distribution),
    )


def _installed_version(site: Path, distribution: str) -> str:
    # Read off the folder NAME-VERSION.dist-info: importlib.metadata would take longer than all the rest of opening.
    name = distribution.replace("-", "_")
    folders = sorted(site.glob(f"{name}-*.dist-info"))
    return folders[0].name.removeprefix(f"{name}-").removesuffix(".dist-info") if folders else "of unknown version"


def _find_file(given: str, member: str | None, dim: int | None) -> FileSource:
    path = Path(given)
    try:
        path = path.expanduser()
        path = path.resolve(strict=True)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise VectorFileError(f"{given}: expected a file of vectors, found a folder; name a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise VectorFileError(f"{given}: expected a regular file, found a pipe or device; save it as a file first.")
        with path.open("rb") as file:
            is_zip = file.read(_MAGIC_BYTES) in ZIP_MAGICS
    except (FileNotFoundError, NotADirectoryError):
        raise VectorFileError(_missing_text(given, path)) from None
    except (OSError, ValueError, RuntimeError) as error:  # no permission, a NUL in the name, a loop of links
        raise VectorFileError(f"{given}: the file cannot be opened: {error}") from error
    chosen = None
    if is_zip:
        from meltpoint.vectors.members import choose_member  # noqa: PLC0415 - zipfile, and plain files need none

        chosen = choose_member(path, given, member, dim)
    elif member is not None:
        raise VectorFileError(f"{given}: member={member!r} is for a zip, and this file is not one; leave it out.")
    return FileSource(
        given=given,
        path=path,
        member=chosen,
        dim=dim,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def _missing_text(given: str, path: Path) -> str:
    import difflib  # noqa: PLC0415 - not on the way of a source that is there

    names = [entry.name for entry in CATALOGUE]
    near = difflib.get_close_matches(given.lower(), names, cutoff=0.5)
    try:
        neighbours = [entry.name for entry, _ in zip(path.parent.iterdir(), range(_MOST_NEIGHBOURS), strict=False)]
        place = f"in {path.parent}"
    except OSError:
        neighbours, place = [], f"and no folder {path.parent}"
    near += [str(Path(given).with_name(name)) for name in difflib.get_close_matches(path.name, sorted(neighbours))]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return (
        f"{given}: expected a file of vectors or a catalogue name, found no such file {place}, and the catalogue has "
        f"{', '.join(names)}.{hint}"
    )
