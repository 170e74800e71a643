"""The words of a space before and after training."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError

Rows = NDArray[np.float32]
SPLITS: Final = ("seen", "rare", "unseen")
"""Words that training met :data:`SEEN_FROM` times or more, fewer times, and never."""
SEEN_FROM: Final = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """S words with their vectors before and after training.

    Attributes:
        words: The S words.
        before: ``(S, D)`` float32, their pretrained vectors.
        after: ``(S, D)`` float32, the vectors by which the trained model reads them.
        counts: ``(S,)`` int64, how often each occurs in the training rows.
    """

    words: tuple[str, ...]
    before: Rows
    after: Rows
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Checks that all are of one length, and the numbers finite."""
        shape = (len(self.words), self.before.shape[-1])
        if self.before.shape != shape or self.after.shape != shape or self.counts.shape != shape[:1]:
            raise InputError(
                f"expected vectors before and after of the shape {shape} and a count for each word, found "
                f"{self.before.shape}, {self.after.shape} and {self.counts.shape}."
            )
        if not (np.isfinite(self.before).all() and np.isfinite(self.after).all()):
            raise InputError("expected finite vectors to compare, found some that are not; did training diverge?")

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """Returns the rows of the words of a split, ascending."""
        if split == "seen":
            chosen = self.counts >= SEEN_FROM
        elif split == "rare":
            chosen = (self.counts > 0) & (self.counts < SEEN_FROM)
        else:
            chosen = self.counts == 0
        return np.flatnonzero(chosen)

    def split_of(self, row: int) -> str:
        """Returns the split of a word."""
        count = int(self.counts[row])
        return "unseen" if count == 0 else "rare" if count < SEEN_FROM else "seen"
