"""Writes word vectors, for meltpoint and for others to read.

    >>> save_vectors((["the", "of"], [[0.1, 0.2], [0.3, 0.4]]), "tiny.vec")  # doctest: +SKIP
    (PosixPath('/home/me/tiny.vec'),)

``saving`` chooses and replaces, ``base`` says what a format is, and each format is one module beside them.
"""

from meltpoint.vectors.writing.saving import WRITERS, save_vectors

__all__ = ["WRITERS", "save_vectors"]
