"""Prints what studies found as one Markdown table, from their run folders.

meltpoint study ../shared/data/sst2 --vectors glove-6b-50d --budget 8m --out sst2
python benchmarks/study_table.py sst2 ...
"""

import argparse
from pathlib import Path

from meltpoint.run import Run

HEADINGS = (
    "data",
    "rows",
    "repeats",
    "frozen",
    "best policy",
    "gain",
    "scratch",
    "TF-IDF",
    "decision",
    "melting point",
)


def row(run: Run) -> tuple[str, ...]:
    """Returns the cells of one study, accuracies in percent, gains in points."""
    verdict = run.verdict
    largest = verdict["sizes"][-1]
    accuracy = {policy["policy"]: policy["score"] for policy in largest["policies"]}
    gain, melting = verdict["gain"], verdict["melting_point"]
    known = [size for size in (melting["low"], melting["high"]) if size is not None]
    return (
        run.folder.name,
        f"{largest['size']:,}",
        str(largest["repeats"]),
        f"{accuracy['frozen']:.1f}",
        f"{gain['policy']} {accuracy[gain['policy']]:.1f}",
        f"{gain['points']:+.1f} ({gain['low']:+.1f} to {gain['high']:+.1f})",
        f"{accuracy['scratch']:.1f}" if "scratch" in accuracy else "",
        f"{accuracy['tf-idf']:.1f}",
        verdict["decision"],
        f"{melting['kind']} {' and '.join(f'{size:,}' for size in known)}".strip(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(row(Run.open(folder)) for folder in parser.parse_args().runs)]
    for cells in rows:
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
