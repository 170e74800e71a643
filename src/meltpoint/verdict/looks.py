"""Interim looks, paid for: how much error each look at a growing study may spend.

A study that stops as soon as it is decided looks several times at the same data. Each look gets its own share of the
error, released by a spending function (Lan & DeMets 1983; the power family of Kim & DeMets 1987),

    spent(R) = alpha * (R / R_max)^1.5,

and is judged at that share alone. The shares add up to alpha, so the union bound holds under any dependence between
looks. An interval at a look's level, read at whichever look the study stopped, is a repeated confidence interval
(Jennison & Turnbull 1984): over all looks at once it misses the truth with probability alpha at most.
"""

from collections.abc import Sequence
from itertools import pairwise

from meltpoint.errors import InputError

SPENDING_POWER = 1.5
"""1 spends evenly per repeat; more keeps error for later looks. At 1.5, looks after 3, 5 and 10 of 10 repeats spend
0.008, 0.009 and 0.032 of 0.05."""


def default_looks(max_repeats: int) -> tuple[int, ...]:
    """Returns the repeats after which to look: 3, 5, 10, 20, 40, ..., and the last.

    Two repeats say too little about training noise to be worth error, and a look shortly before the last is dropped.

    >>> default_looks(10), default_looks(2)
    ((3, 5, 10), (2,))
    """
    _check_max_repeats(max_repeats)
    looks = []
    look = 3
    while look < 0.85 * max_repeats:
        looks.append(look)
        look = 5 if look == 3 else 2 * look
    return (*looks, max_repeats)


def look_levels(looks: Sequence[int], max_repeats: int, alpha: float = 0.05) -> dict[int, float]:
    """Returns the error that each planned look may spend.

    Args:
        looks: Repeats after which the study is looked at, rising.
        max_repeats: The most repeats the study may have; the last look, where all of ``alpha`` is to be used.
        alpha: The error of the whole study.

    Returns:
        Look to level. The levels add up to ``alpha`` when the last look is ``max_repeats``, to less otherwise.

    Raises:
        InputError: If the looks do not rise within 1 to ``max_repeats``.
    """
    _check_looks(looks, max_repeats)
    spent = [_spent(look, max_repeats, alpha) for look in (0, *looks)]
    return {look: after - before for look, (before, after) in zip(looks, pairwise(spent), strict=True)}


def level_at(
    repeats: int, previous_looks: Sequence[int], max_repeats: int, alpha: float = 0.05, *, final: bool = False
) -> float:
    """Returns the error that an unplanned look may spend, such as the one of a study ended by its time budget.

    The moment must not have been chosen by looking at results. By default the look gets what has been released up to
    ``repeats`` and not been spent, so a study resumed afterwards still keeps its promise. A study that certainly ends
    here (``final``) may use up all of ``alpha`` that is left.

    Args:
        repeats: Complete repeats at this look.
        previous_looks: The looks taken before, rising.
        max_repeats: The most repeats the study could have had.
        alpha: The error of the whole study.
        final: Whether no look can follow.

    Returns:
        The level of this look.

    Raises:
        InputError: If the looks do not rise to ``repeats`` within 1 to ``max_repeats``.
    """
    _check_looks((*previous_looks, repeats), max_repeats)
    before = _spent(previous_looks[-1], max_repeats, alpha) if previous_looks else 0.0
    return (alpha if final else _spent(repeats, max_repeats, alpha)) - before


def _spent(repeats: int, max_repeats: int, alpha: float) -> float:
    return float(alpha * (repeats / max_repeats) ** SPENDING_POWER)


def _check_max_repeats(max_repeats: int) -> None:
    if max_repeats < 1:
        raise InputError(f"A study has at least 1 repeat; max_repeats is {max_repeats}.")


def _check_looks(looks: Sequence[int], max_repeats: int) -> None:
    _check_max_repeats(max_repeats)
    rising = all(before < after for before, after in pairwise(looks))
    if not (looks and rising and looks[0] >= 1 and looks[-1] <= max_repeats):
        raise InputError(f"Looks must rise within 1 to {max_repeats} repeats, each taken once; they are {list(looks)}.")
