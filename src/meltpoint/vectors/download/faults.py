"""What can go wrong with a download, by what is to be done about it."""

from meltpoint.errors import MeltpointError


class DownloadError(MeltpointError, OSError):
    """A file could not be downloaded; the message says from where, why, and what can be done instead."""

    def __str__(self) -> str:
        """Returns the message itself, whatever OSError would make of it."""
        return Exception.__str__(self)


class MirrorFault(Exception):  # noqa: N818 - it never leaves the download
    """One address does not have the file, or has another one: the next mirror is to be tried."""


class UnreachableFault(MirrorFault):
    """No connection to the server of an address: if this is so of all, then the machine is offline."""


class PassingFault(Exception):  # noqa: N818 - it never leaves the download
    """The transfer stopped on the way: the same address is worth another attempt.

    Attributes:
        pause_seconds: How long the server asks to wait, where it does.
        unreachable: Whether there was no connection at all.
    """

    def __init__(self, text: str, *, pause_seconds: float | None = None, unreachable: bool = False) -> None:
        super().__init__(text)
        self.pause_seconds = pause_seconds
        self.unreachable = unreachable
