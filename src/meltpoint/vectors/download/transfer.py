"""Transfers one file: mirror after mirror, attempt after attempt, each going on where the last one stopped."""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from meltpoint.errors import DiskError
from meltpoint.vectors.catalogue import RemoteFile
from meltpoint.vectors.download.checking import (
    Fingerprint,
    check_announcement,
    check_file,
    check_start,
    most_bytes,
)
from meltpoint.vectors.download.faults import DownloadError, MirrorFault, PassingFault, UnreachableFault
from meltpoint.vectors.download.partial import Origin, PartFile
from meltpoint.vectors.download.requesting import Patience, Session, host_of, open_address, read_blocks

_AGENT = "meltpoint (+https://pypi.org/project/meltpoint)"
_WORTH_KEEPING_BYTES = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)")
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a file has come.

    Attributes:
        name: The file.
        received_bytes: What has arrived of it, in earlier attempts too.
        total_bytes: Its size, where known.
        note: What has happened that is worth telling; None while bytes arrive.
    """

    name: str
    received_bytes: int
    total_bytes: int | None
    note: str | None = None


Watch = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file that has arrived whole.

    Attributes:
        url: The address that it came from; None where it was there already.
        fingerprint: What it came to.
    """

    url: str | None
    fingerprint: Fingerprint


def fetch_file(file: RemoteFile, folder: Path, *, patience: Patience, watch: Watch) -> Fetched:
    """Downloads one file into ``folder``, whole or not at all.

    What an interrupted or failed attempt has brought stays beside its place, and the next call goes on from there.

    Args:
        file: What to download.
        folder: Where to; it exists.
        patience: How long to wait, how often to try.
        watch: Told how far it has come.

    Returns:
        Where it came from and what it came to.

    Raises:
        DownloadError: No mirror has given the file that the catalogue means, or another process is getting it.
        DiskError: The folder cannot take it.
    """
    faults: dict[str, MirrorFault] = {}
    try:
        with PartFile(folder / file.name) as part, Session() as session:
            for url in file.urls:
                transfer = _Transfer(file, url, part, session, patience, watch)
                try:
                    fingerprint = transfer.run()
                except MirrorFault as fault:
                    faults[url] = fault
                else:
                    part.finish()
                    return Fetched(url=url, fingerprint=fingerprint)
    except (DownloadError, DiskError):
        raise
    except OSError as error:
        raise DiskError(
            f"{folder / file.name}: the download cannot be written: {error.strerror or error}. Free some space there, "
            "or choose another folder with --folder."
        ) from error
    raise DownloadError(_failure_text(file, folder, faults))


class _Transfer:
    """The attempts to get one file from one address."""

    def __init__(
        self, file: RemoteFile, url: str, part: PartFile, session: Session, patience: Patience, watch: Watch
    ) -> None:
        self._file = file
        self._url = url
        self._part = part
        self._session = session
        self._patience = patience
        self._watch = watch
        self._total_bytes = self._known_bytes()
        self._has_answered = False

    def run(self) -> Fingerprint:
        """Transfers and checks.

        Raises:
            MirrorFault: This address does not give the file.
        """
        self._receive()
        try:
            return self._check()
        except MirrorFault:
            if not self._part.is_resumed:
                self._part.drop()
                raise
        # Two halves that do not fit: once more, in one piece.
        self._part.drop()
        self._receive()
        try:
            return self._check()
        except MirrorFault:
            self._part.drop()
            raise

    def _known_bytes(self) -> int | None:
        return self._file.size_bytes if self._file.exact_size else None

    def _check(self) -> Fingerprint:
        self._part.flush()
        self._tell("checking")
        return check_file(self._part.path, self._file)

    def _receive(self) -> None:
        fruitless = 0
        pause_seconds = self._patience.pause_seconds
        while True:
            before_bytes = self._part.size_bytes
            try:
                self._attempt()
            except PassingFault as fault:
                if self._part.size_bytes - before_bytes >= _WORTH_KEEPING_BYTES:
                    fruitless, pause_seconds = 0, self._patience.pause_seconds
                fruitless += 1
                # A server that was never there is given up soon: most likely this machine is offline.
                hopeless = fault.unreachable and not self._has_answered
                if fruitless >= (min(2, self._patience.attempts) if hopeless else self._patience.attempts):
                    raise (UnreachableFault if fault.unreachable else MirrorFault)(str(fault)) from fault
                wait_seconds = min(max(pause_seconds, fault.pause_seconds or 0.0), self._patience.longest_pause_seconds)
                self._tell(f"{fault}; trying again in {wait_seconds:.0f} s")
                time.sleep(wait_seconds)
                pause_seconds *= 2
            else:
                return

    def _attempt(self) -> None:
        """Asks for what is missing and appends it.

        Raises:
            PassingFault: Worth another attempt.
            MirrorFault: Not worth one.
        """
        part = self._part
        if part.size_bytes and not self._can_go_on():
            part.drop()
        asked_from = part.size_bytes
        if asked_from and asked_from == self._total_bytes:
            return
        with open_address(self._session, self._url, self._headers(asked_from), self._patience) as response:
            self._has_answered = True
            if response.status_code == _RANGE_REFUSED and asked_from:
                self._settle_refused(response)
                return
            self._check_status(response)
            self._begin(response, asked_from)
            self._append(response)

    def _can_go_on(self) -> bool:
        origin = self._part.origin
        same_address = origin is not None and origin.url == self._url and origin.validator is not None
        # With a checksum, halves of different mirrors may be joined: they are the same bytes, or are found out.
        return same_address or self._file.checksum is not None

    def _headers(self, asked_from: int) -> dict[str, str]:
        # The bytes as they are: sent packed, their number would not be the one announced.
        headers = {"Accept-Encoding": "identity", "User-Agent": _AGENT}
        if asked_from:
            headers["Range"] = f"bytes={asked_from}-"
            origin = self._part.origin
            if origin is not None and origin.url == self._url and origin.validator is not None:
                headers["If-Range"] = origin.validator
        return headers

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in {_OK, _PARTIAL}:
            return
        text = f"{status} {response.reason or ''}".strip()
        if status in _PASSING:
            raise PassingFault(text, pause_seconds=_retry_after(response))
        raise MirrorFault(text)

    def _begin(self, response: requests.Response, asked_from: int) -> None:
        """Reads the headers: where the bytes that follow belong, and how many there are in all."""
        starts_at, total_bytes = 0, _length(response)
        if response.status_code == _PARTIAL:
            found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            starts_at = int(found[1]) if found and found[1] else -1
            total_bytes = int(found[2]) if found and found[2] != "*" else None
        etag = response.headers.get("ETag")
        origin = Origin(
            url=self._url,
            etag=etag if etag and not etag.startswith("W/") else None,
            last_modified=response.headers.get("Last-Modified"),
            total_bytes=total_bytes,
        )
        part = self._part
        check_announcement(self._file, response.headers.get("Content-Type", ""), total_bytes)
        if response.status_code == _OK:
            part.begin(origin)
            self._total_bytes = self._known_bytes()
        elif starts_at != asked_from or not asked_from:
            part.drop()
            raise PassingFault(f"asked for the bytes from {asked_from:,}, and was sent others")
        elif part.origin is not None and part.origin.url == self._url and part.origin.is_contradicted_by(origin):
            part.drop()
            raise PassingFault("the file has changed since the download began; starting again")
        else:
            part.continues()
        if total_bytes is not None:
            self._total_bytes = total_bytes
        self._check_space(part.path.parent)

    def _append(self, response: requests.Response) -> None:
        part = self._part
        limit_bytes = most_bytes(self._file, self._total_bytes)
        try:
            for block in read_blocks(response):
                if part.size_bytes == 0:
                    check_start(block)
                part.append(block)
                self._tell()
                if limit_bytes is not None and part.size_bytes > limit_bytes:
                    part.drop()
                    raise MirrorFault(f"expected {limit_bytes:,} bytes at most, and the server goes on sending")
        finally:
            part.flush()
        if self._total_bytes is not None and part.size_bytes < self._total_bytes:
            raise PassingFault(f"the connection ended after {part.size_bytes:,} of {self._total_bytes:,} bytes")

    def _settle_refused(self, response: requests.Response) -> None:
        """Makes sense of "range not satisfiable": the part is whole already, or it is too long to be of this file."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found and found[2] == str(self._part.size_bytes):
            return
        self._part.drop()
        raise PassingFault("what had arrived does not fit the file; starting again")

    def _check_space(self, folder: Path) -> None:
        known_bytes = self._total_bytes or self._file.size_bytes
        if known_bytes is None:
            return
        missing_bytes = known_bytes - self._part.size_bytes
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < missing_bytes:
            raise DiskError(
                f"{folder / self._file.name}: {missing_bytes:,} bytes are still to come, and {free_bytes:,} are free "
                "there. Free some space, or choose another folder with --folder; what has arrived is kept."
            )

    def _tell(self, note: str | None = None) -> None:
        self._watch(
            Progress(
                name=self._file.name,
                received_bytes=self._part.size_bytes,
                total_bytes=self._total_bytes or self._file.size_bytes,
                note=note,
            )
        )


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _retry_after(response: requests.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _failure_text(file: RemoteFile, folder: Path, faults: dict[str, MirrorFault]) -> str:
    by_hand = f"get the file in another way, put it at {folder / file.name} and run it then"
    if all(isinstance(fault, UnreachableFault) for fault in faults.values()):
        hosts = " or ".join(dict.fromkeys(map(host_of, faults)))
        return (
            f"{file.name} cannot be downloaded: {hosts} cannot be reached, this machine seems to be offline; run the "
            f"command again when it is not, or {by_hand}. Sets in installed packages need no network."
        )
    reasons = "; ".join(f"{url}: {fault}" for url, fault in faults.items())
    return f"{file.name} cannot be downloaded: {reasons}. Run the command again later, or {by_hand}."
