"""What absence does to a row under a rule, and the numbers that say what it has done."""

import math
from dataclasses import dataclass

# What lies beyond the window is below 2**-32 of the whole sum: float32 rounds at 2**-24.
WINDOW_REMAINDER = 2.0**-32
# Columns of the coefficients: a row goes SHARE of the way to its target, then moves by its momentum times
# (OVER_ROOT * r + OVER_ONE) / (r^2 + UNDER_ROOT * r + UNDER_ONE), with r the root of its second moment (Adam), or times
# OVER_ROOT (momentum alone); then its moments shrink by KEEP_1 and KEEP_2.
SHARE, OVER_ROOT, OVER_ONE, UNDER_ROOT, UNDER_ONE, KEEP_1, KEEP_2 = range(7)
NUM_COEFFICIENTS = 7


@dataclass(frozen=True, kw_only=True)
class Coasting:
    """How a rule treats rows without a gradient.

    Attributes:
        retentions: Factor on the first and the second moment for each step of absence.
        ratio: What is left of the movement after each step of absence; 0 where nothing moves.
        level_ratio: Growth of the level, the number beside the root in the denominator, in each step of absence.
        level_powers: The powers of the level of which sums are kept: one sum, of the weights alone, for momentum;
            four for Adam, from which :func:`quadrature` makes the two terms of its denominator.
        level: What the levels are counted in (Adam: eps).
    """

    retentions: tuple[float, float] = (1.0, 1.0)
    ratio: float = 0.0
    level_ratio: float = 1.0
    level_powers: tuple[int, ...] = ()
    level: float = 1.0

    @property
    def ratios(self) -> tuple[float, ...]:
        """What is left of each sum's terms after each step of absence."""
        return tuple(self.ratio * self.level_ratio**power for power in self.level_powers)

    @property
    def window(self) -> int:
        """Steps after which nothing of the momentum is left."""
        return math.ceil(math.log(WINDOW_REMAINDER) / math.log(self.ratio)) if self.ratio > 0 else 0

    @property
    def forgets(self) -> bool:
        """Whether absence changes anything at all."""
        return self.retentions != (1.0, 1.0)
