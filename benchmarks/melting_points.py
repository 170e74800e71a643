"""From how many labelled rows does fine-tuning beat freezing? Studies of six real data sets, as one table.

    python benchmarks/melting_points.py --minutes 60 [--architecture average,cnn] [--data mr,trec] [--out FILE]

Trained are 100, 400 and 1,600 rows, and all there are. A study ends as any does: when it is decided, or after its last
repeat; ``--until repeats`` goes on, at two to four times the cost. Each goes into a run folder below ``--runs`` and may
be stopped and started at any time: one that is done costs its reading alone. The table is printed, and kept after every
study.
"""

import argparse
import time
from pathlib import Path

from meltpoint.run import Run, StudyOptions
from meltpoint.run.options import DEFAULT_FOLDS
from meltpoint.studies import training_budget
from meltpoint.vectors import open_vectors
from piecewise import read_material, study_until, table

DATA = ("mr", "sst2", "subj", "trec", "financial_phrasebank", "ag_news_sample")
VECTORS = "glove-6b-50d"
POLICIES = ("frozen", "fine-tuned", "scaled")
SIZES = (100, 400, 1600)
HEADINGS = (
    "data",
    "architecture",
    "repeats",
    "frozen, %",
    "best gain over frozen at each size (rows)",
    "melting point",
    "estimate",
    "decision",
)


def gain_of(size: dict, controls: set[str]) -> str:
    """Returns the gain of the best candidate at one size, with its interval."""
    gains = [policy["gain"] for policy in size["policies"] if policy["policy"] not in controls]
    best = max((gain for gain in gains if gain), key=lambda gain: gain["points"])
    low, high = ("unbounded" if end is None else f"{end:+.1f}" for end in (best["low"], best["high"]))
    return f"{best['points']:+.1f} ({low} to {high}) at {size['size']:,}"


def row(data: str, run: Run) -> tuple[str, ...]:
    """Returns the cells of one study."""
    verdict = run.verdict
    melting = verdict["melting_point"]
    controls = {control["control"] for control in verdict["controls"]}
    frozen = [
        policy["score"] for size in verdict["sizes"] for policy in size["policies"] if policy["policy"] == "frozen"
    ]
    known = [f"{size:,}" for size in (melting["low"], melting["high"]) if size is not None]
    return (
        data,
        str(verdict["architecture"]),
        str(max(size["repeats"] for size in verdict["sizes"])),
        "<br>".join(f"{score:.1f}" for score in frozen),
        "<br>".join(gain_of(size, controls) for size in verdict["sizes"]),
        f"{melting['kind']} {' and '.join(known)}".strip(),
        "" if melting["estimate"] is None else f"{melting['estimate']:,}",
        verdict["decision"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("build/melting-points"))
    parser.add_argument("--architecture", type=lambda text: text.split(","), default=["average", "cnn"])
    parser.add_argument("--data", type=lambda text: text.split(","), default=list(DATA))
    parser.add_argument("--policy", type=lambda text: tuple(text.split(",")), default=POLICIES)
    parser.add_argument("--size", type=lambda text: tuple(int(n) for n in text.split(",")), default=SIZES)
    parser.add_argument("--repeats", type=int, default=40, help="at most so many")
    parser.add_argument("--until", choices=("decided", "repeats"), default="decided")
    parser.add_argument("--search", type=int, default=4, help="configurations tried per policy")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, help="the file of the table; by default beside the run folders")
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so long; exit 3 if anything is left")
    options = parser.parse_args()
    ends = time.monotonic() + 60 * options.minutes
    rows = []
    for architecture in options.architecture:
        for data in options.data:
            material = read_material(options.root / data, open_vectors(VECTORS))
            whole = training_budget(material.data, num_folds=DEFAULT_FOLDS, seed=0)
            study = StudyOptions(
                architectures=(architecture,),
                policies=options.policy,
                sizes=(*options.size, whole),
                max_repeats=options.repeats,
                until=options.until,
                search_trials=options.search,
            )
            run = study_until(ends, material, study, options.runs / f"{data}-{architecture}", workers=options.workers)
            rows.append(row(data, run))
            print(" | ".join(rows[-1]), flush=True)
            (options.out or options.runs / "table.md").write_text(table(HEADINGS, rows), encoding="utf-8")
    print(table(HEADINGS, rows))


if __name__ == "__main__":
    main()
