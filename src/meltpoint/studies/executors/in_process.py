"""Searches in this process, one after another: on its processor, or on the machine's graphics card."""

from typing import Self

from meltpoint.studies.deterministic import deterministic
from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord, record_search
from meltpoint.studies.single_thread import single_thread
from meltpoint.trial import TrialData


class InProcess:
    """Runs each search in this process, when it is asked for."""

    def __init__(self, data: TrialData, *, device: str = "cpu") -> None:
        self._data = data
        self._device = device
        self._waiting: list[Search] = []

    def start(self, search: Search) -> None:
        """Takes a search to run."""
        self._waiting.append(search)

    def finished(self, timeout_seconds: float) -> list[TrialRecord] | None:  # noqa: ARG002
        """Runs the search that was taken first."""
        if not self._waiting:
            return None
        with single_thread(), deterministic(self._device):
            return record_search(self._waiting.pop(0), self._data, device=self._device)

    @property
    def running(self) -> tuple[Search, ...]:
        """The searches that were taken."""
        return tuple(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether nothing is waiting."""
        return not self._waiting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting.clear()
