"""A model that reads a batch from a small table of the rows it touches: the fastest way to their gradient."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.embedding.rowwise.numbering import RowNumbers
from meltpoint.embedding.rowwise.updater import RowUpdater
from meltpoint.errors import InputError


class TouchedRows:
    """Lets embeddings read, for one batch at a time, from a table that holds nothing but the batch's rows.

    What the rows are by now is copied into :attr:`table`, ``(U, D)``, a leaf of the graph. The backward pass
    then leaves a small dense gradient there: none of the size of the vocabulary, and none that is sparse, so that
    gradient clipping, ``torch.amp`` and every hook work as with any parameter. The model is called with its ordinary
    ids::

        updater = RowAdam(embedding.weight, lr=1e-3)
        touched = TouchedRows(updater, embedding)
        for ids, labels in batches:
            with touched.reading(ids):
                loss = functional.cross_entropy(model(ids), labels)
                loss.backward()
            touched.step()
        updater.flush()

    Attributes:
        rows: ``(U,)`` int64, the rows of the batch (padding apart), each once, ascending.
        table: ``(U, D)``, or with padding ``(1 + U, D)``: the padding row, then those of :attr:`rows`.
    """

    def __init__(self, updater: RowUpdater, *embeddings: nn.Embedding) -> None:
        """Joins an updater and the embeddings that read its table.

        Args:
            updater: Steps the weight of the embeddings.
            *embeddings: One, or several that share one weight and one ``padding_idx``.

        Raises:
            InputError: There is no embedding, they do not share a weight, or one has ``max_norm`` (it would rewrite
                the copies of the rows and not the rows).
        """
        if not embeddings:
            raise InputError("TouchedRows needs the embedding that reads the updater's table.")
        first = embeddings[0]
        for embedding in embeddings:
            if embedding.weight.data_ptr() != updater.table.data_ptr() or embedding.padding_idx != first.padding_idx:
                raise InputError(
                    "TouchedRows: every embedding must have the updater's table as weight, and one padding_idx."
                )
            if embedding.max_norm is not None:
                raise InputError(
                    "TouchedRows: an embedding with max_norm rewrites its rows as it reads; set it to None."
                )
        weight = first.weight
        self.updater = updater
        self.rows = torch.empty(0, dtype=torch.int64, device=weight.device)
        self.table = weight.detach().new_empty(0, weight.shape[1])
        self._embeddings = embeddings
        self._first = int(first.padding_idx is not None)
        self._numbers = RowNumbers(len(weight), padding_idx=first.padding_idx, device=weight.device, ascending=True)

    @contextmanager
    def reading(self, *ids: Tensor) -> Iterator[Tensor]:
        """While the block runs, the embeddings read the rows of these ids from :attr:`table`, which is yielded.

        Args:
            *ids: All ids that the model will look up in the block, any shape, int64.

        Raises:
            InputError: An id is not a row of the table; in the block: the model looks up an id that was not given.
        """
        rows = self._numbers.number(ids[0] if len(ids) == 1 else torch.cat([each.reshape(-1) for each in ids]))
        self.rows = rows[self._first :]
        self.table = self.updater.read(rows).requires_grad_()
        if self._first:
            self.table.register_post_accumulate_grad_hook(_clear_padding)  # type: ignore[no-untyped-call]
        for embedding in self._embeddings:
            embedding.__dict__["forward"] = lambda looked_up, embedding=embedding: self._read(embedding, looked_up)
        try:
            yield self.table
        finally:
            for embedding in self._embeddings:
                del embedding.__dict__["forward"]

    def step(self, *, lr: float | None = None) -> None:
        """Steps the rows of the last batch by the gradient of :attr:`table`.

        Raises:
            InputError: The backward pass has left no gradient there.
        """
        if self.table.grad is None:
            raise InputError("TouchedRows.step() needs a gradient: call loss.backward() on what was read in reading().")
        gradients, weights = self.table.grad[self._first :], self.table[self._first :]
        self.updater.step(self.rows, gradients, lr=lr, weights=weights)
        self.table.grad = None

    def _read(self, embedding: nn.Embedding, ids: Tensor) -> Tensor:
        numbers = self._numbers.look_up(ids)
        if numbers.shape == (len(self.table),) and torch.equal(numbers, torch.arange(len(numbers), device=ids.device)):
            # A model that asks for each row once, as ours do, gets the table: the gradient need not be added up.
            return self.table.clone()
        return functional.embedding(
            numbers,
            self.table,
            padding_idx=0 if self._first else None,
            scale_grad_by_freq=embedding.scale_grad_by_freq,
        )


def _clear_padding(table: Tensor) -> None:
    """Leaves the padding row without a gradient, as an embedding does."""
    if table.grad is not None:
        table.grad[0] = 0
