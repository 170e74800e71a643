"""What has arrived so far of a file: ``NAME.part``, and ``NAME.part.json`` with what it takes to go on.

A part is appended to, never trusted: going on asks the server for the rest of the *same* file (``If-Range`` with the
validator that came with the beginning), or rests on a checksum at the end.
"""

import contextlib
import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from meltpoint.vectors.download.faults import DownloadError

PART_SUFFIX = ".part"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the bytes of a part come from.

    Attributes:
        url: The address, before redirects.
        etag: The strong ``ETag`` that came with them, if any.
        last_modified: The ``Last-Modified`` that came with them, if any.
        total_bytes: The size of the whole file as the server gave it, if it did.
    """

    url: str
    etag: str | None
    last_modified: str | None
    total_bytes: int | None

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` asks with."""
        return self.etag or self.last_modified

    def is_contradicted_by(self, other: "Origin") -> bool:
        """Tells whether an answer is about another file than this one."""
        mine = (self.etag, self.last_modified, self.total_bytes)
        theirs = (other.etag, other.last_modified, other.total_bytes)
        return any(a is not None and b is not None and a != b for a, b in zip(mine, theirs, strict=True))


class PartFile:
    """The beginning of a file that is being downloaded; one process at a time holds it.

    Attributes:
        size_bytes: What has arrived.
        origin: Where it came from; None where that is not known.
        is_resumed: Whether some of it is from an earlier attempt.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(target.name + PART_SUFFIX)
        self._note = target.with_name(self._path.name + ".json")
        self._file: IO[bytes] = self._path.open("ab")
        try:
            _hold(self._file, self._path)
        except BaseException:
            self._file.close()
            raise
        self.size_bytes = self._file.seek(0, os.SEEK_END)
        self.origin = self._read_origin()
        self.is_resumed = self.size_bytes > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        disk_is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        with contextlib.suppress(OSError) if disk_is_full else contextlib.nullcontext():
            self._file.close()
        if disk_is_full or not self.size_bytes:  # in the way, or nothing that is worth going on from
            self._remove()

    @property
    def path(self) -> Path:
        """The file with what has arrived."""
        return self._path

    def begin(self, origin: Origin) -> None:
        """Starts again from nothing, with bytes of another origin."""
        self.drop()
        text = json.dumps(asdict(origin), indent=1) + "\n"
        unfinished = self._note.with_name(self._note.name + ".new")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(self._note)
        self.origin = origin

    def append(self, block: bytes) -> None:
        """Adds bytes at the end."""
        self._file.write(block)
        self.size_bytes += len(block)

    def flush(self) -> None:
        """Hands what was appended to the operating system."""
        self._file.flush()

    def continues(self) -> None:
        """Notes that what follows goes on from an earlier attempt."""
        self.is_resumed = True

    def drop(self) -> None:
        """Throws away what has arrived."""
        self._file.truncate(0)
        self._file.seek(0)
        self._note.unlink(missing_ok=True)
        self.size_bytes = 0
        self.origin = None
        self.is_resumed = False

    def finish(self) -> None:
        """Gives the file its name: from here on it is whole."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target)
        self._note.unlink(missing_ok=True)

    def _remove(self) -> None:
        for path in (self._path, self._note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _read_origin(self) -> Origin | None:
        try:
            content = json.loads(self._note.read_bytes())
            return Origin(**content)
        except (OSError, ValueError, TypeError):
            return None


def _hold(file: IO[bytes], path: Path) -> None:
    """Locks the part for this process; the lock goes with the process, however that ends."""
    try:
        import fcntl  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DownloadError(
            f"{path}: another process is downloading this file; wait for it to finish, then run the command again."
        ) from None
