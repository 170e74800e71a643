"""Opens vectors: finds the source, builds its store on the first time, maps it."""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from blake3 import blake3

from meltpoint.errors import DiskError, VectorFileError
from meltpoint.vectors.layouts import TOKENIZER_FILE
from meltpoint.vectors.open_report import OpenReport
from meltpoint.vectors.opened import Vectors
from meltpoint.vectors.sources import BadRows, FolderSource, Source, find_source
from meltpoint.vectors.store import CACHE_VARIABLE, STORE_VERSION, MappedStore, cache_folder, map_store
from meltpoint.vectors.words import Words, encode_words

if TYPE_CHECKING:
    from meltpoint.vectors.subwords import Subwords

_KEY_BYTES = 12


def open_vectors(
    source: str | os.PathLike[str],
    *,
    member: str | None = None,
    dim: int | None = None,
    words: Iterable[str] | None = None,
    bad_rows: BadRows = "error",
) -> Vectors:
    """Opens pretrained word vectors: slow once, then in milliseconds.

    The first time, the source is read and a store of its words and its matrix is written to the user's cache (or below
    the folder that ``MELTPOINT_CACHE`` names). Every later time that store is mapped, for as long as the source's size
    and time of modification are what they were. Two processes that share a cache share one store.

    Read are

    * text of GloVe, word2vec and fastText (``word SP float SP ... LF``, with or without the first line ``V D``),
      word2vec's binary format and fastText's ``.bin``: plain, as ``.gz``, ``.bz2``, ``.xz``, ``.zst`` or in a ``.zip``;
    * a ``.npy`` matrix with a list of words beside it, and safetensors;
    * folders and installed packages with spaCy's vectors, or with a static model of Model2Vec, sentence-transformers
      or wordllama;
    * the catalogue's sets by their names.

    Which of them a file is, its content says. A file that was pickled is refused: reading it would run its code.

    Args:
        source: A path, a catalogue name such as ``glove-6b-50d``, or the name of an installed package.
        member: For a zip with several files: the one to read, by its name or by a pattern such as ``*300d*``.
        dim: The number of dimensions (D), where it must be a certain one. In a zip it also chooses the member by its
            name; in a file whose words may end in a number after a space (``call 911``) it says where words end.
        words: The only words that are wanted. The source is then read once, the rows of those it has are kept in
            memory, in the source's order, and no store is written; one that is there already is used. Nothing is kept
            from which other words could be composed.
        bad_rows: ``error`` to refuse a source with a row that holds nan or infinity or has the wrong length, naming
            its place; ``skip`` to leave such rows out and count them in the report.

    Returns:
        The vectors, mapped.

    Raises:
        InputError: The arguments contradict each other, or the vectors of a catalogue name are not on this machine.
        VectorFileError: The source is missing, damaged, not determined or not a file of vectors.
        DiskError: The store cannot be written.
    """
    found = find_source(source, member=member, dim=dim, bad_rows=bad_rows)
    folder = cache_folder() / _store_name(found)
    store = map_store(folder)
    if words is not None:
        return _present(found, _select(found, store, encode_words(words)))
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


def _select(source: Source, store: MappedStore | None, words: list[bytes]) -> MappedStore:
    if store is not None:
        from meltpoint.vectors.selecting import select_rows  # noqa: PLC0415 - see above

        return select_rows(store, words)
    from meltpoint.vectors.selected import read_selected  # noqa: PLC0415 - see above

    selected = read_selected(source, words)
    if isinstance(source, FolderSource) and "tokenizer" in source.files:
        return replace(selected, attachments={TOKENIZER_FILE: source.files["tokenizer"]})
    return selected


def _store_name(source: Source) -> str:
    """Returns the name of the source's store: where the source is, and what it is there at present.

    Stores of one place share the part before the hyphen, so that those of files that are no more can be found.
    """
    return f"{_digest(source.location)}-{_digest((STORE_VERSION, *source.identity))}"


def _digest(values: tuple[str | int | None, ...]) -> str:
    # BLAKE3, as of the content: hashlib loads OpenSSL, which takes longer than mapping the store.
    return blake3(json.dumps(values).encode("ascii")).hexdigest(length=_KEY_BYTES)


def _present(source: Source, store: MappedStore) -> Vectors:
    meta = store.meta
    if source.dim not in {None, meta.dim}:
        raise VectorFileError(
            f"{source.place}: expected {source.dim} dimensions as asked for by dim, found {meta.dim}."
        )
    entry = source.entry
    return Vectors(
        name=source.name,
        source=source.given,
        words=Words(store.index),
        matrix=store.matrix,
        subwords=_wrap_subwords(store),
        attachments=store.attachments,
        lowercase=meta.lowercase,
        tokenizer=_tokenizer_name(source, store),
        licence=entry.licence if entry else None,
        digest=meta.digest,
        report=OpenReport(
            source=source.given,
            member=source.member,
            file_format=meta.file_format,
            rows_read=meta.rows_read,
            rows_kept=meta.rows,
            duplicates=meta.duplicates,
            skipped=meta.skipped,
            skipped_places=tuple(meta.skipped_places),
            num_buckets=meta.subwords.num_buckets if meta.subwords else 0,
            dim=meta.dim,
            lowercase=meta.lowercase,
            store=store.folder,
        ),
    )


def _wrap_subwords(store: MappedStore) -> "Subwords | None":
    meta = store.meta.subwords
    if meta is None or store.subwords is None:
        return None
    from meltpoint.vectors.subwords import Subwords  # noqa: PLC0415 - few sources have them

    return Subwords(matrix=store.subwords, min_n=meta.min_n, max_n=meta.max_n)


def _tokenizer_name(source: Source, store: MappedStore) -> str:
    if TOKENIZER_FILE in store.attachments:
        return TOKENIZER_FILE
    if source.entry is not None:
        return source.entry.tokenizer
    return "treebank-lower" if store.meta.lowercase else "treebank"
