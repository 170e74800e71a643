"""Training noise as the pool shows it: what a study may expect before it has seen any (``meltpoint.verdict.prior``).

    python benchmarks/calibration/pool.py --data sst2,mr,subj,financial_phrasebank,trec,ag_news_sample --repeats 10
    python benchmarks/calibration/pool.py --size 400,1600,5000 --policy frozen,fine-tuned --repeats 10 --replicas 3
    python benchmarks/calibration/noise.py

All repeats of the pool are tested on the same rows, so that training noise T and the noise of the rows part cleanly:
with d[r, i] a policy's score less frozen's, T is the variance of the repeat means less what the residual of the two-way
analysis of variance explains of it, and v the variance of d over the rows of one repeat. The first table has T and
T / v beside what ``expected_ratio`` says; the second, what noise is made of, from four trainings on each of ten draws
of the rows: ``seed`` within a draw, ``rows`` between draws beyond that.
"""

import argparse
from pathlib import Path

import numpy as np
from pooled import FOLDER, Cell, read_right

from meltpoint.verdict.prior import expected_ratio

POINTS = 100.0


def cells_of(folder: Path) -> list[Cell]:
    """Returns the cells that have a file in the folder."""
    stems = {path.stem.rsplit("--", 1)[0] for path in folder.glob("*.npz")}
    found = []
    for stem in sorted(stems):
        data, architecture, policy, size, replica = stem.split("--")
        found.append(Cell(data=data, architecture=architecture, policy=policy, size=int(size), replica=int(replica)))
    return sorted(found, key=lambda cell: (cell.size, cell.architecture, cell.data, cell.policy, cell.replica))


def differences(folder: Path, cell: Cell) -> np.ndarray:
    """Returns (R, N) points that a policy gains over frozen, on the same draws."""
    frozen = Cell(data=cell.data, architecture=cell.architecture, policy="frozen", size=cell.size, replica=cell.replica)
    sides = [read_right(folder, one) for one in (cell, frozen)]
    repeats = min(len(side) for side in sides)
    if repeats < 2:
        return np.empty((0, 0))
    return POINTS * (sides[0][:repeats].astype(float) - sides[1][:repeats])


def noise_row(cell: Cell, gained: np.ndarray) -> tuple[list[str], float]:
    """Returns a line of the first table, and T / v over what is expected."""
    repeats, rows = gained.shape
    means = gained.mean(axis=1)
    residuals = gained - means[:, None]
    rest = np.square(residuals - residuals.mean(axis=0)).sum() / ((repeats - 1) * (rows - 1))
    training = means.var(ddof=1) - rest / rows
    ratio = training / gained.var(axis=1, ddof=1).mean()
    expected = expected_ratio(cell.size)
    cells = [cell.data, cell.architecture, f"{cell.size:,}", cell.policy, str(repeats), f"{means.mean():+.1f}"]
    return [*cells, f"{training:.2f}", f"{1e4 * ratio:.1f}", f"{1e4 * expected:.1f}"], ratio / expected


def share_row(cell: Cell, replicas: list[np.ndarray]) -> list[str]:
    """Returns a line of the second table, from several trainings on each draw."""
    repeats = min(len(one) for one in replicas)
    means = np.stack([one[:repeats].mean(axis=1) for one in replicas])
    of_seed = means.var(axis=0, ddof=1).mean()
    of_rows = means.mean(axis=0).var(ddof=1) - of_seed / len(replicas)
    share = of_rows / (of_rows + of_seed)
    counts = [str(repeats), str(len(replicas))]
    return [cell.data, f"{cell.size:,}", cell.policy, *counts, f"{of_seed:.2f}", f"{of_rows:.2f}", f"{share:.2f}"]


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pool", type=Path, nargs="+", default=[FOLDER])
    options = parser.parse_args()
    rows, ratios, shares = [], [], []
    for folder in options.pool:
        cells = cells_of(folder)
        for cell in cells:
            if cell.policy == "frozen" or cell.replica:
                continue
            gained = differences(folder, cell)
            if not gained.size:
                continue
            row, ratio = noise_row(cell, gained)
            rows.append(row)
            ratios.append(ratio)
            again = [
                differences(folder, one)
                for one in cells
                if (one.data, one.architecture, one.policy, one.size)
                == (cell.data, cell.architecture, cell.policy, cell.size)
            ]
            if len(again) > 1 and all(one.size for one in again):
                shares.append(share_row(cell, again))
    headings = ["data", "architecture", "rows", "policy", "repeats", "gain", "T, points^2", "10^4 T / v", "expected"]
    print(table(headings, rows))
    quantiles = np.quantile(ratios, (0.1, 0.25, 0.5, 0.75, 0.9))
    print(f"\n{len(ratios)} settings: T / v over what is expected has the mean {np.mean(ratios):.2f} and the")
    print("10%, 25%, 50%, 75%, 90% quantiles " + ", ".join(f"{one:.2f}" for one in quantiles) + "; its logarithm has")
    print(f"the standard deviation {np.log([one for one in ratios if one > 0]).std(ddof=1):.2f}.\n")
    print(table(["data", "rows", "policy", "draws", "trainings", "seed", "rows' part", "share of rows"], shares))


if __name__ == "__main__":
    main()
