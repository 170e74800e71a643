"""Populations of studies made of the pool: what is drawn from, and the truth about it.

The pool's repeats and its test rows *are* the population. A study draws repeats and rows from it independently and with
replacement, so that its training draws and its test rows are random, crossed, and real, and the mean over the whole
pool is the exact truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pooled import Cell, read_right

from meltpoint.randomness import Generator

POINTS = 100.0


@dataclass(frozen=True, kw_only=True)
class Population:
    """Right answers of every policy at every size.

    Attributes:
        name: The data set.
        right: Size to policy to (R, T) bool: repeat r of the pool right on test row t.
        alike: Whether the arms of a study are all to be drawn from one policy (A/A).
    """

    name: str
    right: Mapping[int, Mapping[str, np.ndarray]]
    alike: str | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Training sizes, rising."""
        return tuple(sorted(self.right))

    @property
    def num_repeats(self) -> int:
        """Repeats that every cell has."""
        return min(len(right) for of_size in self.right.values() for right in of_size.values())

    @property
    def num_rows(self) -> int:
        """T, the test rows."""
        return next(iter(next(iter(self.right.values())).values())).shape[1]

    def truth(self, size: int) -> dict[str, float]:
        """Returns the true score of every policy in points."""
        used = self.num_repeats
        return {policy: POINTS * float(right[:used].mean()) for policy, right in self.right[size].items()}


def read_population(folder: Path, data: str, sizes: Sequence[int], policies: Sequence[str], architecture: str):
    """Reads the population of a data set; sizes and policies that were not trained yet are left out."""
    found: dict[int, dict[str, np.ndarray]] = {}
    for size in sizes:
        of_size = {
            policy: read_right(folder, Cell(data=data, architecture=architecture, policy=policy, size=size))
            for policy in policies
        }
        if len(of_size["frozen"]):
            found[size] = {policy: right for policy, right in of_size.items() if len(right)}
    common = set.intersection(*(set(of_size) for of_size in found.values())) if found else set()
    return Population(
        name=data,
        right={size: {p: r for p, r in of_size.items() if p in common} for size, of_size in found.items()},
    )


def with_gains(population: Population, gains: Mapping[str, float], draws: Generator) -> Population:
    """Returns the population in which policies truly gain so many points over frozen at every size.

    Answers of a policy on which it differs from frozen, drawn at random, are turned into frozen's: from right to wrong
    where it gains too much, from wrong to right where too little. Which rows favour which policy stays.
    """
    changed: dict[int, dict[str, np.ndarray]] = {}
    used = population.num_repeats
    for size, of_size in population.right.items():
        frozen = of_size["frozen"][:used]
        changed[size] = {"frozen": frozen}
        for policy, gain in gains.items():
            right = of_size[policy][:used].copy()
            wanted = round(gain / POINTS * frozen.size)
            surplus = int(right.sum()) - int(frozen.sum()) - wanted
            candidates = np.flatnonzero(right & ~frozen if surplus > 0 else ~right & frozen)
            if abs(surplus) > len(candidates):
                raise ValueError(f"{population.name}: {policy} cannot be given a gain of {gain} points.")
            turned = draws.permutation(candidates)[: abs(surplus)]
            right.ravel()[turned] = surplus < 0
            changed[size][policy] = right
    return Population(name=population.name, right=changed)


def all_alike(population: Population, policy: str) -> Population:
    """Returns the population of A/A studies: every arm is the same policy, and no arm is better."""
    return Population(
        name=population.name,
        right={size: {policy: of_size[policy]} for size, of_size in population.right.items()},
        alike=policy,
    )
