"""Finds vectors that lie in several files: in a folder, in an installed package, in a file and what lies beside it."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources.layouts import NPY, Layout, find_file_layout, find_folder_layout
from meltpoint.vectors.sources.source import FolderSource, Wishes, no_zip, state_of

if TYPE_CHECKING:
    from _typeshed import StrPath

    from meltpoint.vectors.catalogue import CatalogueEntry


def find_folder(place: "StrPath", wishes: Wishes) -> FolderSource:
    """Finds the vectors in a folder.

    Raises:
        VectorFileError: There are none, or several; or a member is wished for.
    """
    if wishes.member is not None:
        raise no_zip(wishes)
    folder = Path(place)
    return _join_files(find_folder_layout(folder, wishes.given), folder, wishes)


def find_beside(place: str, start: bytes, wishes: Wishes) -> FolderSource:
    """Finds what lies beside a matrix: its words, or its tokenizer.

    Args:
        place: The path of a file of NumPy or safetensors.
        start: Its first bytes.
        wishes: What the caller wrote.

    Raises:
        VectorFileError: The words of a matrix of NumPy are missing; or a member is wished for.
    """
    if wishes.member is not None and wishes.entry is None:
        raise no_zip(wishes)
    path = Path(place)
    return _join_files(find_file_layout(path, start, wishes.given), path, wishes)


def find_packaged(entry: "CatalogueEntry", packaged: Path, wishes: Wishes) -> FolderSource | None:
    """Finds the matrix and the words that an installed package brings as two files; None where it brings one place.

    Raises:
        VectorFileError: One of the two is missing.
    """
    folder = package_folder(entry.package or "")
    if folder is None or entry.matrix_file is None or entry.words_file is None:
        return None
    files = {"matrix": folder / entry.matrix_file, "words": folder / entry.words_file}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise VectorFileError(
            f"{entry.name}: the installed package {entry.distribution} lacks {' and '.join(missing)}; "
            f"run: pip install --force-reinstall {entry.distribution}"
        )
    return _join_files(Layout(name=NPY, files=files), packaged, wishes)


def package_folder(name: str) -> Path | None:
    """Returns the folder of an installed package, found without running any of its code, or None."""
    if not name.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module without a spec, such as __main__
        return None
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _join_files(layout: Layout, path: Path, wishes: Wishes) -> FolderSource:
    return FolderSource(
        given=wishes.given,
        path=path,
        layout=layout.name,
        files=layout.files,
        dim=wishes.dim,
        bad_rows=wishes.bad_rows,
        entry=wishes.entry,
        state=state_of(layout.files),
    )
