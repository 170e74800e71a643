"""Whole studies of the product again and again, each with another master seed: do they say the same?

    python benchmarks/again.py --minutes 60 [--seeds 3] [--rows 0,1500] [--out FILE]

Six data sets, all their rows and a fixed drawing of 1,500 of them, default settings, architecture ``average``. Another
master seed is another split, other subsets, starts and orders, on the same rows. Every ordered pair of studies of one
data set whose first is decided counts: does the second say the same word, does it give the same advice (freeze, or
tune), does it say the opposite?

Each study goes into a run folder of its own under ``--runs`` and may be stopped and started at any time.
"""

import argparse
import csv
import time
from collections import Counter
from itertools import permutations
from pathlib import Path

from meltpoint.randomness import generator
from meltpoint.run import Run, StudyOptions
from meltpoint.vectors import open_vectors
from piecewise import read_material, study_until, table

DATA = ("mr", "sst2", "subj", "trec", "financial_phrasebank", "ag_news_sample")
VECTORS = "glove-6b-50d"
HEADINGS = (
    "data",
    "rows",
    "studies",
    "gains over frozen, points",
    "repeats",
    "words",
    "pairs, first decided",
    "same word, %",
    "same advice, %",
    "opposite words, %",
)


def data_path(folder: Path, rows: int, runs: Path) -> Path:
    """Returns what a study reads: all there is, or a file of so many labelled rows drawn once."""
    if not rows:
        return folder
    whole = folder / "all.csv"
    drawn = runs / f"{folder.name}-{rows}.csv"
    if not drawn.exists():
        with (whole if whole.exists() else folder / "train.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        kept = generator(0, "again", "rows", folder.name).permutation(len(lines))[:rows]
        with drawn.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=["text", "label"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(lines[number] for number in sorted(kept.tolist()))
    return drawn


def cells(runs: list[Run]) -> tuple[Counter[str], tuple[str, ...]]:
    """Returns the pairs of some studies of the same rows, counted, and the cells that tell the studies."""
    verdicts = [run.verdict for run in runs]
    counts: Counter[str] = Counter()
    for first, second in permutations(verdicts, 2):
        if first["decision"] == "undecided":
            continue
        counts["pairs"] += 1
        counts["word"] += first["decision"] == second["decision"]
        counts["advice"] += (first["policy"] == "frozen") == (second["policy"] == "frozen")
        counts["opposite"] += {first["decision"], second["decision"]} >= {"fine-tune", "freeze"}
    words = Counter(verdict["decision"] for verdict in verdicts)
    repeats = sorted(max(size["repeats"] for size in verdict["sizes"]) for verdict in verdicts)
    shown = (
        str(len(runs)),
        ", ".join(f"{verdict['gain']['points']:+.1f}" for verdict in verdicts),
        ", ".join(map(str, repeats)),
        ", ".join(f"{word} {count}" for word, count in words.most_common()),
    )
    return counts, shown


def shares(counts: Counter[str]) -> tuple[str, ...]:
    pairs = counts["pairs"]
    return str(pairs), *(
        f"{100 * counts[kind] / pairs:.1f}" if pairs else "" for kind in ("word", "advice", "opposite")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("build/again"))
    parser.add_argument("--data", type=lambda text: text.split(","), default=list(DATA))
    parser.add_argument("--rows", type=lambda text: [int(n) for n in text.split(",")], default=[0, 1500], help="0: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, help="the file of the table; by default beside the run folders")
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so long; exit 3 if anything is left")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * options.minutes
    lines, every = [], Counter[str]()
    for rows in options.rows:
        for data in options.data:
            material = read_material(data_path(options.root / data, rows, options.runs), open_vectors(VECTORS))
            runs = []
            for seed in range(options.seeds):
                out = options.runs / f"{data}-{rows or 'all'}-{seed}"
                runs.append(study_until(ends, material, StudyOptions(seed=seed), out, workers=options.workers))
            counts, shown = cells(runs)
            every += counts
            lines.append((data, f"{rows:,}" if rows else "all", *shown, *shares(counts)))
            print(" | ".join(lines[-1]), flush=True)
            text = table(HEADINGS, [*lines, ("**all**", *[""] * 5, *shares(every))])
            (options.out or options.runs / "table.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
