"""A run folder: claimed before anything is written, and only ever holding whole files."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from meltpoint.errors import DiskError, RunFolderError

LEDGER, VERDICT, RUN, MODEL = "study.db", "verdict.json", "run.json", "model"
DRIFT, EXAMPLES, REPORT = "drift.json", "examples.json", Path("report.html")


def claim_folder(folder: Path, *, resume: bool) -> tuple[Path, ...]:
    """Makes a new run folder, or takes one up again.

    Returns:
        The folders that had to be made, the innermost first.

    Raises:
        RunFolderError: There is something else, or a run that was not to be resumed, or none to resume.
        DiskError: It cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"--out {folder} is a file; give the name of a folder that does not exist yet.")
    is_run = (folder / LEDGER).is_file()
    if resume and not is_run:
        raise RunFolderError(f"Nothing to resume: {folder} holds no {LEDGER}. Leave --resume out to start a new study.")
    if not resume and is_run:
        raise RunFolderError(
            f"{folder} already holds a study. Go on with it by --resume, or choose another folder with --out."
        )
    if folder.is_dir() and not is_run and (inside := sorted(path.name for path in folder.iterdir())):
        shown = ", ".join(inside[:3]) + (", ..." if len(inside) > 3 else "")
        raise RunFolderError(
            f"--out {folder} holds something else ({shown}). A run needs a folder of its own: choose one that is new "
            "or empty."
        )
    missing = tuple(path for path in (folder, *folder.parents) if not path.exists())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(missing)
        raise DiskError(f"Cannot make the folder {folder}: {error}. Choose another with --out.") from error
    return missing


def release_folder(folder: Path, made: tuple[Path, ...]) -> None:
    """Takes back a claim under which nothing was found: removes the ledger, and the folders made for it."""
    for name in (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", f"{LEDGER}-journal"):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
    _remove_empty(made)


def _remove_empty(folders: tuple[Path, ...]) -> None:
    for path in folders:
        with suppress(OSError):
            path.rmdir()


def write_json(path: Path, document: Any) -> None:
    """Writes a document as :func:`write_bytes` does.

    Raises:
        DiskError: It cannot be written.
    """
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text as :func:`write_bytes` does.

    Raises:
        DiskError: It cannot be written.
    """
    # Half of a pair of surrogates, which a text of the data may hold, is no character: it is written as its number.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file beside its place and renames it: the file is whole, or as it was.

    Raises:
        DiskError: It cannot be written.
    """
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DiskError(f"Cannot write {path}: {error}. What stood there before still stands.") from error
