"""The noise that a larger study, or a smaller one, would have, foretold from the noise measured."""

from dataclasses import replace

from meltpoint.verdict.intervals import Noise
from meltpoint.verdict.prior import EXPECTED_DF, Variance


def enlarged(noise: Noise, num_repeats: int, num_columns: int) -> Noise:
    """Foretells the noise of the same gain with more repeats, or fewer, or more rows.

    The variance of one unit's difference (a row's, or a cluster's) is split into what the unit itself causes and what a
    repeat's chance adds, as far as units were tested more than once; otherwise all of it counts as the unit's own,
    which no repeat averages away.
    Overlap of training sets thins out as rows are added.

    Args:
        noise: As measured.
        num_repeats: Repeats of that study, at least 2.
        num_columns: Its rows (in the rotating design: labelled rows).

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
