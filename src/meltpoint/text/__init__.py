"""Labelled text: corpus, tokenizer, vocabulary, packed tokens, coverage, splits. Needs no torch."""

from meltpoint.text.building import corpus_from_lists
from meltpoint.text.bulk import BulkTexts, NumberedTexts
from meltpoint.text.corpus import Corpus, require_splittable
from meltpoint.text.coverage import Coverage, UnknownWord, measure_coverage, warn_text
from meltpoint.text.mismatch import warn_mismatch
from meltpoint.text.packing import PackedTexts, pack_texts, stretches
from meltpoint.text.reading import read_corpus, read_rows
from meltpoint.text.splits import Fold, Subset, draw_subset, folds
from meltpoint.text.tables import is_table
from meltpoint.text.targets import CLASSES, LABEL_SETS, NO_LABEL, RELEVANCE, TAGS, TargetReader, Targets
from meltpoint.text.tokenizers import (
    OWN_TOKENIZER,
    OwnTokenizer,
    Tokenizer,
    tokenizer_for,
    tokenizer_named,
    tokenizer_names,
)
from meltpoint.text.vocabulary import PADDING, UNKNOWN, Vocabulary

__all__ = [
    "CLASSES",
    "LABEL_SETS",
    "NO_LABEL",
    "OWN_TOKENIZER",
    "PADDING",
    "RELEVANCE",
    "TAGS",
    "UNKNOWN",
    "BulkTexts",
    "Corpus",
    "Coverage",
    "Fold",
    "NumberedTexts",
    "OwnTokenizer",
    "PackedTexts",
    "Subset",
    "TargetReader",
    "Targets",
    "Tokenizer",
    "UnknownWord",
    "Vocabulary",
    "corpus_from_lists",
    "draw_subset",
    "folds",
    "is_table",
    "measure_coverage",
    "pack_texts",
    "read_corpus",
    "read_rows",
    "require_splittable",
    "stretches",
    "tokenizer_for",
    "tokenizer_named",
    "tokenizer_names",
    "warn_mismatch",
    "warn_text",
]
