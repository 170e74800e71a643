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
    """Runs the block with torch's global CPU generator seeded by name; afterwards its state is as it was."""
    import torch  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        # That of the processor alone: torch.manual_seed would seed every card, too, and nothing sets those back.
        torch.default_generator.manual_seed(seed_for(master_seed, *name))
        yield


class TorchStream:
    """A stream of torch's global generators that somebody else's draws cannot shift.

    Models trained in turn would otherwise take each other's numbers (dropout draws from the global generator of the
    device that it computes on).
    """

    def __init__(self, master_seed: int, *name: str | int, device: "torch.device | None" = None) -> None:
        """Starts the stream of that name.

        Args:
            master_seed: The study's one seed.
            *name: What is drawn, from general to particular.
            device: Where it is computed: the generator of a card is part of the stream.
        """
        self._cards = [device] if device is not None and device.type == "cuda" else []
        with torch_seeded(master_seed, *name):
            self._states = self._read()
        for place, card in enumerate(self._cards, start=1):
            self._states[place] = _card_state(seed_for(master_seed, *name), card)

    @contextmanager
    def resumed(self) -> Iterator[None]:
        """Runs the block with the stream where it was left; afterwards the global generators are as they were."""
        import torch  # noqa: PLC0415

        with torch.random.fork_rng(devices=self._cards):
            torch.set_rng_state(self._states[0])
            for card, state in zip(self._cards, self._states[1:], strict=True):
                torch.cuda.set_rng_state(state, card)
            yield
            self._states = self._read()

    def _read(self) -> "list[torch.Tensor]":
        import torch  # noqa: PLC0415

        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(card) for card in self._cards)]


def _card_state(seed: int, card: "torch.device") -> "torch.Tensor":
    import torch  # noqa: PLC0415

    return torch.Generator(card).manual_seed(seed).get_state()
