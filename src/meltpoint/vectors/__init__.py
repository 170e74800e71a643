"""Opens pretrained word vectors: any supported file once, afterwards a memory-mapped store.

    >>> vectors = open_vectors("glove.6B.zip", dim=300)  # doctest: +SKIP
    >>> vectors["melting"].shape  # doctest: +SKIP
    (300,)

The way of a file: ``sources`` finds it (``layouts``: what belongs together), ``formats`` read it, ``building`` writes
the store, ``store`` maps it, ``index`` finds words in it, ``opened`` is what the caller holds. ``catalogue`` knows the
published sets, ``download`` gets them, ``writing`` saves vectors again.
"""

from meltpoint.vectors.open_report import OpenReport
from meltpoint.vectors.opened import AbsentWordError, Vectors
from meltpoint.vectors.opening import open_vectors
from meltpoint.vectors.words import Words

__all__ = ["AbsentWordError", "OpenReport", "Vectors", "Words", "open_vectors"]
