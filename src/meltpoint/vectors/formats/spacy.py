"""The vectors of a spaCy pipeline, as ``nlp.to_disk`` writes them into the folder ``vocab``; needs no spaCy.

    vectors        .npy, (R, D)
    key2row        MessagePack: the number of a string -> its row
    strings.json   the strings
    vectors.cfg    JSON: {"mode": "default"}

(``Vectors.to_disk`` of explosion/spaCy; the numbers of strings: ``spacy_strings``.) Many words may share a row: the
pruned md models have 684,830 words over 20,000 rows. Here every word gets a row of its own, so that the store is a
matrix like any other; en_core_web_md, 24 MB, becomes 822 MB of store, of which only the pages in use are in memory.

Rows come in their order, which is not that of frequency, and words that share a row in the order of their spelling.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import MOST_PLACES, Chunk
from meltpoint.vectors.formats.npy import map_matrix
from meltpoint.vectors.formats.rows import as_rows, make_chunk, require_dim, rows_per_chunk
from meltpoint.vectors.formats.spacy_strings import SYMBOLS, number_of
from meltpoint.vectors.sources.layouts import SPACY
from meltpoint.vectors.sources.source import FolderSource, Source

_LARGEST_KEY = (1 << 64) - 1


class SpacyVectors:
    """A table of vectors that words are pointed to by their hashes."""

    name = "spaCy vectors"

    def matches(self, source: Source) -> bool:
        """Tells whether these are the files of a spaCy vocabulary."""
        return isinstance(source, FolderSource) and source.layout == SPACY

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Reads one row for each word; numbers that no string has are skipped and counted.

        Raises:
            VectorFileError: The vectors are floret's, or the files are damaged or do not belong together.
        """
        assert isinstance(source, FolderSource)
        _refuse_floret(source)
        matrix = map_matrix(source.files["matrix"], source.place_of("matrix"))
        require_dim(source, matrix.shape[1])
        row_of = _read_keys(source, matrix.shape[0])
        words, rows, nameless = _match(_read_strings(source), row_of)
        if not words:
            raise VectorFileError(
                f"{source.place}: expected strings for the {len(row_of):,} keys of key2row, found none that has one of "
                "these hashes; the files do not belong together."
            )
        step = rows_per_chunk(matrix.shape[1])
        for start in range(0, len(words), step):
            numbers = rows[start : start + step]
            chunk = make_chunk(
                words[start : start + step],
                as_rows(matrix[numbers]),
                source,
                _naming(numbers),
            )
            if not start:
                chunk = replace(
                    chunk,
                    skipped=chunk.skipped + len(nameless),
                    skipped_places=(*(f"key {key}" for key in nameless), *chunk.skipped_places)[:MOST_PLACES],
                )
            yield chunk
        if source.has_changed():
            raise VectorFileError(f"{source.place}: the files changed while they were being read; open them again.")


def _naming(numbers: NDArray[np.int64]) -> Callable[[int], str]:
    return lambda index: f"row {numbers[index] + 1:,}"


def _refuse_floret(source: FolderSource) -> None:
    path = source.files["matrix"].with_name("vectors.cfg")
    settings = _read_json(path, str(path)) if path.is_file() else {}
    mode = settings.get("mode", "default") if isinstance(settings, dict) else None
    if mode != "default":
        raise VectorFileError(
            f"{source.place}: expected spaCy vectors of the mode default, found {mode!r}. Floret's vectors have no "
            "words, only hashed n-grams; write those of the words you need as text: for each of them its name and "
            "nlp.vocab[word].vector."
        )


def _read_keys(source: FolderSource, num_rows: int) -> dict[int, int]:
    """Returns the row of each number of a string."""
    import msgpack  # noqa: PLC0415 - no other format needs it

    place = source.place_of("keys")
    try:
        row_of = msgpack.unpackb(source.files["keys"].read_bytes(), strict_map_key=False)
    except (OSError, ValueError, TypeError, RecursionError) as error:  # TypeError: a key that cannot be hashed
        raise VectorFileError(
            f"{place}: expected a MessagePack map, found one that cannot be read: {error!r}"
        ) from error
    if (
        not isinstance(row_of, dict)
        or not row_of
        or not all(type(key) is int and 0 <= key <= _LARGEST_KEY for key in row_of)
        or not all(type(row) is int and 0 <= row < num_rows for row in row_of.values())
    ):
        raise VectorFileError(
            f"{place}: expected a map from hashes to the rows 0 to {num_rows - 1:,} of the matrix, found another; the "
            "two files do not belong together, or one is damaged."
        )
    return row_of


def _read_strings(source: FolderSource) -> list[str]:
    place = source.place_of("strings")
    strings = _read_json(source.files["strings"], place)
    if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
        raise VectorFileError(f"{place}: expected a list of strings, found something else; get the model again.")
    return strings


def _match(strings: list[str], row_of: dict[int, int]) -> tuple[list[bytes], NDArray[np.int64], list[int]]:
    """Returns the words that have a row, the row of each, shape (V,), and the numbers that are no string's."""
    words = sorted({string.encode("utf-8", "surrogatepass") for string in (*strings, *SYMBOLS)})
    keys = list(map(number_of, words))
    rows = np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] >= 0]
    nameless = sorted(row_of.keys() - set(keys))
    return [words[position] for position in order.tolist()], rows[order], nameless


def _read_json(path: Path, place: str) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise VectorFileError(f"{place}: expected JSON, found a file that cannot be read: {error}") from error
