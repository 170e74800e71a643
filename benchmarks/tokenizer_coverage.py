"""How much of real texts GloVe knows, by tokenizer: python benchmarks/tokenizer_coverage.py DATA_DIR.

DATA_DIR holds a folder for each data set, with CSV files that have a column ``text``. The table gives the share of
running words (tokens) and of distinct words (types) that have a vector in glove-6b-50d.
"""

import sys
from collections import Counter
from pathlib import Path

import polars as pl
from nltk.tokenize import TreebankWordTokenizer
from rich.console import Console
from rich.table import Table

from meltpoint.text import measure_coverage, tokenizer_named
from meltpoint.vectors import open_vectors


def texts_of(folder: Path) -> list[str]:
    """All texts of the data set that the folder holds, in the order of the files' names."""
    frames = [pl.read_csv(file, infer_schema=False) for file in sorted(folder.glob("*.csv"))]
    return [text for frame in frames if "text" in frame.columns for text in frame["text"].to_list()]


def main(data: Path) -> None:
    vectors = open_vectors("glove-6b-50d")
    treebank = TreebankWordTokenizer()
    tokenizers = {
        "whitespace, lower": lambda text: text.lower().split(),
        "NLTK treebank, lower": lambda text: [token.lower() for token in treebank.tokenize(text)],
        "treebank-lower": tokenizer_named("treebank-lower"),
    }
    table = Table("data set", "texts", "tokenizer", "tokens", "by token", "by type", "most frequent unknown")
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        texts = texts_of(folder)
        for name, tokenize in tokenizers.items() if texts else ():
            counts = Counter(token for text in texts for token in tokenize(text))
            coverage = measure_coverage(vectors, list(counts), list(counts.values()), num_unknown=6)
            unknown = " ".join(f"{entry.word}({entry.count})" for entry in coverage.unknown)
            shares = (f"{coverage.tokens:,}", f"{coverage.by_token:.2%}", f"{coverage.by_type:.2%}")
            table.add_row(folder.name, f"{len(texts):,}", name, *shares, unknown)
        table.add_section()
    Console(width=160).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
