"""Opens vectors: finds the source, builds its store on the first time, maps it."""

import hashlib
import json
import os

from meltpoint.errors import DiskError
from meltpoint.vectors.opened import OpenReport, Vectors, Words
from meltpoint.vectors.sources import PackageSource, Source, find_source
from meltpoint.vectors.store import CACHE_VARIABLE, STORE_VERSION, MappedStore, cache_folder, map_store

_KEY_BYTES = 16


def open_vectors(source: str | os.PathLike[str], *, member: str | None = None, dim: int | None = None) -> Vectors:
    """Opens pretrained word vectors: slow once, then in milliseconds.

    The first time, the source is read and a store of its words and its matrix is written to the user's cache (or below
    the folder that ``MELTPOINT_CACHE`` names). Every later time that store is mapped, for as long as the source's size
    and time of modification are what they were. Two processes that share a cache share one store.

    Read are text files of GloVe, word2vec and fastText (``word SP float SP ... LF``, with or without the first line
    ``V D``), plain, as ``.gz`` or within a ``.zip``, and the catalogue's vectors.

    Args:
        source: A path, or a catalogue name such as ``glove-6b-50d``.
        member: For a zip with several files: the one to read, by its name or by a pattern such as ``*300d*``.
        dim: The number of dimensions (D), where it must be a certain one. In a zip it also chooses the member by its
            name; in a file whose words may end in a number after a space (``call 911``) it says where words end.

    Returns:
        The vectors, mapped.

    Raises:
        InputError: The arguments contradict each other, or the package of a catalogue name is not installed.
        VectorFileError: The source is missing, damaged, not determined or not a file of vectors.
        DiskError: The store cannot be written.
    """
    found = find_source(source, member=member, dim=dim)
    folder = cache_folder() / _store_key(found)
    store = map_store(folder)
    if store is None:
        from meltpoint.vectors.building import build_store  # noqa: PLC0415 - later opens need no reader of formats

        build_store(found, folder)
        store = map_store(folder)
    if store is None:
        raise DiskError(
            f"expected a store of vectors in {folder}, which was just written, found it gone or damaged; is another "
            f"program clearing that folder? Set {CACHE_VARIABLE} to one that nothing else touches."
        )
    return _present(found, store)


def _store_key(source: Source) -> str:
    identity = json.dumps([STORE_VERSION, *source.identity], ensure_ascii=True)
    return hashlib.blake2b(identity.encode("ascii"), digest_size=_KEY_BYTES).hexdigest()


def _present(source: Source, store: MappedStore) -> Vectors:
    meta = store.meta
    entry = source.entry if isinstance(source, PackageSource) else None
    return Vectors(
        name=source.name,
        source=source.given,
        words=Words(store.index),
        matrix=store.matrix,
        lowercase=meta.lowercase,
        tokenizer=entry.tokenizer if entry else "treebank-lower" if meta.lowercase else "treebank",
        licence=entry.licence if entry else None,
        digest=meta.digest,
        report=OpenReport(
            source=source.given,
            file_format=meta.file_format,
            rows_read=meta.rows_read,
            rows_kept=meta.rows,
            duplicates=meta.rows_read - meta.rows,
            dim=meta.dim,
            lowercase=meta.lowercase,
            store=store.folder,
        ),
    )
