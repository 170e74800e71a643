"""Holds what has arrived against what the catalogue knows of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from meltpoint.vectors.catalogue import RemoteFile
from meltpoint.vectors.download.faults import MirrorFault

_RECORDED = "sha256"
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml")


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What a whole file came to.

    Attributes:
        size_bytes: Its size.
        sha256: ``sha256:HEX``, which is recorded for every file.
        verified: Whether the catalogue knows a checksum of it, and this is it.
    """

    size_bytes: int
    sha256: str
    verified: bool


def check_file(path: Path, file: RemoteFile) -> Fingerprint:
    """Reads a whole file and compares size and checksum, as far as they are known.

    Raises:
        MirrorFault: It is not the file that the catalogue means.
    """
    algorithm, _, expected = (file.checksum or "").partition(":")
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in {_RECORDED, algorithm} if name}
    size_bytes = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            size_bytes += len(block)
            for digest in digests.values():
                digest.update(block)
    if file.exact_size and file.size_bytes not in {None, size_bytes}:
        raise MirrorFault(f"expected {file.size_bytes:,} bytes, found {size_bytes:,}")
    if expected and digests[algorithm].hexdigest() != expected:
        raise MirrorFault(f"expected {file.checksum}, found {algorithm}:{digests[algorithm].hexdigest()}")
    return Fingerprint(
        size_bytes=size_bytes, sha256=f"{_RECORDED}:{digests[_RECORDED].hexdigest()}", verified=bool(expected)
    )


def check_announcement(file: RemoteFile, content_type: str, total_bytes: int | None) -> None:
    """Compares what a server says that it will send, before it is sent.

    Raises:
        MirrorFault: It is another file, or a page about one.
    """
    if content_type.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}:
        raise MirrorFault("expected a file, found a web page; a log-in page or a proxy may stand before it")
    if file.exact_size and file.size_bytes is not None and total_bytes not in {None, file.size_bytes}:
        raise MirrorFault(f"expected {file.size_bytes:,} bytes, the server announces {total_bytes:,}")


def check_start(block: bytes) -> None:
    """Looks at the first bytes: some servers send a page under the type of a file.

    Raises:
        MirrorFault: They begin a web page.
    """
    if block.lstrip().lower().startswith(_PAGE_STARTS):
        raise MirrorFault("expected a file, found a web page; a log-in page or a proxy may stand before it")


def most_bytes(file: RemoteFile, total_bytes: int | None) -> int | None:
    """Returns how much of a file is taken at most, or None where neither the catalogue nor the server says."""
    if file.size_bytes is None:
        return total_bytes
    if file.exact_size:
        return file.size_bytes
    # A rounded size: generous, and still an end to a server that never stops.
    return total_bytes if total_bytes is not None else 2 * file.size_bytes + (1 << 20)
