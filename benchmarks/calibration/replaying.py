"""One study drawn from a population and followed, look by look, through the product's own rules."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from populations import Population
from simulated import Simulated

from meltpoint.randomness import Generator
from meltpoint.run.options import DEFAULT_REPEATS
from meltpoint.verdict import (
    Comparison,
    Decision,
    Design,
    Look,
    compare_sizes,
    decide,
    default_looks,
    hopeless,
    may_end,
    with_retired,
)

NUM_FOLDS = 5
MAX_REPEATS = DEFAULT_REPEATS
ROPE_POINTS = 0.5
ARMS = ("frozen", "fine-tuned", "scaled", "anchored")
# The more a policy moves, the later it is preferred among equals: as the product counts trained parameters.
PARAMETERS = {"anchored": 2, "fine-tuned": 2, "scaled": 2}

Scores = Mapping[int, Mapping[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The scores of a study: size to policy to (R, N), NaN where a repeat did not test a row."""

    scores: Scores
    design: Design


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How a study ended: after so many repeats, and so many searches at each size."""

    repeats: int
    trained: int
    comparison: Comparison
    decision: Decision

    @property
    def names_a_winner(self) -> bool:
        """Whether one side is called credibly better."""
        return self.decision.word in ("fine-tune", "freeze")


def test_pattern(design: Design, num_repeats: int, num_rows: int, draws: Generator) -> np.ndarray:
    """Returns (R, N) bool: all rows in every repeat, or the folds of partitions drawn anew at every rotation."""
    if design == "fixed":
        return np.ones((num_repeats, num_rows), dtype=bool)
    rotations = -(-num_repeats // NUM_FOLDS)
    fold_of = np.stack([draws.permutation(num_rows) % NUM_FOLDS for _ in range(rotations)])
    return np.stack([fold_of[r // NUM_FOLDS] == r % NUM_FOLDS for r in range(num_repeats)])


UNTESTED_ROWS = 40_000
"""Rows that a study drawn from the pool is said to have beside those that it tests, where folds rotate.

A study corrects for training sets that overlap. Repeats of the pool are drawn independently, as if from endless data:
to correct for an overlap that has no effect here would only hide how wide the rest of the interval is. Simulated
studies do overlap, and have no such rows.
"""


def with_untested_rows(scores: np.ndarray) -> np.ndarray:
    """Returns (R, N) scores with columns of rows that no repeat tests."""
    return np.pad(scores, ((0, 0), (0, UNTESTED_ROWS)), constant_values=np.nan)


def draw_study(
    population: Population | Simulated,
    design: Design,
    num_repeats: int,
    num_rows: int,
    draws: Generator,
    *,
    rows: np.ndarray | None = None,
    pool: np.ndarray | None = None,
) -> Drawn:
    """Draws a study's test rows and repeats.

    Args:
        population: Drawn from.
        design: ``"fixed"`` or ``"rotating"``.
        num_repeats: R.
        num_rows: N; test rows, or all rows where folds rotate.
        draws: The generator.
        rows: (N,) rows of the population to use instead of drawing them.
        pool: Repeats of the population to draw from; by default all.
    """
    if isinstance(population, Simulated):
        tested = test_pattern(design, num_repeats, num_rows, draws)
        return Drawn(scores=population.draw(tested, draws), design=design)
    if rows is None:
        rows = draws.integers(population.num_rows, size=num_rows)
    choices = np.arange(population.num_repeats) if pool is None else pool
    tested = test_pattern(design, num_repeats, len(rows), draws)
    arms = ARMS if population.alike else tuple(next(iter(population.right.values())))
    # In a repeat all policies share the draw; arms that are the same policy must not.
    shape = (len(arms), num_repeats) if population.alike else (1, num_repeats)
    chosen = np.broadcast_to(choices[draws.integers(len(choices), size=shape)], (len(arms), num_repeats))
    scores = {
        size: {
            arm: np.where(tested, of_size[population.alike or arm][repeats][:, rows], np.nan)
            for arm, repeats in zip(arms, chosen, strict=True)
        }
        for size, of_size in population.right.items()
    }
    if design == "rotating":
        scores = {size: {arm: with_untested_rows(one) for arm, one in arms.items()} for size, arms in scores.items()}
    return Drawn(scores=scores, design=design)


def follow(
    study: Drawn, max_repeats: int, seed: int, *, give_up: bool = True, levels: Mapping[int, float] | None = None
) -> Replay:
    """Takes the looks of a study until it is decided, or at its last repeat; gives up the hopeless on the way.

    Args:
        study: What is looked at.
        max_repeats: The study ends here at the latest.
        seed: Of the simulations behind intervals and regret.
        give_up: Whether hopeless policies are given up.
        levels: Look to level, instead of what the product makes of the looks before.
    """
    largest = max(study.scores)
    candidates = tuple(policy for policy in study.scores[largest] if policy != "frozen")
    kept: dict[str, Mapping[int, Comparison]] = {}
    looks = default_looks(max_repeats)
    taken = Look(repeats=looks[0], num_policies=len(candidates))
    trained = looks[0] * (1 + len(candidates))
    for place, look in enumerate(looks):
        seen = {
            size: {policy: matrix[:look] for policy, matrix in of_size.items()}
            for size, of_size in study.scores.items()
        }
        active = compare_sizes(
            seen,
            design=study.design,
            candidates=[policy for policy in candidates if policy not in kept],
            num_retired=len(kept),
            level=levels[look] if levels else taken,
            rope_points=ROPE_POINTS,
            seed=seed,
        )
        comparisons = with_retired(active, kept, candidates)
        decision = decide(active[largest], trainable_parameters=PARAMETERS)
        if look == looks[-1] or may_end(active[largest], decision, looks[place + 1 :]):
            break
        taken = taken.followed(active[largest].level, looks[place + 1])
        if give_up:
            kept |= dict.fromkeys(hopeless(active[largest], decision.recommendation), comparisons)
        trained += (looks[place + 1] - look) * (1 + len(candidates) - len(kept))
    return Replay(repeats=look, trained=trained, comparison=comparisons[largest], decision=decision)
