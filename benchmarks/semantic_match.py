"""Compares how texts and vectors mean their words, with random vectors beside as the zero of the scale.

python benchmarks/semantic_match.py ../shared/data
"""

import argparse
from pathlib import Path

import numpy as np

from meltpoint.randomness import generator
from meltpoint.text import pack_texts, read_corpus, tokenizer_for
from meltpoint.text.matching import SemanticMatch, measure_rank_divergence, measure_semantic_match
from meltpoint.vectors import open_vectors

DATA = {
    "financial_phrasebank/all.csv": {},
    "mr/all.csv": {},
    "trec": {},
    "policyqa_sentences/dev.csv": {"text": "answer", "label": "label"},
}
HEADINGS = ("data", "rows", "vectors", "random vectors", "halves of the texts", "frequencies", "divergence")


def spoken(match: SemanticMatch | None) -> str:
    return "-" if match is None else f"{match.agreement:.2f} ({match.low:.2f} to {match.high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", default="glove-6b-50d")
    chosen = parser.parse_args()
    vectors = open_vectors(chosen.vectors)
    for cells in (HEADINGS, ("---",) * len(HEADINGS)):
        print(f"| {' | '.join(cells)} |")
    for place, columns in DATA.items():
        corpus = read_corpus(chosen.data / place, empty="drop", **columns)
        packed, rows = pack_texts(corpus.texts, tokenizer_for(vectors)), np.flatnonzero(~corpus.is_test)
        pretrained, found = vectors.gather(packed.lexicon)
        random = generator(0, "random vectors").standard_normal(pretrained.shape).astype(np.float32)
        theirs, zero = (measure_semantic_match(packed, rows, one, found, seed=0) for one in (pretrained, random))
        ranks = measure_rank_divergence(packed.lexicon, packed.counts(rows), vectors.rows(packed.lexicon))
        cells = (
            *(place, f"{len(rows):,}", spoken(theirs), spoken(zero), f"{theirs.halves:.2f}" if theirs else "-"),
            *((f"{ranks.spearman:.2f}", f"{ranks.jensen_shannon:.2f}") if ranks else ("-", "-")),
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
