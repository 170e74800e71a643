"""What a larger study would show, foretold from the noise measured so far.

The forecast keeps the gains where they are and lets only their intervals shrink. It answers "how much more would decide
this?" in the order of magnitude; the next look at real results has the last word.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from meltpoint.verdict.comparison import Comparison
from meltpoint.verdict.enlarging import enlarged
from meltpoint.verdict.intervals import Interval, interval_around

MAX_REPEATS = 1000
MAX_ROWS_FACTOR = 1000
FAIR_CHANCE_DEVIATIONS = 0.84
"""What a standard normal exceeds in one case of five."""

IsDecided = Callable[[Sequence[Interval]], bool]


def needed_to_decide(comparison: Comparison, is_decided: IsDecided) -> tuple[int | None, int | None]:
    """Finds what would decide an undecided comparison if the gains stay where they are.

    Args:
        comparison: The comparison.
        is_decided: Whether candidates' intervals decide; once true it must stay true as they shrink.

    Returns:
        Further repeats that would decide, and None; or, where the finite test set (or the overlap of training sets)
        forbids that, further repeats (None for no more) and the rows that would decide together: test rows in the fixed
        design, labelled rows in the rotating one. (None, None) where nothing within reason would.
    """
    layout = comparison.candidates[0].noise.layout
    repeats, rows = layout.num_repeats, layout.num_columns
    if repeats < 2:
        return 2 - repeats, None
    if not layout.is_measurable:
        return None, 2 * rows

    def decided_with(level: float, num_repeats: int, num_columns: int) -> bool:
        return is_decided(_foretold(comparison, level, num_repeats, num_columns))

    more_repeats = _first(
        range(1, MAX_REPEATS + 1),
        lambda more: decided_with(_later_level(comparison, repeats + more), repeats + more, rows),
    )
    if more_repeats is not None:
        return more_repeats, None
    for more in (0, repeats, 3 * repeats, 7 * repeats):
        decides = partial(decided_with, _later_level(comparison, repeats + more), repeats + more)
        needed_rows = _first(range(rows + 1, MAX_ROWS_FACTOR * rows + 1), decides)
        if needed_rows is not None:
            return more or None, needed_rows
    return None, None


def may_be_decided(comparison: Comparison, later_looks: Sequence[int], is_decided: IsDecided) -> bool:
    """Whether later looks have a fair chance to decide a comparison: one in five, by the noise measured.

    Between a look after R repeats and one after R', a gain moves by chance with variance se(R)^2 - se(R')^2. The
    chance is fair if the intervals of some later look decide with the gains where they are, or moved up or down by the
    0.84 standard deviations that one in five exceeds.
    """
    if not comparison.candidates[0].noise.layout.is_measurable:
        return bool(later_looks)
    columns = comparison.candidates[0].noise.layout.num_columns
    levels = ((look, _later_level(comparison, look)) for look in later_looks)
    return any(
        is_decided(_foretold(comparison, level, look, columns, moved=moved))
        for look, level in levels
        for moved in (0.0, FAIR_CHANCE_DEVIATIONS, -FAIR_CHANCE_DEVIATIONS)
    )


def _later_level(comparison: Comparison, num_repeats: int) -> float:
    """Returns the level of one candidate's interval at a look that follows this one after so many repeats in all."""
    if comparison.look is None or num_repeats <= comparison.look.repeats:
        return comparison.interval_level
    later = comparison.look.followed(comparison.level, num_repeats)
    level = later.level([gain.noise for gain in comparison.candidates])
    return comparison.interval_level * (level / comparison.level)


def _foretold(
    comparison: Comparison, level: float, num_repeats: int, num_columns: int, *, moved: float = 0.0
) -> list[Interval]:
    """Returns the candidates' intervals in a larger study, gains held or moved by standard deviations of chance."""
    noises = [enlarged(gain.noise, num_repeats, num_columns) for gain in comparison.candidates]
    intervals = []
    for gain, noise in zip(comparison.candidates, noises, strict=True):
        standard_error, df = noise.standard_error()
        chance = np.sqrt(max(0.0, gain.standard_error**2 - standard_error**2))
        intervals.append(interval_around(gain.points + moved * chance, standard_error, df, level))
    return intervals


def _first(numbers: range, holds: Callable[[int], bool]) -> int | None:
    """Returns the first number for which ``holds``, given that it holds for all after it; None if for none."""
    index = bisect_left(numbers, 1, key=lambda number: int(holds(number)))
    return numbers[index] if index < len(numbers) else None
