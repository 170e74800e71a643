"""How often does the melting point's interval hold the truth, and how often that of what more rows would bring?

    python benchmarks/melting_coverage.py [--simulations 300] [--seed 0] [--table crossing|growth|all]

Prints Markdown tables; docs/statistics.md keeps them. Studies of two candidates are drawn row by row: right or wrong
answers at every training size, of models that share what is easy and what is hard, with training noise that they
share in part (frozen's) and that correlates by 0.3 between sizes. The true gain over frozen follows a curve over the
logarithm of the size. Everything else is the product's own: comparisons, joint covariance, curves, bracket.
"""

import argparse

import numpy as np
from scipy.special import ndtr

from meltpoint.randomness import generator
from meltpoint.verdict import Standing, compare_sizes, joint_gains, melting_point, next_rows

ROPE = 0.5
LEVEL = 0.05
TRAINING_SD = 0.8  # of one gain, in points
LAYOUTS = {  # sizes, repeats, tested rows
    "3 sizes x 4, 5 repeats, 2,000 rows": ((250, 1000, 4000), 5, 2000),
    "4 sizes x 3, 5 repeats, 2,000 rows": ((150, 450, 1350, 4050), 5, 2000),
    "5 sizes x 2, 10 repeats, 5,000 rows": ((250, 500, 1000, 2000, 4000), 10, 5000),
}


def gains_by_truth(sizes):
    """Returns by name the true gain, a function of the size, in points."""
    middle = np.log(sizes[0] * sizes[-1]) / 2
    half = np.log(sizes[-1] / sizes[0]) / 2

    def place(size):
        return (np.log(size) - middle) / half  # -1 at the smallest, 1 at the largest

    return {
        "linear in log n, -2.5 to 3.5": lambda size: 0.5 + 3 * place(size),
        "linear in log n, -0.5 to 1.5": lambda size: 0.5 + place(size),
        "sigmoid, -1 to 3": lambda size: -1 + 4 / (1 + np.exp(-4 * place(size))),
        "sigmoid within a step, late": lambda size: -1 + 4 / (1 + np.exp(-12 * (place(size) - 0.4))),
        "saturating, -2 to 1.5": lambda size: 2 - 4 * (size / sizes[0]) ** -0.5,
        "flat at 0": lambda size: 0.0 * place(size),
        "flat at 2": lambda size: 0.0 * place(size) + 2,
    }


def true_crossing(gain, sizes):
    """Returns where the gain passes the ROPE; 0 or infinity where it does so outside the sizes."""
    fine = np.geomspace(sizes[0], sizes[-1], 20_001)
    above = gain(fine) > ROPE
    return np.inf if not above.any() else 0.0 if above[0] else fine[np.argmax(above)]


def draw_scores(sizes, num_repeats, num_rows, frozen, gain, draws):
    """Draws 0/1 scores of frozen and two candidates with the same true gain, at every size."""
    own = np.sqrt(TRAINING_SD**2 / 2) / 100
    shape = (3, num_repeats, 1)
    common = draws.standard_normal(shape)
    easy_row = np.sqrt(0.55) * draws.standard_normal(num_rows)
    scores = {}
    for size in sizes:
        training = own * (np.sqrt(0.7) * draws.standard_normal(shape) + np.sqrt(0.3) * common)
        chance = frozen(size) + training + np.array([0.0, gain(size), gain(size)])[:, None, None] / 100
        right = ndtr(easy_row + np.sqrt(0.45) * draws.standard_normal((3, num_repeats, num_rows))) < chance
        scores[size] = dict(zip(("frozen", "one", "two"), right.astype(float), strict=True))
    return scores


def crossing_table(simulations, seed):
    print(f"\n### melting point: coverage of its 95% interval, {simulations} simulations\n")
    print("| study | true gain, points | crossing | covered % | both ends found % | high / low | estimate / truth |")
    print("|---|---|---|---|---|---|---|")
    candidates = ("one", "two")
    for layout, (sizes, num_repeats, num_rows) in LAYOUTS.items():
        for name, gain in gains_by_truth(sizes).items():
            truth = true_crossing(gain, sizes)
            draws = generator(seed, "melting coverage", layout, name)
            covered, ratios, estimates = [], [], []
            for _ in range(simulations):
                scores = draw_scores(sizes, num_repeats, num_rows, lambda _: 0.75, gain, draws)
                options = {"design": "fixed", "candidates": candidates}
                comparisons = compare_sizes(scores, **options, level=LEVEL, seed=seed)
                standing = Standing(gains=joint_gains(scores, **options), level=LEVEL)
                found = melting_point(comparisons, [standing], rope_points=ROPE, seed=seed)
                covered.append((found.low or 0) <= truth <= (found.high or np.inf) and found.kind != "none")
                if found.low and found.high:
                    ratios.append(found.high / found.low)
                if found.estimate and 0 < truth < np.inf:
                    estimates.append(found.estimate / truth)
            told = {0.0: "below", np.inf: "none"}.get(truth, f"{truth:,.0f}")
            ratio = f"{np.median(ratios):.1f}" if ratios else ""
            estimate = f"{np.median(estimates):.2f}" if estimates else ""
            print(
                f"| {layout} | {name} | {told} | {100 * np.mean(covered):.1f} | "
                f"{100 * len(ratios) / simulations:.0f} | {ratio} | {estimate} |",
                flush=True,
            )


def growth_table(simulations, seed):
    print(f"\n### the next 1,000 rows: coverage of the 95% interval, {simulations} simulations\n")
    print("| study | true score | true growth, points | covered % | half-width, median |")
    print("|---|---|---|---|---|")
    for layout, (sizes, num_repeats, num_rows) in LAYOUTS.items():
        curves = {
            "linear in log n": lambda size, sizes=sizes: 0.7 + 0.02 * np.log(size / sizes[0]),
            "a - b / n^0.3": lambda size, sizes=sizes: 0.85 - 0.15 * (size / sizes[0]) ** -0.3,
            "a - b / n^0.7": lambda size, sizes=sizes: 0.80 - 0.10 * (size / sizes[0]) ** -0.7,
            "flat": lambda _: 0.75,
        }
        for name, frozen in curves.items():
            draws = generator(seed, "growth coverage", layout, name)
            truth = 100 * (frozen(sizes[-1] + 1000) - frozen(sizes[-1]))
            covered, widths = [], []
            for _ in range(simulations):
                scores = draw_scores(sizes, num_repeats, num_rows, frozen, lambda _: 0.0, draws)
                (growth,) = next_rows(scores, policies=("frozen",), design="fixed", level=LEVEL).growth
                covered.append(growth.low <= truth <= growth.high)
                widths.append((growth.high - growth.low) / 2)
            print(
                f"| {layout} | {name} | {truth:+.2f} | {100 * np.mean(covered):.1f} | {np.median(widths):.2f} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", choices=["crossing", "growth", "all"], default="all")
    arguments = parser.parse_args()
    if arguments.table != "growth":
        crossing_table(arguments.simulations, arguments.seed)
    if arguments.table != "crossing":
        growth_table(arguments.simulations, arguments.seed)


if __name__ == "__main__":
    main()
