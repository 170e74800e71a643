"""The melting points of the data sets of the pool: all repeats on all test rows, by the product's rules."""

from pathlib import Path

from populations import POINTS, read_population
from replaying import ARMS, ROPE_POINTS

from meltpoint.verdict import compare_sizes, joint_gains, melting_point
from meltpoint.verdict.melting import Standing

LEVEL = 0.05


def melting_rows(folder: Path, data: list[str], sizes: list[int], architecture: str) -> list[tuple[str, ...]]:
    """Returns for each data set the scores of frozen, the best gain at each size, and where the melting point lies."""
    rows = []
    for name in data:
        population = read_population(folder, name, sizes, ARMS, architecture)
        if len(population.right) < 2:
            continue
        used = population.num_repeats
        scores = {size: {p: r[:used].astype(float) for p, r in of.items()} for size, of in population.right.items()}
        candidates = [policy for policy in ARMS[1:] if policy in scores[population.sizes[-1]]]
        comparisons = compare_sizes(
            scores, design="fixed", candidates=candidates, level=LEVEL, rope_points=ROPE_POINTS, seed=0
        )
        gains = joint_gains(scores, design="fixed", candidates=candidates)
        standing = Standing(gains=gains, level=LEVEL, num_retired=0)
        found = melting_point(comparisons, [standing], rope_points=ROPE_POINTS, seed=0)
        cells = []
        for size, comparison in comparisons.items():
            best = max(comparison.candidates, key=lambda gain: gain.points)
            cells.append(f"{best.policy} {best.points:+.1f} ({best.low:+.1f} to {best.high:+.1f}) at {size:,}")
        frozen = ", ".join(f"{POINTS * scores[size]['frozen'].mean():.1f}" for size in scores)
        rows.append((name, architecture, str(used), frozen, "<br>".join(cells), found.sentence))
    return rows
