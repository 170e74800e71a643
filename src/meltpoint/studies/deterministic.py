"""The setting in which a graphics card gives the same bits again, where torch has an algorithm that does."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Computes the block by deterministic algorithms; on the processor they are so anyway, and nothing changes.

    Sums that thousands of threads add to come out in the order in which these arrive. Where torch has no other way, it
    goes on with the one it has: the last bits may then differ from run to run.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
    """
    if torch.device(device).type == "cpu":
        yield
        return
    # cuBLAS reads it when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
