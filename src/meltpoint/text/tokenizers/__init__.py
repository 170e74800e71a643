"""Tokenizers that fit the vectors: a word is only as good as the row it finds.

GloVe was trained on text cut by Penn Treebank conventions (``treebank``, ``treebank-lower``), its Twitter set on marked
tweets (``twitter``); models of word pieces bring a ``tokenizer.json`` of their own. Text cut in another way misses rows
that are there: a wrong tokenizer looks like a poor vocabulary.
"""

from meltpoint.text.tokenizers.own import OWN_TOKENIZER, OwnTokenizer
from meltpoint.text.tokenizers.registry import NamesItsTokenizer, tokenizer_for, tokenizer_named, tokenizer_names
from meltpoint.text.tokenizers.tokenizer import Tokenizer

__all__ = [
    "OWN_TOKENIZER",
    "NamesItsTokenizer",
    "OwnTokenizer",
    "Tokenizer",
    "tokenizer_for",
    "tokenizer_named",
    "tokenizer_names",
]
