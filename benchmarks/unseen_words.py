"""Measures how words that training never saw are best read after fine-tuning: three ways, on the rows that hold them.

python benchmarks/unseen_words.py ../shared/data --out benchmarks/results/unseen_words.md

For each data set and training size a model is trained by `meltpoint train`'s own means on rows that are drawn anew in
each repeat. The same test rows are then classified three times: unseen words taken as unknown, read by their
pretrained vectors, and read by these vectors carried into the tuned space by the linear map of Kiros et al. 2015.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from meltpoint.handover import Predictor, UnseenWords
from meltpoint.randomness import generator
from meltpoint.run import StudyOptions, prepare_material, train_policy
from meltpoint.text import Corpus, corpus_from_lists, read_corpus, tokenizer_for
from meltpoint.vectors import Vectors, open_vectors
from meltpoint.verdict import Interval, SubgroupGains, compare_subgroups

DATA = {"mr": "mr/all.csv", "trec": "trec", "financial": "financial_phrasebank/all.csv"}
READINGS = ("unknown", "pretrained", "mapped")
HEADINGS = (
    *("data", "rows", "policy", "test rows with unseen words", *READINGS),
    *("pretrained - unknown", "mapped - pretrained", "map explains"),
)


def measure(
    corpus: Corpus, vectors: Vectors, policy: str, size: int, *, repeats: int, num_test: int, architecture: str
) -> tuple[str, ...]:
    """Returns a row of the table."""
    test = np.flatnonzero(corpus.is_test)
    pool = np.flatnonzero(~corpus.is_test)
    if not len(test):
        order = generator(0, "test rows", corpus.name).permutation(len(pool))
        test, pool = pool[order[:num_test]], pool[order[num_test:]]
    test = test[:num_test]
    texts, labels = np.array(corpus.texts, dtype=object), np.array(corpus.classes, dtype=object)[corpus.label_ids]
    shape = (repeats, len(test))
    right = {reading: np.zeros(shape) for reading in READINGS}
    unseen = np.zeros(shape, dtype=bool)
    explained = []
    tokenizer = tokenizer_for(vectors)
    tokens = [set(tokenizer(text)) for text in texts[test]]
    known = {word for words in tokens for word in words}
    known = {word for word, there in zip(sorted(known), vectors.knows(sorted(known)), strict=True) if there}
    options = StudyOptions(architectures=(architecture,), search_trials=4, sizes=None, num_folds=5)
    for repeat in range(repeats):
        shuffled = pool[generator(repeat, "training rows", corpus.name, size).permutation(len(pool))]
        rows = draw(shuffled, corpus.label_ids, size)
        material = prepare_material(corpus_from_lists(texts[rows], labels[rows]), vectors, tokenizer)
        with tempfile.TemporaryDirectory() as folder:
            trained = train_policy(material, options, policy, Path(folder) / "model").trained
        unseen[repeat] = [any(word in known and word not in trained.vocabulary for word in words) for words in tokens]
        for reading in READINGS:
            predictor = Predictor(trained, vectors, unseen=reading)
            right[reading][repeat] = [p.label for p in predictor.predict(texts[test])] == labels[test]
        explained.append(UnseenWords(trained, vectors, reading="mapped").carrying.explained)
    settings = {"design": "fixed", "train_size": size, "level": 0.05}
    against_unknown = compare_subgroups(right["pretrained"], right["unknown"], unseen, **settings)
    against_plain = compare_subgroups(right["mapped"], right["pretrained"], unseen, **settings)
    if against_unknown is None or against_plain is None:
        raise SystemExit(f"No test row of {corpus.name} has unseen words.")
    return (
        corpus.name,
        f"{size:,}",
        policy,
        f"{against_plain.share:.0%}",
        f"{against_unknown.mean_scores[1]:.1f}",
        f"{against_unknown.mean_scores[0]:.1f}",
        f"{against_plain.mean_scores[0]:.1f}",
        spoken(against_unknown),
        spoken(against_plain),
        f"{np.mean(explained):.0%}",
    )


def draw(shuffled: np.ndarray, label_ids: np.ndarray, size: int) -> np.ndarray:
    """Takes the first rows, but at least so many of each class as every fold needs."""
    needed = [row for label in np.unique(label_ids) for row in shuffled[label_ids[shuffled] == label][:5]]
    return np.concatenate([needed, np.setdiff1d(shuffled, needed, assume_unique=True)])[:size].astype(np.int64)


def spoken(gains: SubgroupGains) -> str:
    gain: Interval = gains.inside
    return f"{gain.points:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="The folder with mr, trec and financial_phrasebank.")
    parser.add_argument("--vectors", default="glove-6b-50d")
    parser.add_argument("--size", default="200,1000")
    parser.add_argument("--policy", default="fine-tuned")
    parser.add_argument("--architecture", default="average")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--test-rows", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    vectors = open_vectors(chosen.vectors)
    lines = [" | ".join(HEADINGS), " | ".join(["---"] * len(HEADINGS))]
    for name, place in DATA.items():
        corpus = read_corpus(chosen.data / place, empty="drop")
        for size in map(int, chosen.size.split(",")):
            for policy in chosen.policy.split(","):
                started = time.perf_counter()
                settings = {"repeats": chosen.repeats, "num_test": chosen.test_rows}
                cells = measure(corpus, vectors, policy, size, architecture=chosen.architecture, **settings)
                lines.append(" | ".join((name, *cells[1:])))
                print(f"| {lines[-1]} |  {time.perf_counter() - started:.0f} s", flush=True)
    if chosen.out:
        summary = (
            f"Vectors {chosen.vectors}, architecture {chosen.architecture}, {chosen.repeats} repeats. Accuracy in "
            "percent on the test rows with at least one word that training never saw and the vectors know; "
            "differences in points, with 95% intervals. *Map explains*: share of the change of the words seen that "
            "the map foretells for a word left out of its fit.\n\n"
        )
        chosen.out.write_text(summary + "".join(f"| {line} |\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
