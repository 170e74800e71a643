"""The same job done with meltpoint and with its peers: accuracy with intervals, seconds, lines of code.

    python benchmarks/peers.py ../shared/data --out benchmarks/results/peers.md       about ten minutes
    python benchmarks/peers.py ../shared/data --sets sst2 --only "PyTorch by hand" "meltpoint, auto"

The job: train a sentiment classifier on GloVe 6B 50-d, tuned for the task, and label a test set. Each script in
``benchmarks/peers`` does it as its package's documentation shows, from the same CSV files and the same vectors, in a
process of its own with one thread; its lines are counted without blank lines, comments and docstrings. Financial
PhraseBank is tested in rotating folds, SST-2 on its own test set, each repeat with another seed. The intervals account
for both the training draw and the finite test set (docs/statistics.md). "meltpoint, auto" runs a study first, and so
answers one question more than all the others: whether to tune at all; it takes part where it is named.

    pip install fasttext-numpy2-wheel 'model2vec[train]'
"""

import argparse
import ast
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from meltpoint import open_vectors
from meltpoint.text import folds, read_corpus
from meltpoint.verdict import compare_pair

SCRIPTS = Path(__file__).resolve().parent / "peers"
PEERS = {
    "PyTorch by hand": ("by_hand.py",),
    "Model2Vec's trainer": ("model2vec_trainer.py",),
    "fastText -pretrainedVectors": ("fasttext_supervised.py",),
    "meltpoint, fine-tuned": ("with_meltpoint.py", "fine-tuned"),
    "meltpoint, auto": ("with_meltpoint.py", "auto"),
}
TAKING_PART = [peer for peer in PEERS if peer != "meltpoint, auto"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def count_lines(path):
    """Counts the lines that hold code: no blank ones, no comments, no docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(path.read_text().split("\n"), start=1)
    return sum(bool(text.strip()) and not text.strip().startswith("#") and n not in docstrings for n, text in lines)


def write_csv(path, corpus, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((corpus.texts[row], corpus.classes[corpus.label_ids[row]]) for row in rows.tolist())


def splits_of(corpus, repeats):
    """Returns the training and test rows of each repeat."""
    everything = np.arange(corpus.num_rows)
    if corpus.has_test:
        return [(everything[~corpus.is_test], everything[corpus.is_test])] * repeats
    tests = folds(corpus.label_ids, groups=None, num_folds=5, seed=0)
    return [(np.setdiff1d(everything, tests[number % 5]), tests[number % 5]) for number in range(repeats)]


def run_peer(peer, train, test, glove, seed, kept):
    """Returns the labels of the test rows, and the seconds of the process; from the file, where it ran before."""
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    script, *options = PEERS[peer]
    started = time.perf_counter()
    command = [sys.executable, SCRIPTS / script, train, test, glove, str(seed), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr[-2000:]}")
    found = done.stdout.split("\n"), time.perf_counter() - started
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def compare(name, corpus, glove, peers, repeats, folder):
    """Returns the Markdown rows of one data set."""
    splits = splits_of(corpus, repeats)
    right = {peer: np.full((repeats, corpus.num_rows), np.nan) for peer in peers}
    seconds = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as scratch:
        train, test = Path(scratch) / "train.csv", Path(scratch) / "test.csv"
        for repeat, (train_rows, test_rows) in enumerate(splits):
            write_csv(train, corpus, train_rows)
            write_csv(test, corpus, test_rows)
            truth = [corpus.classes[label] for label in corpus.label_ids[test_rows].tolist()]
            for peer in peers:
                kept = folder / f"{name}, {peer}, {repeat}.json"
                predicted, spent = run_peer(peer, train, test, glove, repeat, kept)
                right[peer][repeat, test_rows] = [a == b for a, b in zip(truth, predicted[: len(truth)], strict=True)]
                seconds[peer].append(spent)
                print(f"{name} {repeat + 1}/{repeats}: {peer}: {np.nanmean(right[peer][repeat]):.3f} {spent:.0f} s")
    rows = []
    design = "fixed" if corpus.has_test else "rotating"
    size = len(splits[0][0])
    ours = right["meltpoint, fine-tuned"] if "meltpoint, fine-tuned" in peers else None
    baseline = statistics.median(seconds[peers[0]])
    for peer in peers:
        if corpus.has_test:
            right[peer] = right[peer][:, corpus.is_test]
    for peer in peers:
        score = compare_pair(right[peer], 0 * right[peer], design=design, train_size=size, level=0.05)
        against = ""
        if ours is not None and peer != "meltpoint, fine-tuned":
            gain = compare_pair(right["meltpoint, fine-tuned"], right[peer], design=design, train_size=size, level=0.05)
            against = f"{gain.points:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"
        ratio = statistics.median(seconds[peer]) / baseline
        rows.append(
            f"| {name} | {peer} | {count_lines(SCRIPTS / PEERS[peer][0])} | {score.points:.1f} ({score.low:.1f} to "
            f"{score.high:.1f}) | {against} | {ratio:.2f} |"
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of data sets")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=TAKING_PART, choices=list(PEERS), metavar="PEER")
    parser.add_argument("--sets", nargs="+", default=["financial_phrasebank/all.csv", "sst2"])
    parser.add_argument("--out", type=Path, help="where to keep the table, as Markdown, below those that are there")
    parser.add_argument("--runs", type=Path, help="where to keep what each peer predicted, so as to go on from there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.runs or Path(scratch)
        folder.mkdir(exist_ok=True)
        glove = folder / "glove.6B.50d.txt"
        if not glove.exists():
            open_vectors("glove-6b-50d").save(glove)
        open_vectors(str(glove))  # the store is built on the first open of a file, once
        rows = []
        for name in options.sets:
            corpus = read_corpus(options.data / name)
            rows += compare(name.partition("/")[0], corpus, glove, options.only, options.repeats, folder)
    baseline = options.only[0]
    table = "\n".join(
        [
            f"| data | with | lines | accuracy | meltpoint, fine-tuned, gains over it | time, of {baseline} |",
            "| --- | --- | ---: | --- | --- | ---: |",
            *rows,
        ]
    )
    print(table)
    if options.out:
        command = f"python benchmarks/peers.py DATA --repeats {options.repeats} --sets {' '.join(options.sets)}"
        kept = options.out.read_text(encoding="utf-8") if options.out.exists() else "# Peers\n"
        options.out.write_text(f"{kept}\n    {command}\n\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
