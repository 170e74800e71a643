"""A matrix in safetensors, with its words.

``vectors.save("NAME.safetensors")`` writes all in one file, and such files say ``meltpoint/vectors/1`` in their
metadata::

    embedding   (V, D)   any floating type
    words       (n,)     uint8, the UTF-8 of all words, end to end
    offsets     (V + 1,) int64, where each word starts

A file from elsewhere holds a matrix of any name; its words stand in a list beside it, as for ``.npy``.
"""

from collections.abc import Generator, Mapping

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Chunk
from meltpoint.vectors.formats.rows import make_chunk, numbered_from, require_dim, rows_per_chunk
from meltpoint.vectors.formats.tensors import FLOATING, Tensor, map_tensors
from meltpoint.vectors.formats.word_lists import WordList, read_words
from meltpoint.vectors.sources.layouts import SAFETENSORS
from meltpoint.vectors.sources.source import FolderSource, Source

_MATRIX, _WORDS, _OFFSETS = "embedding", "words", "offsets"
_MOST_LISTED = 8


class SafetensorsVectors:
    """A safetensors file with one matrix, and words within it or beside it."""

    name = "safetensors"

    def matches(self, source: Source) -> bool:
        """Tells whether this is a safetensors file without a tokenizer."""
        return isinstance(source, FolderSource) and source.layout == SAFETENSORS

    def read(self, source: Source) -> Generator[Chunk, None, None]:
        """Reads the rows in order.

        Raises:
            VectorFileError: The file is damaged, holds no matrix or several, or has not as many words as rows.
        """
        assert isinstance(source, FolderSource)
        place = source.place_of("tensors")
        tensors = map_tensors(source.files["tensors"], place)
        matrix = find_matrix(tensors, place)
        require_dim(source, matrix.shape[1])
        if {_WORDS, _OFFSETS} <= tensors.keys():
            words = _words_within(tensors[_WORDS], tensors[_OFFSETS], matrix.shape[0], place)
        elif "words" in source.files:
            words = read_words(source, *matrix.data.shape)
        else:
            raise VectorFileError(
                f"{place}: expected the words of this matrix in the tensors words and offsets, or in a file beside it "
                f"({source.path.stem}.words.txt), one word a line and a line for each row, found neither; write them "
                "there."
            )
        step = rows_per_chunk(matrix.shape[1])
        for start in range(0, len(words), step):
            stop = min(start + step, len(words))
            rows = matrix.rows(slice(start, stop))
            yield make_chunk(words.slice(start, stop), rows, source, numbered_from(start))
        if source.has_changed():
            raise VectorFileError(f"{source.place}: the files changed while they were being read; open them again.")


def find_matrix(
    tensors: Mapping[str, Tensor],
    place: str,
    *,
    names: tuple[str, ...] = (_MATRIX,),
    dtypes: tuple[str, ...] = FLOATING,
) -> Tensor:
    """Returns the matrix of a file: the tensor of one of these names, or the only one with rows and columns.

    Raises:
        VectorFileError: There is none, or it cannot be told which it is.
    """
    matrices = {
        name: tensor
        for name, tensor in tensors.items()
        if len(tensor.shape) == 2 and tensor.dtype in dtypes and tensor.data.size
    }
    named = [matrices[name] for name in names if name in matrices] or list(matrices.values())
    if len(named) == 1:
        return named[0]
    listed = ", ".join(
        f"{name[:40]} {tensor.dtype} {tensor.shape}" for name, tensor in list(tensors.items())[:_MOST_LISTED]
    )
    more = f" and {len(tensors) - _MOST_LISTED} more" if len(tensors) > _MOST_LISTED else ""
    raise VectorFileError(
        f"{place}: expected one matrix of numbers, named {' or '.join(names)} or the only one there is, found "
        f"{listed or 'none'}{more}; is this a model of another kind, such as a transformer? Save its vectors alone."
    )


def _words_within(text: Tensor, offsets: Tensor, num_rows: int, place: str) -> WordList:
    bounds: NDArray[np.int64] = offsets.data
    if (
        (text.dtype, offsets.dtype) != ("U8", "I64")
        or len(text.shape) != 1
        or offsets.shape != (num_rows + 1,)
        or (bounds[0], bounds[-1]) != (0, len(text.data))
        or (bounds[1:] < bounds[:-1]).any()
    ):
        raise VectorFileError(
            f"{place}: expected the tensors words, uint8, and offsets, int64 of shape ({num_rows + 1},) and ascending "
            f"from 0 to the size of words, found {text.dtype} {text.shape} and {offsets.dtype} {offsets.shape}, or "
            "other numbers; the file is damaged, or another program's."
        )
    return WordList(data=text.data.tobytes(), starts=bounds[:-1], ends=bounds[1:])
