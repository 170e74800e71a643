"""How often do the intervals cover, how wide are they, and how often is a winner named where there is none?

    python benchmarks/interval_coverage.py [--simulations 1000] [--seed 0] [--table fixed|rotating|winners|all]

Prints Markdown tables; docs/statistics.md keeps them. Studies are drawn from the model

    d[r, i] = gain + T[r] + X[i] + E[r, i]

either with normal X and E, or with d in {-1, 0, 1}: right or wrong answers. In the rotating design a part ("row share")
of the variance of T comes from the training rows, and correlates between repeats as much as their training sets
overlap; the rest comes from the seed. Intervals are those of ``meltpoint.verdict`` and three that are often seen.
"""

import argparse
import itertools

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

from meltpoint.randomness import generator
from meltpoint.verdict import compare, decide, look_levels
from meltpoint.verdict.intervals import POINTS, interval_around, noise_of
from meltpoint.verdict.layout import layout_of
from meltpoint.verdict.moments import paired_moments

LEVEL = 0.05
NUM_FOLDS = 5
GAIN = 0.01
NOISES = {  # standard deviations of T, X, E
    "typical": (0.008, 0.30, 0.30),
    "seed-noisy": (0.020, 0.20, 0.30),
    "test-set-noisy": (0.002, 0.35, 0.20),
    "typical, right/wrong": (0.008, None, None),
}
METHODS = ("meltpoint", "t over repeats", "Nadeau-Bengio", "rows only")


def rotating_pattern(num_repeats, num_rows):
    """Returns (R, N) bool: repeat r tests fold r mod K of rotation r div K. Which rows share a fold is immaterial."""
    rows = np.arange(num_rows)
    folds = {0: rows * NUM_FOLDS // num_rows, 1: rows % NUM_FOLDS}
    return np.stack([folds[repeat // NUM_FOLDS] == repeat % NUM_FOLDS for repeat in range(num_repeats)])


def training_root(tested, train_size, row_share):
    """Returns a root of the correlation of T: overlap of the training sets, times the share that is the rows'."""
    pools = (~tested).astype(float)
    sizes = pools.sum(axis=1)
    overlap = train_size * (pools @ pools.T) / np.outer(sizes, sizes)
    correlation = row_share * overlap
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    return vectors * np.sqrt(np.maximum(values, 0))


def draw_differences(noise, tested, root, draws):
    """Returns (R, N) differences in score units, with mean ``GAIN`` where tested and 0 elsewhere."""
    of_training, of_rows, of_residual = NOISES[noise]
    num_repeats, num_rows = tested.shape
    repeat, row = np.nonzero(tested)
    gains = GAIN + of_training * (root @ draws.standard_normal(num_repeats))[repeat]
    if of_rows is not None:
        gains += of_rows * draws.standard_normal(num_rows)[row] + of_residual * draws.standard_normal(len(row))
    else:
        # Rows differ in how often the two sides disagree on them (10% to 40%) and in whom they favour.
        disagree = draws.uniform(0.1, 0.4, num_rows)[row]
        gains += disagree * draws.uniform(-0.6, 0.6, num_rows)[row]
        wins = (disagree + gains) / 2
        uniform = draws.uniform(size=len(row))
        gains = (uniform < wins).astype(float) - (uniform > 1 - (disagree - wins))
    differences = np.zeros(tested.shape)
    differences[repeat, row] = gains
    return differences


def half_widths(moments, tested, train_size):
    """Returns the half-width of each of METHODS, in points."""
    noise = noise_of(moments, 0)
    repeats = moments.layout.num_repeats
    critical = student_t.isf(LEVEL / 2, repeats - 1)
    test_size = tested.sum() / repeats
    return (
        interval_around(0.0, *noise.standard_error(), LEVEL).high,
        critical * np.sqrt(noise.between / repeats),
        critical * np.sqrt(noise.between * (1 / repeats + test_size / train_size)),
        norm.isf(LEVEL / 2) * np.sqrt(noise.testing),
    )


def simulated_coverage(design, noise, num_rows, num_repeats, setting, simulations, seed):
    """Returns one cell per method: coverage in per cent, and median half-width in points."""
    ratio, row_share = setting
    train_size = int(ratio * num_rows)
    tested = np.ones((num_repeats, num_rows), bool) if design == "fixed" else rotating_pattern(num_repeats, num_rows)
    layout = layout_of(tested, design=design, train_size=train_size)
    root = np.eye(num_repeats) if design == "fixed" else training_root(tested, train_size, row_share)
    draws = generator(seed, "coverage", design, noise, num_rows, num_repeats, str(setting))
    widths = np.empty((simulations, len(METHODS)))
    errors = np.empty(simulations)
    for index in range(simulations):
        differences = draw_differences(noise, tested, root, draws)
        moments = paired_moments(POINTS * differences[None], tested, layout)
        errors[index] = abs(moments.gains[0] - POINTS * GAIN)
        widths[index] = half_widths(moments, tested, train_size)
    covered = 100 * (errors[:, None] <= widths).mean(axis=0)
    return [f"{share:.1f} ({width:.2f})" for share, width in zip(covered, np.median(widths, axis=0), strict=True)]


def coverage_table(design, simulations, seed):
    """Prints the coverage of meltpoint's interval at 2, 3, 5 and 10 repeats, and of the others at 5."""
    settings = [(1.0, 0.0)] if design == "fixed" else [(0.1, 0.5), (0.8, 0.5), (0.8, 1.0)]
    print(f"\n### {design}: coverage % (median half-width, points), {simulations} simulations\n")
    others = " | ".join(f"{method}, R=5" for method in METHODS[1:])
    print(f"| noise | rows | training rows, row share | R=2 | R=3 | R=5 | R=10 | {others} |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for noise, num_rows, setting in itertools.product(NOISES, (500, 5000, 10_000), settings):
        cells = {
            repeats: simulated_coverage(design, noise, num_rows, repeats, setting, simulations, seed)
            for repeats in (2, 3, 5, 10)
        }
        ours = " | ".join(cells[repeats][0] for repeats in cells)
        named = "any" if design == "fixed" else f"{setting[0]:.0%}, {setting[1]}"
        print(f"| {noise} | {num_rows} | {named} | {ours} | {' | '.join(cells[5][1:])} |", flush=True)


def winner_table(simulations, seed):
    """Prints how often 8 candidates without any gain, looked at after 3, 5 and 10 repeats, yield a winner."""
    num_rows, num_policies, looks = 1000, 8, (3, 5, 10)
    levels = look_levels(looks, max(looks), alpha=LEVEL)
    names = [f"policy-{index}" for index in range(num_policies)]
    print(f"\n### a winner named where there is none, % of {simulations} studies ({num_policies} candidates)\n")
    print("| design | noise | meltpoint, looks paid for | every look at .05, per candidate |")
    print("|---|---|---|---|")
    for design, noise in itertools.product(("fixed", "rotating"), ("typical", "seed-noisy", "test-set-noisy")):
        draws = generator(seed, "winners", design, noise)
        pattern = np.ones((10, num_rows), dtype=bool) if design == "fixed" else rotating_pattern(10, num_rows)
        of_training, of_rows, of_residual = NOISES[noise]
        root = np.eye(10) if design == "fixed" else training_root(pattern, 400, 0.5)
        named = careless = 0
        for _ in range(simulations):
            # Half the variance of every effect is common to all candidates: they differ from the same frozen model.
            def mixed(shape, draws=draws):
                return np.sqrt(0.5) * (draws.standard_normal(shape) + draws.standard_normal((num_policies, *shape)))

            gains = of_training * (mixed((10,)) @ root.T)[:, :, None] + of_rows * mixed((1, num_rows))
            gains = np.where(pattern, gains + of_residual * mixed((10, num_rows)), np.nan)
            won = won_careless = False
            for look in looks:
                scores = dict(zip(names, gains[:, :look], strict=True)) | {"frozen": 0 * gains[0, :look]}
                comparison = compare(
                    scores, design=design, train_size=400, candidates=names, level=levels[look], seed=seed
                )
                decision = decide(comparison, rope_points=0, trainable_parameters=dict.fromkeys(names, 1))
                won |= decision.word == "fine-tune"
                won_careless |= any(
                    interval_around(gain.points, *gain.noise.standard_error(), LEVEL).low > 0
                    for gain in comparison.candidates
                )
            named += won
            careless += won_careless
        print(
            f"| {design} | {noise} | {100 * named / simulations:.1f} | {100 * careless / simulations:.1f} |", flush=True
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", choices=("fixed", "rotating", "winners", "all"), default="all")
    arguments = parser.parse_args()
    for design in ("fixed", "rotating"):
        if arguments.table in (design, "all"):
            coverage_table(design, arguments.simulations, arguments.seed)
    if arguments.table in ("winners", "all"):
        winner_table(arguments.simulations, arguments.seed)


if __name__ == "__main__":
    main()
