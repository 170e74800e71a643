"""The members of a zip: which one holds the vectors, and what a damaged archive looks like."""

import fnmatch
import lzma
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from meltpoint.errors import VectorFileError

if TYPE_CHECKING:
    from _typeshed import StrPath

_VECTOR_SUFFIXES = (".txt", ".vec", ".bin")
_ABOUT_THE_VECTORS = ("readme", "license", "licence", "copying", "changes", "changelog")
_MOST_LISTED = 12
# What the decompressors of the standard library raise on damaged or hostile bytes.
DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
)


def choose_member(path: "StrPath", given: str, member: str | None, dim: int | None) -> str:
    """Chooses the member of a zip that holds the vectors.

    Args:
        path: The zip.
        given: How the caller called it.
        member: An exact name, or a pattern such as ``*300d*``.
        dim: The number of dimensions, matched with names such as ``glove.6B.300d.txt``; used where ``member`` is None.

    Returns:
        The member's name.

    Raises:
        VectorFileError: None or several fit, or the zip is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # A damaged zip may hold a member without a name; a folder's name ends in a slash.
            names = [name for name in archive.namelist() if name and not name.endswith("/")]
    except DAMAGE as error:
        raise damaged(given, error) from error
    if member is not None:
        fitting = [name for name in names if name == member] or [
            name for name in names if fnmatch.fnmatchcase(name, member) or fnmatch.fnmatchcase(_base(name), member)
        ]
    else:
        fitting = [name for name in names if _may_hold_vectors(name)]
        if dim is not None and len(fitting) > 1:
            fitting = [name for name in fitting if re.search(rf"(?<!\d){dim}d(?![0-9A-Za-z])", name)]
    if len(set(fitting)) == 1:
        return fitting[0]
    wanted = f"matches member={member!r}" if member is not None else "is a .txt, .vec or .bin file"
    if member is None and dim is not None:
        wanted += f" with {dim}d in its name"
    raise VectorFileError(
        f"{given}: expected exactly one member that {wanted}, found {len(set(fitting)) or 'none'}. The zip holds "
        f"{_listed(names)}. Choose one with member=NAME, with a pattern such as member='*300d*', or with dim=300."
    )


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _may_hold_vectors(name: str) -> bool:
    # Zips made on macOS carry a shadow of every file, of the same suffix.
    is_shadow = name.startswith("__MACOSX/")
    base = _base(name).lower()
    return base.endswith(_VECTOR_SUFFIXES) and not base.startswith(_ABOUT_THE_VECTORS) and not is_shadow


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_LISTED]) or "no files"
    return f"{shown} and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else shown


def damaged(place: str, error: Exception) -> VectorFileError:
    """Returns the error for a container that a decompressor gave up on."""
    reason = str(error) or type(error).__name__
    return VectorFileError(f"{place}: the file is damaged or cut short ({reason}); download or pack it again.")
