"""Interim looks, paid for: how much error each look at a growing study may spend.

A study that stops as soon as it is decided looks several times at the same data. Each look gets its own share of the
error, released by a spending function (Lan & DeMets 1983) that has no last look,

    spent(R) = alpha * R^3 / (R^3 + 6^3),

and is judged at that share alone: what has been released up to its repeats and not been spent by the look before. The
shares add up to less than alpha however many looks follow, so the union bound holds under any dependence between
looks, and a study that ended undecided may be given more repeats, whatever it has shown. An interval at a look's level,
read at whichever look the study stopped, is a repeated confidence interval (Jennison & Turnbull 1984): over all looks
at once it misses the truth with probability alpha at most.
"""

from collections.abc import Sequence
from itertools import pairwise

from meltpoint.errors import InputError

HALF_SPENT_REPEATS = 6
"""Half of the error is released by so many repeats. Looks after 3, 5, 10 and 20 repeats spend 0.006, 0.013, 0.023 and
0.008 of 0.05: three repeats decide little, so little is spent on them, and ten are where most studies end.
docs/calibration compares this with other ways to spend it."""


def default_looks(max_repeats: int) -> tuple[int, ...]:
    """Returns the repeats after which to look: 3, 5, 10, 20, 40, ..., and the last.

    Two repeats say too little about training noise to be worth error, and a look shortly before the last is dropped.

    >>> default_looks(10), default_looks(2)
    ((3, 5, 10), (2,))
    """
    if max_repeats < 1:
        raise InputError(f"A study has at least 1 repeat; max_repeats is {max_repeats}.")
    looks = []
    look = 3
    while look < 0.85 * max_repeats:
        looks.append(look)
        look = 5 if look == 3 else 2 * look
    return (*looks, max_repeats)


def look_levels(looks: Sequence[int], alpha: float = 0.05) -> dict[int, float]:
    """Returns the error that each look may spend.

    The moments of looks must not be chosen by looking at results. That no look follows may be: what is released later
    is then not used.

    Args:
        looks: Repeats after which the study is looked at, rising.
        alpha: The error of the whole study.

    Returns:
        Look to level. The levels add up to less than ``alpha``.

    Raises:
        InputError: If the looks do not rise from 1 or more.

    >>> {look: round(level, 4) for look, level in look_levels([3, 5, 10]).items()}
    {3: 0.0056, 5: 0.0128, 10: 0.0228}
    """
    if not looks or looks[0] < 1 or any(before >= after for before, after in pairwise(looks)):
        raise InputError(f"Looks must rise from 1 repeat or more, each taken once; they are {list(looks)}.")
    spent = [_spent(look, alpha) for look in (0, *looks)]
    return {look: after - before for look, (before, after) in zip(looks, pairwise(spent), strict=True)}


def _spent(repeats: int, alpha: float) -> float:
    return alpha * repeats**3 / (repeats**3 + HALF_SPENT_REPEATS**3)
