"""Where the trials of a study run: the processor's cores, a graphics card, a Ray cluster."""

import os
import platform
from dataclasses import dataclass
from typing import Any

import torch

from meltpoint.errors import InputError
from meltpoint.studies import Executor, InProcess, RayCluster, WorkerProcesses
from meltpoint.trial import TrialData

DEVICES = ("cpu", "cuda", "auto")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where trials run. It has no part in what they find, and a study may be taken up in another place.

    Attributes:
        device: ``cpu`` or ``cuda``, as torch calls it.
        num_workers: Worker processes; 0 trains in this process.
        ray: Address of a Ray cluster, or None.
    """

    device: str = "cpu"
    num_workers: int = 0
    ray: str | None = None

    def executor(self, data: TrialData) -> Executor:
        """Makes the executor; it starts when it is entered."""
        if self.ray is not None:
            return RayCluster(data, self.ray)
        if self.num_workers:
            return WorkerProcesses(data, self.num_workers, device=self.device)
        return InProcess(data, device=self.device)

    def describe(self) -> dict[str, Any]:
        """Returns the place as ``run.json`` has it."""
        card = torch.cuda.get_device_name() if self.device == "cuda" else None
        return {
            "workers": self.num_workers,
            "device": self.device,
            "ray": self.ray,
            "machine": {
                "system": platform.platform(),
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "card": card,
            },
        }


def choose_place(*, workers: int | None = None, ray: str | None = None, device: str = "cpu") -> Place:
    """Turns what the user asked for into a place.

    Args:
        workers: Worker processes; None: one per core, or none where the trials run elsewhere.
        ray: Address of a Ray cluster, ``auto``, or None.
        device: ``cpu``, ``cuda`` or ``auto``: a card where torch sees one and nothing else is asked for.

    Raises:
        InputError: A value is out of range, two of them exclude each other, or there is no such device.
    """
    if workers is not None and workers < 0:
        raise InputError(f"--workers must be at least 0 (0 trains in this process), found {workers}.")
    if ray is not None and workers is not None:
        raise InputError(
            "--workers is for this machine and --ray for a cluster, which has as many as it has: give one."
        )
    chosen = find_device("cpu" if device == "auto" and (workers or ray is not None) else device)
    if chosen == "cuda" and (workers or ray is not None):
        other = "--ray" if ray is not None else "--workers"
        raise InputError(f"--device {device} trains on one card in this process, {other} on processors: give one.")
    if chosen == "cuda" or ray is not None:
        workers = 0
    return Place(device=chosen, num_workers=(os.cpu_count() or 1) if workers is None else workers, ray=ray)


def find_device(name: str) -> str:
    """Returns ``cpu`` or ``cuda`` for the name of a device; ``auto`` is a card where torch sees one.

    Raises:
        InputError: There is no such device.
    """
    if name not in DEVICES:
        raise InputError(f"--device must be one of {', '.join(DEVICES)}; found {name!r}.")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InputError(
            f"--device cuda: torch {torch.__version__} sees no CUDA card on this machine; use --device cpu, or "
            "install a build of torch for CUDA where there is a card."
        )
    return "cuda" if there and name != "cpu" else "cpu"
