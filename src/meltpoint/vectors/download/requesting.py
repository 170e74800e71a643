"""Opens addresses: HTTPS only, certificates always verified, redirects followed by hand.

There is no switch that turns verification off. A redirect may lead to another host, as those of release pages and
content networks do, but never away from HTTPS; plain HTTP is spoken to this machine only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import IncompleteRead
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from meltpoint.vectors.download.faults import MirrorFault, PassingFault

_MOST_REDIRECTS = 10
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a download waits, and how often it tries again.

    Attributes:
        connect_seconds: How long a server may take to answer.
        read_seconds: How long it may stay silent after that.
        attempts: How many attempts on end may bring nothing worth keeping before an address is given up.
        pause_seconds: The wait before the second of them; it doubles with each.
        longest_pause_seconds: The longest wait, also where a server asks for more.
    """

    connect_seconds: float = 15.0
    read_seconds: float = 60.0
    attempts: int = 5
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0


class Session(requests.Session):
    """A session that leaves redirects to :func:`open_address`, bodies of theirs unread."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Finds none."""
        _ = resp


@contextmanager
def open_address(
    session: Session, url: str, headers: Mapping[str, str], patience: Patience
) -> Iterator[requests.Response]:
    """Opens an address for reading, after any redirects.

    Raises:
        MirrorFault: The address, or one that it redirects to, is not to be spoken to; or they are too many.
        PassingFault: There is no connection.
    """
    seen = {url}
    for _ in range(_MOST_REDIRECTS + 1):
        _check_scheme(url)
        response = _send(session, url, headers, patience)
        try:
            if not response.is_redirect:
                yield response
                return
        finally:
            response.close()
        next_url = _target_of(url, response)
        if urlsplit(url).scheme == "https" and urlsplit(next_url).scheme != "https":
            raise MirrorFault(f"redirects from https to {next_url}, which is not protected; not followed")
        if next_url in seen:
            raise MirrorFault(f"redirects in a circle, by way of {next_url}")
        seen.add(next_url)
        url = next_url
    raise MirrorFault(f"redirects more than {_MOST_REDIRECTS} times")


def read_blocks(response: requests.Response) -> Iterator[bytes]:
    """Yields the bytes of a response as they arrive and as they were sent: a ``.gz`` stays packed.

    Raises:
        PassingFault: The connection broke or fell silent.
    """
    try:
        while block := response.raw.read1(_BLOCK_BYTES, decode_content=False):
            yield block
    except (HTTPError, OSError) as error:
        raise PassingFault(f"the connection broke ({_reason(error)})") from error


def host_of(url: str) -> str:
    """Returns the host of an address, as people call it."""
    return urlsplit(url).hostname or url


def _target_of(url: str, response: requests.Response) -> str:
    location = response.headers["Location"].encode("latin-1").decode("utf-8", "replace")
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise MirrorFault(f"redirects to what is no address ({error})") from error


def _check_scheme(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise MirrorFault(f"expected an address, found {url!r} ({error})") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise MirrorFault(f"expected an https address, found {url}; not opened")


def _send(session: Session, url: str, headers: Mapping[str, str], patience: Patience) -> requests.Response:
    timeout = (patience.connect_seconds, patience.read_seconds)
    try:
        return session.get(url, headers=dict(headers), stream=True, allow_redirects=False, timeout=timeout)
    except requests.exceptions.SSLError as error:
        raise MirrorFault(f"no secure connection to {host_of(url)} ({_reason(error)})") from error
    except requests.exceptions.ReadTimeout as error:
        raise PassingFault(f"{host_of(url)} does not answer") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise PassingFault(f"no connection to {host_of(url)} ({_reason(error)})", unreachable=True) from error
    except (requests.exceptions.RequestException, HTTPError, UnicodeError) as error:
        raise MirrorFault(f"cannot be opened ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    """Returns the innermost reason: the outer ones repeat it with addresses of objects."""
    inner = error
    while (deeper := getattr(inner, "reason", None) or inner.__cause__ or inner.__context__) is not None:
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    if isinstance(inner, IncompleteRead):
        return "it ended early"
    text = getattr(inner, "strerror", None) or str(inner)
    return str(text).rpartition(": ")[2].strip() or type(inner).__name__
