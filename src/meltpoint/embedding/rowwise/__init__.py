"""Row-wise updates: the cost of a step follows the rows of the batch, not those of the table.

:class:`RowAdam`, :class:`RowSGD` and :class:`RowAdagrad` step rows of one table. :class:`TouchedRows` runs a model on
the rows of a batch alone, which is the fastest way to their gradient. :class:`RowwiseOptimizer` is the optimiser for
loops that know nothing of rows.
"""

from meltpoint.embedding.rowwise.clipping import clip_grad_norm_
from meltpoint.embedding.rowwise.optimizer import RowwiseOptimizer
from meltpoint.embedding.rowwise.touched import TouchedRows
from meltpoint.embedding.rowwise.updater import RowUpdater
from meltpoint.embedding.rowwise.updaters import RowAdagrad, RowAdam, RowSGD

__all__ = ["RowAdagrad", "RowAdam", "RowSGD", "RowUpdater", "RowwiseOptimizer", "TouchedRows", "clip_grad_norm_"]
