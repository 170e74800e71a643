"""Every set of the catalogue, by family."""

from meltpoint.vectors.catalogue.entry import CatalogueEntry
from meltpoint.vectors.catalogue.glove import GLOVE
from meltpoint.vectors.catalogue.spacy import SPACY
from meltpoint.vectors.catalogue.static_models import STATIC_MODELS
from meltpoint.vectors.catalogue.word2vec import WORD2VEC

CATALOGUE: tuple[CatalogueEntry, ...] = (*GLOVE, *WORD2VEC, *STATIC_MODELS, *SPACY)
"""Every set, in the order in which it is listed."""

ENTRIES = {entry.name: entry for entry in CATALOGUE}
"""Every set under its name."""
