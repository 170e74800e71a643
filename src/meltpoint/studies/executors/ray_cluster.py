"""Searches on a Ray cluster: the data go out once, each search is a task on one processor.

A task is a pure function of its search and the data, so that Ray may run it again elsewhere when a worker or a node is
lost: the result is the same. It answers as a worker process does, in text: no exception of a user's module is pickled.
"""

import importlib
import logging
import os
import platform
import socket
import time
import traceback
from contextlib import suppress
from typing import Any, Self

from numpy.typing import NDArray

from meltpoint.errors import InputError, MeltpointError
from meltpoint.models import find_architecture
from meltpoint.studies.executors.base import training_environment
from meltpoint.studies.messages import decode_answer, decode_search, encode_answer, encode_error, encode_search
from meltpoint.studies.plan import Search
from meltpoint.studies.recording import TrialRecord, record_search
from meltpoint.studies.single_thread import single_thread
from meltpoint.trial import TFIDF, TrialData

# Times that a search is started anew after its worker or its node was lost.
MAX_RETRIES = 5
CONNECT_SECONDS = 5.0
# Nodes come and go: how often the processors are counted.
COUNT_SECONDS = 2.0


class RayCluster:
    """Runs searches on the processors of a Ray cluster, as many at a time as there are processors."""

    def __init__(self, data: TrialData, address: str) -> None:
        """Looks whether Ray is there; the cluster is joined when the block begins.

        Args:
            data: The study's data.
            address: ``HOST:PORT`` of the cluster's head; ``auto``: the cluster that this machine belongs to, or, where
                there is none, one of this machine alone, which ends with the block.

        Raises:
            InputError: Ray is not installed.
        """
        self._ray = _import_ray()
        self._data = data
        self._address = address
        self._pending: dict[Any, Search] = {}
        self._joined_here = False
        self._arrays: Any = None
        self._task: Any = None
        self._num_processors = 1
        self._counted_at = -COUNT_SECONDS

    def __enter__(self) -> Self:
        """Joins the cluster and puts the data into its object store.

        Raises:
            InputError: There is no cluster at the address, or this machine is not part of it.
        """
        # A script that has joined a cluster already stays in that one.
        if not self._ray.is_initialized():
            _join(self._ray, self._address)
            self._joined_here = True
        remote = self._ray.remote(num_cpus=1, max_retries=MAX_RETRIES, runtime_env={"env_vars": training_environment()})
        self._task = remote(answer_search)
        self._arrays = self._ray.put(self._data.to_arrays())
        return self

    def __exit__(self, *error: object) -> None:
        for answer in self._pending:
            with suppress(Exception):
                self._ray.cancel(answer, force=True)
        self._pending.clear()
        self._arrays = None
        if self._joined_here:
            self._ray.shutdown()

    def start(self, search: Search) -> None:
        """Takes a search to run."""
        self._pending[self._task.remote(self._arrays, encode_search(search))] = search

    def finished(self, timeout_seconds: float) -> list[TrialRecord] | None:
        """Returns the trials of the next finished search, or None if none finishes in time.

        Raises:
            InputError: A trial cannot be run at all (the user's architecture fails on a node, say).
            MeltpointError: A search lost its worker time and again, or a node cannot run meltpoint.
        """
        if not self._pending:
            return None
        done, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=timeout_seconds)
        if not done:
            return None
        search = self._pending[done[0]]
        try:
            line = self._ray.get(done[0])
        except self._ray.exceptions.RayError as error:
            raise _failure(search, error) from error
        records = decode_answer(line, search)
        del self._pending[done[0]]
        return records

    @property
    def running(self) -> tuple[Search, ...]:
        """The searches that were taken and have not been returned."""
        return tuple(self._pending.values())

    @property
    def has_room(self) -> bool:
        """Whether fewer searches are out than the cluster has processors."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_SECONDS:
            self._num_processors = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._counted_at = now
        return len(self._pending) < self._num_processors


def answer_search(arrays: dict[str, NDArray[Any]], line: str) -> str:
    """Runs a search on a node.

    Args:
        arrays: The study's data, :meth:`TrialData.to_arrays`; read where Ray's object store has them.
        line: The search, :func:`encode_search`.

    Returns:
        The answer, :func:`encode_answer` or :func:`encode_error`.
    """
    try:
        search = decode_search(line)
        _require_architecture(search[0].architecture)
        with single_thread():
            return encode_answer(record_search(search, TrialData.from_arrays(arrays)))
    except Exception as error:  # noqa: BLE001 - passed on whole to the study, which raises it
        return encode_error(error, traceback.format_exc())


def _require_architecture(architecture: str) -> None:
    if architecture == TFIDF:
        return
    try:
        find_architecture(architecture)
    except InputError as error:
        raise InputError(
            f"{error} This is so on the node {platform.node()} of the Ray cluster, not where the study was started: "
            "install the module on every node, or let it lie in a folder that all of them share under the same path."
        ) from error


def _import_ray() -> Any:
    # Read by Ray when it is imported, or when it starts a cluster.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise InputError(
            "--ray needs the package ray, which is not installed: pip install 'meltpoint[ray]'."
        ) from error


def _join(ray: Any, address: str) -> None:
    """Makes this process the driver of a cluster, or starts one of this machine alone."""
    options = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address != "auto":
        _require_listener(address)
    try:
        try:
            ray.init(address=address, **options)
        except ConnectionError:
            if address != "auto":
                raise
            ray.init(address="local", include_dashboard=False, **options)
    except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--ray {address}: the cluster cannot be joined: {error} A study runs on a machine of the cluster (ray "
            "start --address=HOST:PORT makes it one), with the Python and the Ray of the others."
        ) from error


def _require_listener(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            return
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"--ray {address}: expected 'auto' or HOST:PORT of the head of a Ray cluster, found none there ({error}). "
            "'ray start --head' starts one and says its address; with --ray auto a study finds the cluster that this "
            "machine belongs to."
        ) from error


def _failure(search: Search, error: Exception) -> MeltpointError:
    spec = search[0]
    return MeltpointError(
        f"Ray gave up {spec.architecture} / {spec.policy} at {spec.split.size} rows after {MAX_RETRIES} retries, or "
        f"could not start it: {type(error).__name__}: {str(error).strip()} Every node needs the same meltpoint as this "
        "machine, and memory enough for one training per processor. Finished trials are kept; go on with --resume."
    )
