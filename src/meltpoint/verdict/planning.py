"""What a larger study would show, foretold from the noise measured so far.

The forecast keeps the gains where they are and lets only their intervals shrink. It answers "how much more would decide
this?" in the order of magnitude; the next look at real results has the last word.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from meltpoint.verdict.comparison import Comparison
from meltpoint.verdict.intervals import Interval, Noise, interval_around
from meltpoint.verdict.prior import EXPECTED_DF, Variance

MAX_REPEATS = 1000
MAX_ROWS_FACTOR = 1000

IsDecided = Callable[[Sequence[Interval]], bool]


def enlarged(noise: Noise, num_repeats: int, num_columns: int) -> Noise:
    """Foretells the noise of the same gain with more repeats, or more rows.

    The variance of one unit's difference (a row's, or a cluster's) is split into what the unit itself causes and what a
    repeat's chance adds, as far as units were tested more than once; otherwise all of it counts as the unit's own,
    which no repeat averages away.
    Overlap of training sets thins out as rows are added.

    Args:
        noise: As measured.
        num_repeats: Repeats of the larger study, at least 2.
        num_columns: Rows of the larger study (in the rotating design: labelled rows).

    Returns:
        The noise to expect.
    """
    old = noise.layout
    growth = num_columns / old.num_columns
    units_per_repeat = old.units_per_repeat * growth
    tests = num_repeats * units_per_repeat
    num_units = old.num_units * growth
    tested_units = num_units if old.design == "fixed" else min(num_units, tests)
    rho = old.training_correlation / growth

    of_one_repeat = noise.testing + noise.explained * (old.num_repeats - 1) / old.num_repeats
    per_unit = of_one_repeat * old.units_per_repeat
    old_tests = old.num_repeats * old.units_per_repeat
    retested = old.unit_load - 1 / old_tests
    if retested > 0.01 * old.unit_load:
        of_units = min(max((noise.testing - per_unit / old_tests) / retested, 0.0), per_unit)
    else:
        of_units = per_unit
    testing = of_units / tested_units + (per_unit - of_units) / tests
    explained = max(0.0, num_repeats * (per_unit / units_per_repeat - testing) / (num_repeats - 1))
    layout = replace(
        old,
        num_repeats=num_repeats,
        num_columns=num_columns,
        num_rows=round(num_columns * tested_units / num_units),
        units_per_repeat=units_per_repeat,
        unit_load=1 / tested_units,
        num_units=num_units,
        training_correlation=rho,
    )
    # What was known beforehand stays; what the repeats add grows with them.
    learned = max(0.0, noise.training.df - EXPECTED_DF) / (old.num_repeats - 1)
    training = Variance(
        value=noise.training.value * (1 - rho) / (1 - old.training_correlation),
        df=noise.training.df + learned * (num_repeats - old.num_repeats),
    )
    return Noise(layout=layout, testing=testing, explained=explained, training=training)


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

    def decided_with(num_repeats: int, num_columns: int) -> bool:
        return is_decided(
            [
                interval_around(
                    gain.points,
                    *enlarged(gain.noise, num_repeats, num_columns).standard_error(),
                    comparison.interval_level,
                )
                for gain in comparison.candidates
            ]
        )

    more_repeats = _first(range(1, MAX_REPEATS + 1), lambda more: decided_with(repeats + more, rows))
    if more_repeats is not None:
        return more_repeats, None
    for more in (0, repeats, 3 * repeats, 7 * repeats):
        decides = partial(decided_with, repeats + more)
        needed_rows = _first(range(rows + 1, MAX_ROWS_FACTOR * rows + 1), decides)
        if needed_rows is not None:
            return more or None, needed_rows
    return None, None


def _first(numbers: range, holds: Callable[[int], bool]) -> int | None:
    """Returns the first number for which ``holds``, given that it holds for all after it; None if for none."""
    index = bisect_left(numbers, 1, key=lambda number: int(holds(number)))
    return numbers[index] if index < len(numbers) else None
