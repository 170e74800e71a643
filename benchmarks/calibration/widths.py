"""What makes the interval of a look so wide: each step from the least possible width to the product's, measured.

    python benchmarks/calibration/widths.py [--studies 150]

Simulated studies (``simulated.py``: three candidates that truly gain a point, two training sizes) are judged as the
product judges them at its looks. The least half-width is 1.96 times the true standard error: the standard
deviation of the estimates over all studies. Every further column is the factor by which the median width grows:

- *noise*: the estimated standard error over the true one;
- *t*: Student's t with the degrees of freedom of that estimate, instead of the normal;
- *policies*: intervals that hold for all candidates at once, instead of for one;
- *looks*: the level of the look, instead of 5%.
"""

import argparse
from itertools import zip_longest

import numpy as np
from replaying import ARMS, draw_study
from scipy.stats import norm
from scipy.stats import t as student_t
from simulated import Simulated

from meltpoint.randomness import generator
from meltpoint.verdict import Comparison, Look, compare_sizes, default_looks

ROWS = {"fixed": 1000, "rotating": 2500}
LEVEL = 0.05
GAIN = 1.0
LOOKS = default_looks(20)
STEPS = ("noise", "t", "policies", "looks")


def widths(design: str, studies: int, seed: int) -> dict[int, dict[str, float]]:
    """Returns for every look the factors, and how often all its intervals hold the truth, in %."""
    population = Simulated(gains=dict.fromkeys(ARMS[1:], GAIN))
    draws = generator(seed, "widths", design)
    seen: dict[int, list[tuple[Comparison, float]]] = {look: [] for look in LOOKS}
    for number in range(studies):
        study = draw_study(population, design, LOOKS[-1], ROWS[design], draws)
        taken = Look(repeats=LOOKS[0], num_policies=len(ARMS) - 1)
        for look, following in zip_longest(LOOKS, LOOKS[1:]):
            scores = {size: {name: one[:look] for name, one in of.items()} for size, of in study.scores.items()}
            of_look, plain = (
                compare_sizes(scores, design=design, candidates=ARMS[1:], level=level, seed=seed + number)[max(scores)]
                for level in (taken, LEVEL)
            )
            seen[look].append((of_look, plain.interval_level))
            if following:
                taken = taken.followed(of_look.level, following)
    return {look: factors(found) for look, found in seen.items()}


def factors(found: list[tuple[Comparison, float]]) -> dict[str, float]:
    """Returns what widens the intervals of a look, given each comparison and the level of its intervals at 5%."""
    points, errors, df = (
        np.array([[getattr(gain, name) for gain in comparison.candidates] for comparison, _ in found])
        for name in ("points", "standard_error", "df")
    )
    own = np.array([[level] for _, level in found])
    levels = np.array([[comparison.interval_level] for comparison, _ in found])
    true_error = float(np.sqrt(np.mean(np.square(points - GAIN))))
    steps = [
        np.full(df.shape, norm.isf(LEVEL / 2) * true_error),
        norm.isf(LEVEL / 2) * errors,
        student_t.isf(LEVEL / 2, df) * errors,
        student_t.isf(own / 2, df) * errors,
        student_t.isf(levels / 2, df) * errors,
    ]
    medians = [float(np.median(step)) for step in steps]
    held = [all(gain.low <= GAIN <= gain.high for gain in comparison.candidates) for comparison, _ in found]
    return {
        "least": medians[0],
        **{name: medians[place + 1] / medians[place] for place, name in enumerate(STEPS)},
        "half-width": medians[-1],
        "held": 100 * float(np.mean(held)),
        "nominal": 100 * (1 - float(np.median([comparison.level for comparison, _ in found]))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| design | repeats | least half-width | noise | t | policies | looks | half-width | all held, % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for design in ROWS:
        for repeats, found in widths(design, options.studies, options.seed).items():
            cells = [f"{found['least']:.2f}", *(f"x {found[name]:.2f}" for name in STEPS)]
            held = f"{found['held']:.1f} (nominal {found['nominal']:.1f})"
            print(f"| {design} | {repeats} | {' | '.join(cells)} | {found['half-width']:.2f} | {held} |", flush=True)


if __name__ == "__main__":
    main()
