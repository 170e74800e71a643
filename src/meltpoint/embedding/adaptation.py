"""What a model reads in place of the plain rows of a table, where a policy learns something other than rows."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Adaptation(nn.Module, ABC):
    """A part of the embedding: turns rows of its weight, which stands still, into the rows that the model reads.

    Its parameters are what the policy trains. It is linear in what it learns, or not; but it treats every row by
    itself, so that it can be computed once for the whole table when training is over (folding).
    """

    @abstractmethod
    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:
        """Adapts rows.

        Args:
            rows: ``(*, D)`` rows of the weight.
            ids: ``(*)`` int64, which rows they are. The pad row is zero and must stay so.

        Returns:
            ``(*, D)``.
        """

    def unseen_map(self) -> Tensor | None:
        """Returns the ``(D, D)`` matrix that takes the row of a word outside the table to where the model reads it.

        None: it is read as it is.
        """
        return None
