"""What ``open_vectors`` was pointed at, once it is found: a file or a member of a zip, or files that belong together.

As in ``store.mapped``, what every later open needs is quick to import: named tuples, and strings for paths until
somebody reads.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from meltpoint.errors import VectorFileError

if TYPE_CHECKING:
    from pathlib import Path

    from meltpoint.vectors.catalogue import CatalogueEntry

BadRows = Literal["error", "skip"]
"""What is to become of rows that hold nan or infinity or have the wrong length."""

TOKENIZER_FILE = "tokenizer.json"
"""The tokenizer of a static model; kept under this name with the vectors."""

Identity = tuple[str | int | None, ...]


class FileSource(NamedTuple):
    """A file of vectors, or one member of a zip.

    Attributes:
        given: What the caller wrote.
        file: The path of the file, resolved.
        member: The member's name, when the file is a zip.
        dim: The number of dimensions the caller expects, if any.
        size_bytes: The file's size when it was found.
        modified_ns: The file's time of modification when it was found.
        bad_rows: What is to become of rows that cannot be used.
        entry: What the catalogue knows of it, when it was opened by name.
    """

    given: str
    file: str
    member: str | None
    dim: int | None
    size_bytes: int
    modified_ns: int
    bad_rows: BadRows = "error"
    entry: "CatalogueEntry | None" = None

    @property
    def path(self) -> "Path":
        """The file, for those who read it."""
        from pathlib import Path  # noqa: PLC0415 - not on the way of a later open

        return Path(self.file)

    @property
    def name(self) -> str:
        """The catalogue name, or the name of the file of vectors without its folder."""
        if self.entry is not None:
            return self.entry.name
        return os.path.basename(self.file) if self.member is None else self.member.rpartition("/")[2]

    @property
    def place(self) -> str:
        """How errors call this file; a line number may follow after a colon."""
        place = self.given if self.member is None else f"{self.given}/{self.member}"
        return place if self.entry is None else f"{place} ({self.file})"

    @property
    def location(self) -> Identity:
        """What names this source, whatever it holds: of one location only the newest store is of use.

        ``dim`` is part of it, since it decides where words end, and so is ``bad_rows``.
        """
        return ("file", self.file, self.member, self.dim, self.bad_rows)

    @property
    def identity(self) -> Identity:
        """What must be unchanged for a store to be this source's."""
        return (*self.location, self.size_bytes, self.modified_ns)


class FolderSource(NamedTuple):
    """Files that belong together: a folder, or a file and what lies beside it.

    Attributes:
        given: What the caller wrote.
        path: The folder, or the file that was named; resolved.
        layout: What reads them; see ``layouts``.
        files: The path of each file, by its part in the whole.
        dim: The number of dimensions the caller expects, if any.
        state: The size and the time of modification of each file when they were found.
        bad_rows: What is to become of rows that cannot be used.
        entry: What the catalogue knows of them, when they were opened by name.
    """

    given: str
    path: "Path"
    layout: str
    files: Mapping[str, "Path"]
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
            return os.path.join(self.given, file.relative_to(self.path))
        if self.entry is None and file.parent == self.path.parent:
            return f"{self.given} ({file.name})"
        return f"{self.given} ({file})"

    def has_changed(self) -> bool:
        """Tells whether a file is another one than when the source was found."""
        try:
            return self.state != state_of(self.files)
        except OSError:
            return True


Source = FileSource | FolderSource


def state_of(files: Mapping[str, "Path"]) -> tuple[int, ...]:
    """Returns the size and the time of modification of each file."""
    statuses = [files[part].stat() for part in sorted(files)]
    return tuple(number for status in statuses for number in (status.st_size, status.st_mtime_ns))


class Wishes(NamedTuple):
    """What the caller of ``find_source`` wrote, or the catalogue in his place."""

    given: str
    member: str | None
    dim: int | None
    bad_rows: BadRows
    entry: "CatalogueEntry | None" = None


def no_zip(wishes: Wishes) -> VectorFileError:
    """Returns the error for a member that is wished for where there is none to choose."""
    return VectorFileError(
        f"{wishes.given}: member={wishes.member!r} is for a zip, and this file is not one; leave it out."
    )
