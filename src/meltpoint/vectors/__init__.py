"""Opens pretrained word vectors: any supported file once, afterwards a memory-mapped store.

    >>> vectors = open_vectors("glove.6B.zip", dim=300)  # doctest: +SKIP
    >>> vectors["melting"].shape  # doctest: +SKIP
    (300,)

The way of a file: ``opening`` sends it, ``sources`` find it and its bytes, ``formats`` read it, ``building`` writes the
store, ``store`` maps it and finds words and rows in it, ``opened`` is what the caller holds. ``catalogue`` knows the
published sets, ``download`` gets them, ``cache`` says where both are kept; ``neighbours`` and ``evaluation`` use
vectors, ``writing`` saves them again.
"""

from typing import TYPE_CHECKING

from meltpoint.vectors.opened import AbsentWordError, Vectors
from meltpoint.vectors.opening import open_vectors
from meltpoint.vectors.words import Words

if TYPE_CHECKING:
    from meltpoint.vectors.open_report import OpenReport

__all__ = ["AbsentWordError", "OpenReport", "Vectors", "Words", "open_vectors"]


def __getattr__(name: str) -> object:
    # Loaded by those who name it: a later open, which should take milliseconds, does not.
    if name == "OpenReport":
        from meltpoint.vectors.open_report import OpenReport  # noqa: PLC0415

        return OpenReport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
