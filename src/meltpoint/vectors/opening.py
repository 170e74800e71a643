"""Opens vectors: finds the source, builds its store on the first time, maps it."""

import os
from collections.abc import Iterable

from blake3 import blake3

from meltpoint.errors import DiskError, VectorFileError
from meltpoint.vectors.cache import CACHE_VARIABLE, cache_folder
from meltpoint.vectors.opened import Vectors
from meltpoint.vectors.sources.finding import find_source
from meltpoint.vectors.sources.source import TOKENIZER_FILE, BadRows, FolderSource, Source
from meltpoint.vectors.store.manifest import STORE_VERSION
from meltpoint.vectors.store.mapped import MappedStore, map_store
from meltpoint.vectors.words import encode_words

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
    folder = os.path.join(cache_folder(), _store_name(found))
    store = map_store(folder)
    if words is not None:
        return _present(found, _select(found, store, encode_words(words)))
    if store is None:
        from pathlib import Path  # noqa: PLC0415 - see below

        from meltpoint.vectors.building.build import build_store  # noqa: PLC0415 - later opens need no reader of formats

        build_store(found, Path(folder))
        store = map_store(folder)
    if store is None:
        raise DiskError(
            f"expected a store of vectors in {folder}, which was just written, found it gone or damaged; is another "
            f"program clearing that folder? Set {CACHE_VARIABLE} to one that nothing else touches."
        )
    return _present(found, store)


def _select(source: Source, store: MappedStore | None, words: list[bytes]) -> MappedStore:
    if store is not None:
        from meltpoint.vectors.building.selected_from_store import select_rows  # noqa: PLC0415 - see above

        return select_rows(store, words)
    from meltpoint.vectors.building.selected_from_source import read_selected  # noqa: PLC0415 - see above

    selected = read_selected(source, words)
    if isinstance(source, FolderSource) and "tokenizer" in source.files:
        return selected._replace(attachments={TOKENIZER_FILE: str(source.files["tokenizer"])})
    return selected


def _store_name(source: Source) -> str:
    """Returns the name of the source's store: where the source is, and what it is there at present.

    Stores of one place share the part before the hyphen, so that those of files that are no more can be found.
    """
    return f"{_digest(source.location)}-{_digest((STORE_VERSION, *source.identity))}"


def _digest(values: tuple[str | int | None, ...]) -> str:
    # BLAKE3, as of the content: hashlib loads OpenSSL, which takes longer than mapping the store.
    return blake3(ascii(values).encode("ascii")).hexdigest(length=_KEY_BYTES)


def _present(source: Source, store: MappedStore) -> Vectors:
    if source.dim not in {None, store.matrix.shape[1]}:
        raise VectorFileError(
            f"{source.place}: expected {source.dim} dimensions as asked for by dim, found {store.matrix.shape[1]}."
        )
    return Vectors(store, source)
