"""How the error is spent over looks: what studies end with under several spending functions, on the same simulations.

    python benchmarks/calibration/spending.py [--studies 80]

Three candidates with the same true gain; looks after 3, 5 and 10 repeats; ``simulated.py`` draws the studies.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from replaying import ARMS, draw_study, follow
from simulated import Simulated

from meltpoint.randomness import generator
from meltpoint.verdict import default_looks, look_shares

MAX_REPEATS = 10
ROWS = {"fixed": 1000, "rotating": 2500}
ALPHA = 0.05
LOOKS = default_looks(MAX_REPEATS)


def levels_of(released: Callable[[int], float]) -> dict[int, float]:
    """Returns the level of every look, given the share of the error that is released by so many repeats."""
    return {
        look: ALPHA * (released(look) - (released(before) if before else 0)) for before, look in pairwise((0, *LOOKS))
    }


SPENDING = {
    "product": None,
    "the same, as if looks were independent": look_shares(LOOKS),
    "R^2 / (R^2 + 7^2)": levels_of(lambda repeats: repeats**2 / (repeats**2 + 49)),
    "(R / 10)^1.5, no look after 10": levels_of(lambda repeats: (repeats / MAX_REPEATS) ** 1.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=80, help="in the fixed design; five eighths where folds rotate")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        "| design | true gain | error released | levels | studies | `fine-tune` | `freeze` | truth missed | repeats |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for design, rows in ROWS.items():
        studies = options.studies if design == "fixed" else options.studies * 5 // 8
        for gain in (0.0, 2.0):
            population = Simulated(gains=dict.fromkeys(ARMS[1:], gain))
            draws = generator(options.seed, "r", design, str(gain))
            found: dict[str, Counter[str]] = {name: Counter() for name in SPENDING}
            for number in range(studies):
                study = draw_study(population, design, MAX_REPEATS, rows, draws)
                for name, levels in SPENDING.items():
                    replay = follow(study, MAX_REPEATS, number, levels=levels)
                    missed = any(not one.low <= gain <= one.high for one in replay.comparison.candidates)
                    found[name].update({replay.decision.word: 1, "repeats": replay.repeats, "missed": missed})
            for name, counts in found.items():
                levels = SPENDING[name]
                told = ", ".join(f"{level:.4f}" for level in levels.values()) if levels else "by the overlap of looks"
                print(
                    f"| {design} | {gain:g} | {name} | {told} | {studies} | {counts['fine-tune']} | {counts['freeze']} "
                    f"| {counts['missed']} | {counts['repeats'] / studies:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
