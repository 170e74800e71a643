"""Starting rows for words that have no pretrained vector.

Registered by name in :data:`UNKNOWN_INITIALISERS`; each takes the pretrained rows of the vocabulary ``(P, D)``, the
number of rows wanted and a generator, and returns ``(num_rows, D)`` float32.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.randomness import Generator

Rows = NDArray[np.float32]
UnknownInitialiser = Callable[[Rows, int, Generator], Rows]


def matched_normal(pretrained: Rows, num_rows: int, generator: Generator) -> Rows:
    """Draws each row from N(mean, standard deviation) of the pretrained rows, dimension by dimension.

    New words then look like known ones to the layers above, in place and in scale. With fewer than two pretrained
    rows there is nothing to match: N(0, 1/D) is drawn instead.
    """
    dim = pretrained.shape[1]
    draws = generator.standard_normal((num_rows, dim), dtype=np.float32)
    if len(pretrained) < 2:
        return draws / np.float32(np.sqrt(dim))
    mean = pretrained.mean(axis=0, dtype=np.float64, keepdims=True)
    centred = pretrained - mean  # by hand: std() would compute the mean once more
    deviation = np.sqrt(np.square(centred, out=centred).mean(axis=0))
    rows: Rows = mean.astype(np.float32) + draws * deviation.astype(np.float32)
    return rows


def zero(pretrained: Rows, num_rows: int, generator: Generator) -> Rows:  # noqa: ARG001
    """Starts every unknown word at the zero vector."""
    return np.zeros((num_rows, pretrained.shape[1]), dtype=np.float32)


def mean(pretrained: Rows, num_rows: int, generator: Generator) -> Rows:  # noqa: ARG001
    """Starts every unknown word at the mean of the pretrained rows (zero if there are none)."""
    row = pretrained.mean(axis=0, dtype=np.float64) if len(pretrained) else np.zeros(pretrained.shape[1])
    return np.tile(row.astype(np.float32), (num_rows, 1))


def shared(pretrained: Rows, num_rows: int, generator: Generator) -> Rows:
    """Starts all unknown words at one common draw of :func:`matched_normal`."""
    return np.tile(matched_normal(pretrained, 1, generator), (num_rows, 1))


UNKNOWN_INITIALISERS: dict[str, UnknownInitialiser] = {
    "matched-normal": matched_normal,
    "zero": zero,
    "mean": mean,
    "shared": shared,
}


def unknown_initialiser(name: str) -> UnknownInitialiser:
    """Returns the initialiser of that name.

    Raises:
        InputError: There is none; the message lists those there are.
    """
    if name not in UNKNOWN_INITIALISERS:
        known = ", ".join(UNKNOWN_INITIALISERS)
        raise InputError(f"No unknown-word initialisation is called {name!r}. Choose one of: {known}.")
    return UNKNOWN_INITIALISERS[name]
