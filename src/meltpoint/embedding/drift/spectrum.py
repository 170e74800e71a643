"""What became of the space as a whole: its singular values, and where its middle went."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """Singular values of S words, centred, before and after training.

    Attributes:
        before: ``(min(S, D),)`` singular values divided by the root of S: standard deviations along the axes.
        after: The same after training.
        mean_shift: Length of the way that the mean of all rows went, in root mean square lengths of a row before.
        common_share: Share of all movement (sum of squares) that all words made together.
    """

    before: Floats
    after: Floats
    mean_shift: float
    common_share: float

    @property
    def effective_ranks(self) -> tuple[float, float]:
        """The effective rank before and after; see :func:`effective_rank`."""
        return effective_rank(self.before), effective_rank(self.after)


def effective_rank(singular_values: Floats) -> float:
    """Returns exp of the entropy of the singular values as shares of their sum.

    It is D where all are equal, and 1 where all rows lie on one line (Roy & Vetterli 2007, "The effective rank").
    """
    total = float(singular_values.sum())
    if total <= 0:
        return 0.0
    shares = singular_values[singular_values > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def measure_spectrum(before: Rows, after: Rows) -> Spectrum:
    """Measures the spectrum of rows ``(S, D)`` before and after training."""
    first, second = before.astype(np.float64), after.astype(np.float64)
    if not len(first):
        return Spectrum(before=np.zeros(0), after=np.zeros(0), mean_shift=0.0, common_share=0.0)
    change = second - first
    shift = float(np.linalg.norm(change.mean(axis=0)))
    size = float(np.sqrt(np.square(first).sum(axis=1).mean()))
    moved = float(np.square(change).sum(axis=1).mean())
    return Spectrum(
        before=_deviations(first),
        after=_deviations(second),
        mean_shift=shift / size if size else 0.0,
        common_share=shift**2 / moved if moved else 0.0,
    )


def _deviations(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    deviations: Floats = values / np.sqrt(len(rows))
    return deviations
