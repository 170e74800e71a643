"""Static models of Model2Vec, sentence-transformers and wordllama: a row for each token of their own tokenizer.

    model.safetensors   the tensor ``embeddings`` (Model2Vec) or ``embedding.weight`` (the others): (V, D)
    tokenizer.json      the tokens and their ids, as the tokenizers library writes them

Where Model2Vec has merged rows, ``mapping`` (V,) says which row is whose, and ``weights`` (V,) what it is multiplied
by (``StaticModel._encode_helper`` of MinishLab/model2vec). The tokenizer goes with the vectors into the store: only the
tokens that it cuts have vectors.
"""

import json
from collections.abc import Callable, Generator, Mapping

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.base import Attachment, Chunk
from meltpoint.vectors.formats.rows import make_chunk, require_dim, rows_per_chunk
from meltpoint.vectors.formats.safetensors import find_matrix
from meltpoint.vectors.formats.tensors import FLOATING, Tensor, map_tensors
from meltpoint.vectors.sources.layouts import STATIC_MODEL
from meltpoint.vectors.sources.source import TOKENIZER_FILE, FolderSource, Source

_MATRICES = ("embeddings", "embedding.weight")
_ROW_NUMBERS = ("I64", "I32", "I16", "U8", "I8")


class StaticModelVectors:
    """A table of token vectors and the tokenizer that cuts texts into such tokens."""

    name = "static model"

    def matches(self, source: Source) -> bool:
        """Tells whether these are tensors and a tokenizer."""
        return isinstance(source, FolderSource) and source.layout == STATIC_MODEL

    def read(self, source: Source) -> Generator[Attachment | Chunk, None, None]:
        """Hands over the tokenizer, then the rows in the order of the token ids.

        Raises:
            VectorFileError: The files are damaged, hold another kind of model, or do not belong together.
        """
        assert isinstance(source, FolderSource)
        content, tokens = _read_tokenizer(source)
        place = source.place_of("tensors")
        tensors = map_tensors(source.files["tensors"], place)
        # Model2Vec keeps vectors as int8 too, and averages them as they are.
        matrix = find_matrix(tensors, place, names=_MATRICES, dtypes=(*FLOATING, "I8"))
        require_dim(source, matrix.shape[1])
        rows_of = _mapping(tensors, len(tokens), matrix.shape[0], place)
        weights = _weights(tensors, len(tokens), place)
        yield Attachment(name=TOKENIZER_FILE, content=content)
        step = rows_per_chunk(matrix.shape[1])
        for start in range(0, len(tokens), step):
            which = slice(start, min(start + step, len(tokens)))
            rows = matrix.rows(which if rows_of is None else rows_of[which])
            if weights is not None:
                with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is found as a bad row
                    rows = rows * weights[which, np.newaxis]
            yield make_chunk(tokens[which], rows, source, _token_ids_from(start))
        if source.has_changed():
            raise VectorFileError(f"{source.place}: the files changed while they were being read; open them again.")


def _token_ids_from(start: int) -> Callable[[int], str]:
    return lambda row: f"token id {start + row:,}"


def _read_tokenizer(source: FolderSource) -> tuple[bytes, list[bytes]]:
    """Returns the bytes of ``tokenizer.json`` and its tokens by id."""
    place = source.place_of("tokenizer")
    try:
        content = source.files["tokenizer"].read_bytes()
        ids = _token_ids(json.loads(content))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VectorFileError(
            f"{place}: expected a tokenizer with a vocabulary, as the tokenizers library writes it, found one that "
            f"cannot be read ({type(error).__name__}: {error}); get it again."
        ) from error
    tokens = sorted(ids, key=ids.__getitem__)
    if sorted(ids.values()) != list(range(len(ids))):
        raise VectorFileError(
            f"{place}: expected the ids 0 to {len(ids) - 1:,} for {len(ids):,} tokens, each once, found others; the "
            "file is damaged or was changed by hand: get it again."
        )
    # A token may be half of a character pair; it then is no UTF-8, and the row is a bad one.
    return content, [token.encode("utf-8", "surrogatepass") for token in tokens]


def _token_ids(tokenizer: dict[str, object]) -> Mapping[str, int]:
    """Returns the id of each token, the added ones among them."""
    model = tokenizer["model"]
    if not isinstance(model, dict):
        raise TypeError("its model is no object")
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: pairs of a token and its log probability, in the order of the ids
        vocabulary = {token: position for position, (token, _) in enumerate(vocabulary)}
    added = tokenizer.get("added_tokens") or []
    ids = dict(vocabulary) | {token["content"]: token["id"] for token in added}  # type: ignore[attr-defined]
    if not ids or not all(isinstance(token, str) and type(number) is int for token, number in ids.items()):
        raise TypeError("its vocabulary does not give numbers to texts")
    return ids


def _mapping(tensors: Mapping[str, Tensor], num_tokens: int, num_rows: int, place: str) -> NDArray[np.int64] | None:
    """Returns the row of each token, shape (V,), or None where they are the same."""
    tensor = tensors.get("mapping")
    if tensor is None:
        if num_tokens != num_rows:
            raise VectorFileError(
                f"{place}: expected {num_tokens:,} rows, one for each token of the tokenizer, found {num_rows:,}; "
                "these two files do not belong together."
            )
        return None
    rows = np.asarray(tensor.data, dtype=np.int64) if tensor.dtype in _ROW_NUMBERS else None
    if rows is None or rows.shape != (num_tokens,) or rows.min() < 0 or rows.max() >= num_rows:
        raise VectorFileError(
            f"{place}: expected the tensor mapping to hold one of {num_rows:,} rows for each of {num_tokens:,} tokens, "
            f"found {tensor.dtype} of shape {tensor.shape}, or rows that are not there; get the file again."
        )
    return rows


def _weights(tensors: Mapping[str, Tensor], num_tokens: int, place: str) -> NDArray[np.float32] | None:
    """Returns what the row of each token is multiplied by, shape (V,), or None."""
    tensor = tensors.get("weights")
    if tensor is None:
        return None
    if tensor.dtype not in FLOATING or tensor.shape != (num_tokens,):
        raise VectorFileError(
            f"{place}: expected the tensor weights to hold a number for each of {num_tokens:,} tokens, found "
            f"{tensor.dtype} of shape {tensor.shape}; get the file again."
        )
    return tensor.rows(slice(None))
