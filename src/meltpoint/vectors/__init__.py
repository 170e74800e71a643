"""Opens pretrained word vectors: any supported file once, afterwards a memory-mapped store.

    >>> vectors = open_vectors("glove.6B.zip", dim=300)  # doctest: +SKIP
    >>> vectors["melting"].shape  # doctest: +SKIP
    (300,)

The way of a file: ``sources`` finds it, ``formats`` read it, ``building`` writes the store, ``store`` maps it,
``index`` finds words in it, ``opened`` is what the caller holds.
"""

from meltpoint.vectors.opened import AbsentWordError, OpenReport, Vectors, Words
from meltpoint.vectors.opening import open_vectors

__all__ = ["AbsentWordError", "OpenReport", "Vectors", "Words", "open_vectors"]
