"""What makes the interval of a look so wide: each step from the least possible width to the product's, measured.

    python benchmarks/calibration/widths.py [--studies 150]

Simulated studies (``simulated.py``: three candidates that truly gain a point, two training sizes) are judged as the
product judges them after 3, 5 and 10 repeats. The least half-width is 1.96 times the true standard error: the standard
deviation of the estimates over all studies. Every further column is the factor by which the median width grows:

- *noise*: the estimated standard error over the true one;
- *t*: Student's t with the degrees of freedom of that estimate, instead of the normal;
- *policies*: intervals that hold for all candidates at once, instead of for one;
- *looks*: the level of the look, instead of 5%.
"""

import argparse

import numpy as np
from replaying import ARMS, MAX_REPEATS, draw_study
from scipy.stats import norm
from scipy.stats import t as student_t
from simulated import Simulated

from meltpoint.randomness import generator
from meltpoint.verdict import compare_sizes, default_looks, look_levels

ROWS = {"fixed": 1000, "rotating": 2500}
LEVEL = 0.05
GAIN = 1.0


def widths(design: str, num_repeats: int, level: float, studies: int, seed: int) -> dict[str, float]:
    """Returns the true standard error, the factors, and how often all intervals of a look hold the truth, in %."""
    population = Simulated(gains=dict.fromkeys(ARMS[1:], GAIN))
    draws = generator(seed, "widths", design, num_repeats)
    points, errors, dfs, own, levels, held = [], [], [], [], [], 0
    for number in range(studies):
        study = draw_study(population, design, num_repeats, ROWS[design], draws)
        found = {
            of_family: compare_sizes(
                study.scores, design=design, candidates=ARMS[1:], level=of_family, seed=seed + number
            )[max(study.scores)]
            for of_family in (LEVEL, level)
        }
        gains = found[level].candidates
        points.append([gain.points for gain in gains])
        errors.append([gain.standard_error for gain in gains])
        dfs.append([gain.df for gain in gains])
        own.append(found[LEVEL].interval_level)
        levels.append(found[level].interval_level)
        held += all(gain.low <= GAIN <= gain.high for gain in gains)
    true_error = float(np.sqrt(np.mean(np.square(np.array(points) - GAIN))))
    df = np.array(dfs)
    steps = [
        np.full(df.shape, norm.isf(LEVEL / 2) * true_error),
        norm.isf(LEVEL / 2) * np.array(errors),
        student_t.isf(LEVEL / 2, df) * np.array(errors),
        student_t.isf(np.array(own)[:, None] / 2, df) * np.array(errors),
        student_t.isf(np.array(levels)[:, None] / 2, df) * np.array(errors),
    ]
    medians = [float(np.median(step)) for step in steps]
    names = ("noise", "t", "policies", "looks")
    factors = {name: medians[place + 1] / medians[place] for place, name in enumerate(names)}
    return {"least": medians[0], **factors, "half-width": medians[-1], "held": 100 * held / studies}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    levels = look_levels(default_looks(MAX_REPEATS))
    print("| design | repeats | least half-width | noise | t | policies | looks | half-width | all held, % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for design in ROWS:
        for repeats, level in levels.items():
            found = widths(design, repeats, level, options.studies, options.seed)
            cells = [f"{found['least']:.2f}", *(f"x {found[name]:.2f}" for name in ("noise", "t", "policies", "looks"))]
            held = f"{found['held']:.1f} (nominal {100 * (1 - level):.1f})"
            print(f"| {design} | {repeats} | {' | '.join(cells)} | {found['half-width']:.2f} | {held} |", flush=True)


if __name__ == "__main__":
    main()
