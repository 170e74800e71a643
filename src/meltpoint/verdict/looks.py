"""Interim looks, paid for: when a growing study is looked at, and how much error each look may make.

A study that stops as soon as it is decided looks several times at the same data. The error of all looks together is
released by a spending function (Lan & DeMets 1983) that has no last look,

    spent(R) = alpha * R^3 / (R^3 + 6^3),

and a look's level is such that what it has beyond the looks before it is its share of that. Looks at the same gain
overlap: they share the test rows and all earlier repeats, so that an interval which missed the truth now has mostly
missed it before. How much so follows from the noise measured; see ``boundaries``. A study that ended undecided may
be given more repeats, whatever it has shown. An interval at a look's level, read at whichever look the study stopped,
is a repeated confidence interval (Jennison & Turnbull 1984): over all looks at once it misses the truth with
probability alpha at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from meltpoint.errors import InputError
from meltpoint.verdict.boundaries import level_of_look
from meltpoint.verdict.enlarging import enlarged
from meltpoint.verdict.intervals import Noise

ALPHA = 0.05
"""The error of a study."""

HALF_SPENT_REPEATS = 6
"""Half of the error is released by so many repeats. Looks after 3, 5, 10 and 20 repeats release 0.006, 0.013, 0.023 and
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


def look_shares(looks: Sequence[int]) -> dict[int, float]:
    """Returns the error that each look releases: a level that is safe however the looks depend on each other.

    Args:
        looks: Repeats after which the study is looked at, rising.

    Returns:
        Look to share. The shares add up to less than ``ALPHA``.

    Raises:
        InputError: If the looks do not rise from 1 or more.

    >>> {look: round(share, 4) for look, share in look_shares([3, 5, 10]).items()}
    {3: 0.0056, 5: 0.0128, 10: 0.0228}
    """
    if not looks or looks[0] < 1 or any(before >= after for before, after in pairwise(looks)):
        raise InputError(f"Looks must rise from 1 repeat or more, each taken once; they are {list(looks)}.")
    spent = [_spent(look) for look in (0, *looks)]
    return {look: after - before for look, (before, after) in zip(looks, pairwise(spent), strict=True)}


def _spent(repeats: int) -> float:
    return ALPHA * repeats**3 / (repeats**3 + HALF_SPENT_REPEATS**3)


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at a growing study.

    The moments of looks must not be chosen by looking at results. That no look follows may be: what is released later
    is then not used.

    Attributes:
        repeats: After which it is taken.
        num_policies: Candidates that the study began with.
        before: Repeats and level of every look before it, in order.
    """

    repeats: int
    num_policies: int
    before: tuple[tuple[int, float], ...] = ()

    @property
    def share(self) -> float:
        """The error released since the look before.

        Raises:
            InputError: If the looks do not rise from 1 or more.
        """
        return look_shares([*(repeats for repeats, _ in self.before), self.repeats])[self.repeats]

    def level(self, noises: Sequence[Noise]) -> float:
        """Returns the error that this look may make over all policies: its share, and what earlier looks made as well.

        Each policy has its part of the error, whatever the others show (Bonferroni), and the level is that of the
        policy whose looks overlap least.

        Args:
            noises: Of each policy's gain, as measured at this look, at the size that decides.

        Returns:
            Between :attr:`share` and what is spent by now.

        Raises:
            InputError: If the looks do not rise from 1 or more.
        """
        share = self.share
        # One repeat has no interval, so nothing was ever missed then.
        before = [(repeats, level) for repeats, level in self.before if repeats > 1]
        if not before or not all(noise.layout.is_measurable for noise in noises):
            return share
        levels = [level / self.num_policies for _, level in before]
        moments = [*(repeats for repeats, _ in before), self.repeats]
        least = min(
            level_of_look(
                [enlarged(noise, repeats, noise.layout.num_columns).standard_error()[0] for repeats in moments],
                levels,
                share / self.num_policies,
            )
            for noise in noises
        )
        return min(max(self.num_policies * least, share), _spent(self.repeats))

    def followed(self, level: float, repeats: int) -> "Look":
        """Returns a later look, after this one was taken at a level."""
        return Look(repeats=repeats, num_policies=self.num_policies, before=(*self.before, (self.repeats, level)))
