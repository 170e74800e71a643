"""The setting in which every trial is computed, so that its bits do not depend on where it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def single_thread() -> Iterator[None]:
    """Computes the block in one thread, with denormal numbers flushed to zero.

    Sums depend on how they are split among threads. Adam's moments of rows that are no longer met decay into denormal
    numbers, which a processor handles a hundred times more slowly than zeros.
    """
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(num_threads)
