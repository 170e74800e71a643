"""All randomness: one master seed, named generators.

A generator is named by what it decides (``"folds"``, repeat 3). Names make draws independent of the order in which
code runs and of who else draws: the same master seed and the same name give the same bits, in any process.

This is the one module that may touch the global generator of torch (dropout and the default initialisation of
``nn.Module`` use nothing else), and it does so only inside :func:`torch_seeded`, which puts the old state back.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Generator = np.random.Generator  # noqa: TID251 - the name by which the rest of the code speaks of one


def seed_for(master_seed: int, *name: str | int) -> int:
    """Derives the seed of a named generator: a 63-bit integer from the BLAKE2b hash of master seed and name.

    Args:
        master_seed: The study's one seed.
        *name: What the generator decides, from general to particular.

    Returns:
        An integer in ``[0, 2**63)``.
    """
    text = json.dumps([int(master_seed), *name], ensure_ascii=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(master_seed: int, *name: str | int) -> Generator:
    """Returns the NumPy generator of that name (PCG64)."""
    return Generator(np.random.PCG64(seed_for(master_seed, *name)))  # noqa: TID251


def torch_generator(master_seed: int, *name: str | int) -> "torch.Generator":
    """Returns the torch CPU generator of that name."""
    import torch  # noqa: PLC0415 - importing torch takes seconds, and most commands need none of it

    return torch.Generator().manual_seed(seed_for(master_seed, *name))


@contextmanager
def torch_seeded(master_seed: int, *name: str | int) -> Iterator[None]:
    """Runs the block with torch's global generator seeded by name; afterwards its state is as it was."""
    import torch  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(master_seed, *name))  # noqa: TID251
        yield
