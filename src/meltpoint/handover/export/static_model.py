"""A static model as Model2Vec and sentence-transformers load it: a vector per word, a text is the mean of its words.

tokenizer.json      cuts a text as meltpoint did, and numbers the words
model.safetensors   the tensor ``embeddings`` (V, D), a row per number
config.json         for Model2Vec
modules.json        for sentence-transformers
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.handover.export.base import Handed
from meltpoint.text import OWN_TOKENIZER, UNKNOWN, OwnTokenizer

WEIGHTS, CONFIG, MODULES = "model.safetensors", "config.json", "modules.json"


class StaticModel:
    """A folder that ``model2vec.StaticModel.from_pretrained`` and ``SentenceTransformer`` load."""

    name = "static-model"
    summary = "a folder for Model2Vec and sentence-transformers: texts as means of the trained vectors"
    suffixes = ()
    requires: Mapping[str, str] = MappingProxyType({})

    def write(self, handed: Handed, place: Path) -> None:
        """Writes the four files.

        Raises:
            InputError: The tokenizer of the model has no equal in the ``tokenizers`` library.
        """
        from safetensors.numpy import save_file  # noqa: PLC0415 - where it is needed

        tokenizer = handed.trained.vocabulary.tokenizer
        if isinstance(tokenizer, OwnTokenizer):
            content, rows = tokenizer.content.decode("utf-8"), _rows_by_token(handed, tokenizer)
        else:
            content, rows = _word_level(handed), handed.rows
        (place / OWN_TOKENIZER).write_text(content, encoding="utf-8")
        save_file({"embeddings": rows}, place / WEIGHTS, metadata={"format": "pt"})
        config = {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "tokenizer_name": tokenizer.name,
            "hidden_dim": rows.shape[1],
            "embedding_dtype": "float32",
            "seq_length": handed.trained.config.max_tokens,
            "max_length": handed.trained.config.max_tokens,
            "normalize": False,
        }
        (place / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        modules = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]
        (place / MODULES).write_text(json.dumps(modules, indent=2) + "\n", encoding="utf-8")

    def loading(self, place: str) -> str:
        """Returns the lines that load the folder."""
        return (
            "from model2vec import StaticModel  # or: from sentence_transformers import SentenceTransformer\n\n"
            f'model = StaticModel.from_pretrained("{place}")  # or: SentenceTransformer("{place}")\n'
            'features = model.encode(["a text", "another"])'
        )


def _word_level(handed: Handed) -> str:
    """Returns a tokenizer.json that cuts as the model's tokenizer does and knows the words by number."""
    import tokenizers  # noqa: PLC0415

    tokenizer = handed.trained.vocabulary.tokenizer
    if tokenizer.rules is None:
        raise InputError(
            f"The tokenizer {tokenizer.name!r} of this model cannot be written as a tokenizer.json: its rules are more "
            "than the tokenizers library expresses. Export the vectors instead (--to safetensors, glove, gensim), and "
            "cut texts with meltpoint.text.tokenizer_named."
        )
    numbers = {word: number for number, word in enumerate(handed.words)}
    pieces = tokenizers.Tokenizer(tokenizers.models.WordLevel(numbers, unk_token=UNKNOWN))
    normalizer, pre_tokenizer = tokenizer.rules()
    if normalizer is not None:
        pieces.normalizer = normalizer
    pieces.pre_tokenizer = pre_tokenizer
    return pieces.to_str()


def _rows_by_token(handed: Handed, tokenizer: OwnTokenizer) -> NDArray[np.float32]:
    """Returns a row for each token of the model's own tokenizer; zero for one that was not handed over."""
    import tokenizers  # noqa: PLC0415

    ids = tokenizers.Tokenizer.from_str(tokenizer.content.decode("utf-8")).get_vocab()
    row_of = {word: row for row, word in enumerate(handed.words)}
    rows = np.zeros((max(ids.values()) + 1, handed.rows.shape[1]), dtype=np.float32)
    for token, number in ids.items():
        if token in row_of:
            rows[number] = handed.rows[row_of[token]]
    return rows
