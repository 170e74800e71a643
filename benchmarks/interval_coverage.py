"""How often do the intervals cover, how wide are they, and how often is a winner named where there is none?

    python benchmarks/interval_coverage.py [--simulations 1000] [--seed 0]
        [--table fixed|rotating|studies|controls|winners|all]

Prints Markdown tables; docs/statistics.md keeps them. Studies are drawn from the model

    d[r, i] = gain + T[r] + X[i] + E[r, i]

either with normal X and E, or with d in {-1, 0, 1}: right or wrong answers. In the rotating design a part ("row share")
of the variance of T comes from the training rows, and correlates between repeats as much as their training sets
overlap; the rest comes from the seed. Intervals are those of ``meltpoint.verdict`` for a single gain and three that are
often seen. The table of studies has whole ones: right or wrong answers of frozen and four candidates at three training
sizes, whose training noise is pooled.
"""

import argparse
import itertools

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm
from scipy.stats import t as student_t

from meltpoint.randomness import generator
from meltpoint.verdict import Look, compare, decide, look_shares
from meltpoint.verdict.intervals import interval_around, noise_of
from meltpoint.verdict.layout import layout_of
from meltpoint.verdict.moments import POINTS, paired_moments
from meltpoint.verdict.multiplicity import gain_correlation, simultaneous_level
from meltpoint.verdict.pooling import pooled_training

LEVEL = 0.05
NUM_FOLDS = 5
GAIN = 0.01
NOISES = {  # standard deviations of T, X, E
    "typical": (0.008, 0.30, 0.30),
    "seed-noisy": (0.020, 0.20, 0.30),
    "test-set-noisy": (0.002, 0.35, 0.20),
    "typical, right/wrong": (0.008, None, None),
}
STUDY_SIZES = (0.05, 0.2, 0.8)  # training rows, as shares of all
STUDY_NOISES = {  # sd of a gain's training noise in points; factors of the four policies, and of the three sizes
    "0.5 alike": (0.5, (1, 1, 1, 1), (1, 1, 1)),
    "1.2 alike": (1.2, (1, 1, 1, 1), (1, 1, 1)),
    "2 alike": (2.0, (1, 1, 1, 1), (1, 1, 1)),
    "1.2, a policy x 2": (1.2, (2, 1, 1, 1), (1, 1, 1)),
    "2, a policy x 2": (2.0, (2, 1, 1, 1), (1, 1, 1)),
    "1.2, largest size x 2": (1.2, (1, 1, 1, 1), (0.5, 0.5, 1)),
    "2, largest size x 2": (2.0, (1, 1, 1, 1), (0.5, 0.5, 1)),
    "1.2, largest size / 2": (1.2, (1, 1, 1, 1), (2, 2, 1)),
    "1.2, both x 2": (1.2, (2, 1, 1, 1), (0.5, 0.5, 1)),
    "2, both x 2": (2.0, (2, 1, 1, 1), (0.5, 0.5, 1)),
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
    noise = noise_of(moments, 0, pooled_training([moments])[0][0])
    between = float(moments.between[0, 0])
    repeats = moments.layout.num_repeats
    critical = student_t.isf(LEVEL / 2, repeats - 1)
    test_size = tested.sum() / repeats
    return (
        interval_around(0.0, *noise.standard_error(), LEVEL).high,
        critical * np.sqrt(between / repeats),
        critical * np.sqrt(between * (1 / repeats + test_size / train_size)),
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


def draw_study(tested, roots, training, draws):
    """Draws the gains of four policies over frozen, none of them real, at every size.

    Rows are answered right with probability 0.8 + T: a normal score falls below that quantile, a score that all models
    share in part, so that two of them disagree on a quarter of the rows. Frozen's T has half the variance of an
    ordinary gain's, and T correlates by 0.3 between sizes.

    Args:
        tested: (R, N) bool.
        roots: By size, a root of the correlation of T between repeats.
        training: (P, S) standard deviations of the gains' training noise, in points.
        draws: The generator.

    Returns:
        By size, (P, R, N) differences in points.
    """
    num_policies, num_sizes = training.shape
    repeat, row = np.nonzero(tested)
    of_frozen = np.square(training).min(axis=0) / 2
    own = np.sqrt(np.vstack([of_frozen, np.square(training) - of_frozen])) / POINTS
    independent = draws.standard_normal((1 + num_policies, num_sizes, len(tested)))
    over_sizes = draws.standard_normal((1 + num_policies, 1, len(tested)))
    mixed = np.sqrt(0.7) * independent + np.sqrt(0.3) * over_sizes
    easy_row = np.sqrt(0.55) * draws.standard_normal(tested.shape[1])[row]
    gains = []
    for size, root in enumerate(roots):
        chance = 0.8 + (own[:, size, None] * (mixed[:, size] @ root.T))[:, repeat]
        scores = ndtr(easy_row + np.sqrt(0.45) * draws.standard_normal((1 + num_policies, len(row)))) < chance
        differences = np.zeros((num_policies, *tested.shape))
        differences[:, repeat, row] = POINTS * (scores[1:].astype(float) - scores[0])
        gains.append(differences)
    return gains


def simulated_studies(design, noise, num_rows, num_repeats, level, row_share, simulations, seed):
    """Returns one cell, pooled / each gain alone: coverage of the worst policy, of the family, its half-width."""
    training_sd, of_policies, of_sizes = STUDY_NOISES[noise]
    tested = np.ones((num_repeats, num_rows), bool) if design == "fixed" else rotating_pattern(num_repeats, num_rows)
    train_sizes = [int(share * num_rows) for share in STUDY_SIZES]
    layouts = [layout_of(tested, design=design, train_size=size) for size in train_sizes]
    roots = [
        np.eye(num_repeats) if design == "fixed" else training_root(tested, size, row_share) for size in train_sizes
    ]
    draws = generator(seed, "studies", design, noise, num_rows, num_repeats, str(row_share))
    covered = np.empty((simulations, 2, len(of_policies)))
    all_covered, widths = np.empty((2, simulations, 2))
    for index in range(simulations):
        gains = draw_study(tested, roots, training_sd * np.outer(of_policies, of_sizes), draws)
        moments = [paired_moments(gain, tested, layout) for gain, layout in zip(gains, layouts, strict=True)]
        largest = moments[-1]
        own_level = simultaneous_level(gain_correlation(largest), level, draws)
        alone = [pooled_training([largest.of_policy(policy)])[0][0] for policy in range(len(of_policies))]
        for way, estimates in enumerate((pooled_training(moments)[-1], alone)):
            noises = [noise_of(largest, policy, estimate) for policy, estimate in enumerate(estimates)]
            single, together = (
                np.array([interval_around(0.0, *noise.standard_error(), error).high for noise in noises])
                for error in (LEVEL, own_level)
            )
            covered[index, way] = np.abs(largest.gains) <= single
            all_covered[index, way] = (np.abs(largest.gains) <= together).all()
            widths[index, way] = together[-1]
    return " / ".join(
        f"{100 * worst:.1f}, {100 * family:.1f} ({width:.1f})"
        for worst, family, width in zip(
            covered.mean(axis=0).min(axis=1), all_covered.mean(axis=0), np.median(widths, axis=0), strict=True
        )
    )


def study_table(simulations, seed):
    """Prints coverage and half-widths of pooled intervals at the largest size, at the levels of the default looks."""
    repeats = (2, 3, 5, 10)
    levels = look_shares(repeats[1:]) | look_shares(repeats[:1])
    print(
        f"\n### studies: coverage % of the worst policy, of all four (half-width, points), {simulations} simulations\n"
    )
    nominal = " | ".join(f"R={count}, {100 * (1 - levels[count]):.1f}" for count in repeats)
    print(f"| design, rows | training noise | {nominal} |")
    print("|---|---|---|---|---|---|")
    settings = [("rotating", 5000, 0.5, noise) for noise in STUDY_NOISES]
    settings += [("rotating", 5000, 2 / 3, "2 alike")]
    some = ("1.2 alike", "2, a policy x 2", "2, largest size x 2", "2, both x 2")
    settings += [
        (design, rows, 0.5, noise)
        for design, rows in (("rotating", 500), ("rotating", 12_000), ("fixed", 1000))
        for noise in some
    ]
    for design, num_rows, row_share, noise in settings:
        cells = [
            simulated_studies(design, noise, num_rows, count, levels[count], row_share, simulations, seed)
            for count in repeats
        ]
        named = noise if row_share == 0.5 else f"{noise}, row share {row_share:.2f}"
        print(f"| {design}, {num_rows} | {named} | {' | '.join(cells)} |", flush=True)


def control_table(simulations, seed):
    """Prints the coverage of a control's 95% interval in rotating folds: one gain, at all sizes of a study."""
    num_rows, row_share = 5000, 0.5
    print(f"\n### controls, rotating, {num_rows} rows: coverage % (half-width, points), {simulations} simulations\n")
    print("| training noise | R=3 | R=5 | R=10 |")
    print("|---|---|---|---|")
    train_sizes = [int(one * num_rows) for one in STUDY_SIZES]
    for training_sd in (1.0, 1.2, 2.0, 2.4):
        cells = []
        for num_repeats in (3, 5, 10):
            tested = rotating_pattern(num_repeats, num_rows)
            layouts = [layout_of(tested, design="rotating", train_size=size) for size in train_sizes]
            roots = [training_root(tested, size, row_share) for size in train_sizes]
            draws = generator(seed, "controls", str(training_sd), num_repeats)
            covered, widths = np.empty((2, simulations))
            training = np.full((1, len(train_sizes)), training_sd)
            for index in range(simulations):
                gains = draw_study(tested, roots, training, draws)
                moments = [paired_moments(gain, tested, layout) for gain, layout in zip(gains, layouts, strict=True)]
                noise = noise_of(moments[-1], 0, pooled_training(moments)[-1][0])
                widths[index] = interval_around(0.0, *noise.standard_error(), LEVEL).high
                covered[index] = abs(moments[-1].gains[0]) <= widths[index]
            cells.append(f"{100 * covered.mean():.1f} ({np.median(widths):.2f})")
        print(f"| {training_sd:g} | {' | '.join(cells)} |", flush=True)


def winner_table(simulations, seed):
    """Prints how often 8 candidates without any gain, looked at after 3, 5 and 10 repeats, yield a winner."""
    num_rows, num_policies, looks = 1000, 8, (3, 5, 10)
    names = [f"policy-{index}" for index in range(num_policies)]
    print(f"\n### a winner named where there is none, % of {simulations} studies ({num_policies} candidates)\n")
    print("| design | noise | meltpoint, looks and policies paid for | every look and policy at .05 |")
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
            look = Look(repeats=looks[0], num_policies=num_policies)
            for repeats, following in itertools.zip_longest(looks, looks[1:]):
                scores = dict(zip(names, gains[:, :repeats], strict=True)) | {"frozen": 0 * gains[0, :repeats]}
                comparison = compare(scores, design=design, train_size=400, candidates=names, level=look, seed=seed)
                decision = decide(comparison, rope_points=0, trainable_parameters=dict.fromkeys(names, 1))
                if following:
                    look = look.followed(comparison.level, following)
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
    parser.add_argument(
        "--table", choices=("fixed", "rotating", "studies", "controls", "winners", "all"), default="all"
    )
    arguments = parser.parse_args()
    for design in ("fixed", "rotating"):
        if arguments.table in (design, "all"):
            coverage_table(design, arguments.simulations, arguments.seed)
    if arguments.table in ("studies", "all"):
        study_table(arguments.simulations, arguments.seed)
    if arguments.table in ("controls", "all"):
        control_table(arguments.simulations, arguments.seed)
    if arguments.table in ("winners", "all"):
        winner_table(arguments.simulations, arguments.seed)


if __name__ == "__main__":
    main()
