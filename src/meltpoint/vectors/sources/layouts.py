"""Vectors that lie in several files: which files belong together, known by their names and their first bytes.

A matrix without words is of no use, so a ``.npy`` or ``.safetensors`` file brings the list beside it, and a folder is
recognised by the files that a program has left in it. Here are names only; what stands in the files is judged by the
formats that read them.
"""

import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from meltpoint.errors import VectorFileError
from meltpoint.vectors.sources.magics import NPY_MAGIC
from meltpoint.vectors.sources.source import TOKENIZER_FILE

NPY = "npy"
SAFETENSORS = "safetensors"
STATIC_MODEL = "static model"
SPACY = "spaCy"

_MOST_SUBFOLDERS = 1_000
_MOST_LISTED = 8
_VECTOR_SUFFIXES = (".txt", ".vec", ".bin", ".gz", ".zip", ".npy", ".safetensors", ".zst", ".xz", ".bz2")


class Layout(NamedTuple):
    """Files that belong together.

    Attributes:
        name: What reads them: :data:`NPY`, :data:`SAFETENSORS`, :data:`STATIC_MODEL` or :data:`SPACY`.
        files: The path of each, by its part in the whole; in :data:`FOLDER_LAYOUTS` a pattern within the folder.
    """

    name: str
    files: Mapping[str, Path]


FOLDER_LAYOUTS = tuple(
    Layout(name=name, files={part: Path(pattern) for part, pattern in files.items()})
    for name, files in (
        # What spacy.Language.to_disk writes, and its vocab folder by itself.
        (SPACY, {"matrix": "vocab/vectors", "keys": "vocab/key2row", "strings": "vocab/strings.json"}),
        (SPACY, {"matrix": "vectors", "keys": "key2row", "strings": "strings.json"}),
        # sentence-transformers' StaticEmbedding in a folder of its own; the same at the top, and Model2Vec; wordllama.
        (
            STATIC_MODEL,
            {"tensors": "0_StaticEmbedding/model.safetensors", "tokenizer": "0_StaticEmbedding/tokenizer.json"},
        ),
        (STATIC_MODEL, {"tensors": "model.safetensors", "tokenizer": TOKENIZER_FILE}),
        (STATIC_MODEL, {"tensors": "weights/*.safetensors", "tokenizer": "tokenizers/*_tokenizer_config.json"}),
    )
)


def find_folder_layout(folder: Path, given: str) -> Layout:
    """Finds the vectors in a folder, or in one folder right below it, as in an installed spaCy package.

    Raises:
        VectorFileError: There are none, or several.
    """
    fitting = [layout for layout in (_fit(layout, folder) for layout in FOLDER_LAYOUTS) if layout]
    if not fitting:
        below = [layout for child in _subfolders(folder) for layout in [find_in(child)] if layout]
        if len(below) > 1:
            places = ", ".join(str(next(iter(layout.files.values())).parent) for layout in below[:_MOST_LISTED])
            raise VectorFileError(f"{given}: expected the vectors of one model, found several: {places}; name one.")
        fitting = below
    if not fitting:
        raise VectorFileError(_no_layout_text(folder, given))
    return fitting[0]


def find_in(folder: Path) -> Layout | None:
    """Returns the first layout whose files are all in the folder, or None."""
    return next((layout for layout in (_fit(layout, folder) for layout in FOLDER_LAYOUTS) if layout), None)


def find_file_layout(path: Path, start: bytes, given: str) -> Layout:
    """Returns the layout of a file that needs another beside it.

    Args:
        path: The file, of NumPy or safetensors.
        start: Its first bytes.
        given: How the caller called it.

    Raises:
        VectorFileError: A ``.npy`` file without a list of words beside it.
    """
    if start.startswith(NPY_MAGIC):
        words = _words_beside(path)
        if words is None:
            names = ", ".join(candidate.name for candidate in _words_names(path))
            raise VectorFileError(
                f"{given}: expected the words of this matrix in a file beside it ({names}), one word a line and a line "
                "for each row, found none; write them there."
            )
        return Layout(name=NPY, files={"matrix": path, "words": words})
    if (tokenizer := _tokenizer_beside(path)) is not None:
        return Layout(name=STATIC_MODEL, files={"tensors": path, "tokenizer": tokenizer})
    if (words := _words_beside(path)) is not None:
        return Layout(name=SAFETENSORS, files={"tensors": path, "words": words})
    return Layout(name=SAFETENSORS, files={"tensors": path})


def _fit(layout: Layout, folder: Path) -> Layout | None:
    files = {}
    for part, pattern in layout.files.items():
        found = list(islice(folder.glob(str(pattern)), 2)) if "*" in pattern.name else [folder / pattern]
        if len(found) != 1 or not found[0].is_file():
            return None
        files[part] = found[0]
    return Layout(name=layout.name, files=files)


def _subfolders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        paths = sorted(Path(entry.path) for entry in islice(entries, _MOST_SUBFOLDERS))
    return [path for path in paths if path.is_dir()]  # unlike the entry's own is_dir, this takes cyclic links


def _words_names(path: Path) -> list[Path]:
    return [*(path.with_suffix(suffix) for suffix in (".words.txt", ".vocab", ".txt")), path.with_name("words.txt")]


def _words_beside(path: Path) -> Path | None:
    return next((candidate for candidate in _words_names(path) if candidate.is_file()), None)


def _tokenizer_beside(path: Path) -> Path | None:
    # wordllama keeps weights/NAME_DIM.safetensors and tokenizers/NAME_tokenizer_config.json.
    shared = f"{path.stem.rpartition('_')[0]}_tokenizer_config.json"
    candidates = (path.with_name(TOKENIZER_FILE), path.parent.parent / "tokenizers" / shared)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _no_layout_text(folder: Path, given: str) -> str:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in islice(entries, _MOST_SUBFOLDERS))
    if {"vectors", "key2row"} <= set(names):
        hint = "The words of spaCy's vectors are missing: copy strings.json from the vocab folder of the model."
    elif "pytorch_model.bin" in names:
        hint = "It holds pickled weights, which are never read here: save the model as safetensors."
    elif files := [name for name in names if name.lower().endswith(_VECTOR_SUFFIXES)]:
        hint = f"Name a file in it: {', '.join(files[:_MOST_LISTED])}{', ...' if len(files) > _MOST_LISTED else ''}."
    else:
        hint = "Name a file of vectors instead."
    return (
        f"{given}: expected a folder with a spaCy model (vocab/vectors, vocab/key2row, vocab/strings.json) or a static "
        f"model of Model2Vec or sentence-transformers (model.safetensors, tokenizer.json), found neither. {hint}"
    )
