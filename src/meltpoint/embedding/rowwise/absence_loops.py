"""The loops over rows and steps behind :class:`meltpoint.embedding.rowwise.absences.Absences`."""

import math

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled
from meltpoint.embedding.rowwise.coasting import (
    KEEP_1,
    OVER_ONE,
    OVER_ROOT,
    SHARE,
    UNDER_ONE,
    UNDER_ROOT,
)

Rows = NDArray[np.int64]
Marks = NDArray[np.int32]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Columns of the marks: the step that a row is up to date with, and where its moments are (0: it has none).
AS_OF, SLOT = range(2)
# Moments that have shrunk below this are zero: denormal numbers would make every later step slower.
LEAST_RETENTION = 2.0**-64


@compiled
def quadrature(sums: Floats, first: int) -> tuple[float, float, float, float]:
    """Returns two weights w and two levels e, so that w1/(r+e1) + w2/(r+e2) is the sum of weight/(r+level) over steps.

    It is a Gauss quadrature of two nodes: the four sums over weight * level^-2, level^-1, 1 and level come out right.
    The first two are value and slope at r = 0, the others the two leading terms for large r. Where all levels are the
    same, or there is only a sum of weights, the second weight is 0.
    """
    if len(sums) == 0 or sums[0, first] == 0.0:
        return 0.0, 1.0, 0.0, 1.0
    total = sums[0, first]
    if len(sums) == 1:
        return total, 1.0, 0.0, 1.0
    mean, square, cube = sums[1, first] / total, sums[2, first] / total, sums[3, first] / total
    variance = square - mean * mean
    if variance <= 1e-12 * mean * mean:
        return total * mean * mean, mean, 0.0, mean
    skew = (cube - 3 * mean * square + 2 * mean * mean * mean) / (2 * variance)
    root = math.sqrt(skew * skew + variance)
    below, above = skew - root, skew + root
    level_1, level_2 = mean + below, mean + above
    weight_1, weight_2 = total * above / (2 * root), -total * below / (2 * root)
    # The quadrature is of the measure weight * level^-2.
    return weight_1 * level_1 * level_1, level_1, weight_2 * level_2 * level_2, level_2


@compiled
def fill_coefficients(
    coefficients: Floats,
    first: int,
    newest: int,
    pull: bool,  # noqa: FBT001
    window: int,
    unit: float,
    log_retentions: Floats,
    log_keeps: Floats,
    sums: Floats,
) -> None:
    """Writes the coefficients (P, 7) of rows that were last up to date at the step ``first`` of the history."""
    for part in range(len(coefficients)):
        row = coefficients[part]
        share, scale = 0.0, 1.0
        if pull:
            share = -math.expm1(log_keeps[part, newest] - log_keeps[part, first])
            # The sum of a step is finished when the window closes, and only decays from then on.
            scale = math.exp(log_keeps[part, newest] - log_keeps[part, min(first + window, newest)])
        weight_1, level_1, weight_2, level_2 = quadrature(sums[1 + part if pull else 0], first)
        row[SHARE] = share
        row[OVER_ROOT] = scale * (weight_1 + weight_2)
        row[OVER_ONE] = scale * unit * (weight_1 * level_2 + weight_2 * level_1)
        row[UNDER_ROOT] = unit * (level_1 + level_2)
        row[UNDER_ONE] = unit * unit * level_1 * level_2
        for moment in range(2):
            keep = 1.0 if log_retentions[moment] == 0.0 else math.exp(log_retentions[moment] * (newest - first))
            row[KEEP_1 + moment] = keep if keep >= LEAST_RETENTION else 0.0


@compiled
def collect_missed(
    rows: Rows,
    marks: Marks,
    pulled: Flags,
    base: int,
    now: int,
    mark: bool,  # noqa: FBT001
    window: int,
    forgets: bool,  # noqa: FBT001
    unit: float,
    log_retentions: Floats,
    log_keeps: Floats,
    sums: Floats,
    known: Floats,
    known_at: Marks,
    slots: Rows,
    places: Rows,
) -> int:
    """Fills the last two arrays; returns the position of a row that does not exist, or -1.

    Rows that were last up to date at the same step have the same coefficients: ``known`` (2 steps, P, 7) holds them, as
    of the step ``known_at`` (2 steps,), those of rows that decay in the odd places.
    """
    for i in range(len(rows)):
        if rows[i] < 0 or rows[i] >= len(marks):
            return i
    one_for_all = len(pulled) == 1
    for i in range(len(rows)):
        row = rows[i]
        since = max(marks[row, AS_OF], base)
        slot = marks[row, SLOT]
        pull = pulled[0 if one_for_all else row]
        slots[i], places[i] = -1, 0
        if since >= now or not (pull or (forgets and slot > 0)):
            continue
        slots[i] = slot
        if mark:
            marks[row, AS_OF] = now
        first = since - base
        place = 2 * first + (1 if pull else 0)
        if known_at[place] != now:
            known_at[place] = now
            fill_coefficients(known[place], first, now - base, pull, window, unit, log_retentions, log_keeps, sums)
        places[i] = place
    return -1


@compiled
def enter_rows(
    rows: Rows,
    marks: Marks,
    pulled: Flags,
    now: int,
    num_slots: int,
    stateful: bool,  # noqa: FBT001
    slots: Rows,
    pulls: Floats,
) -> int:
    """Fills the last two arrays; returns the new number of slots, or -1 - position of a row that comes again."""
    # A row that has been met is inverted, below zero, and can be put back as it was.
    for i in range(len(rows)):
        if marks[rows[i], AS_OF] < 0:
            for j in range(i):
                marks[rows[j], AS_OF] = ~marks[rows[j], AS_OF]
            return -1 - i
        marks[rows[i], AS_OF] = ~marks[rows[i], AS_OF]
    one_for_all = len(pulled) == 1
    for i in range(len(rows)):
        row = rows[i]
        marks[row, AS_OF] = now + 1
        if stateful and marks[row, SLOT] == 0:
            num_slots += 1
            marks[row, SLOT] = num_slots
        slots[i] = marks[row, SLOT]
        pulls[i] = 1.0 if pulled[0 if one_for_all else row] else 0.0
    return num_slots


@compiled
def advance_sums(
    newest: int,
    window: int,
    gain: float,
    level: float,
    shares_before: Floats,
    shares_after: Floats,
    level_powers: Rows,
    ratio_powers: Floats,
    sums: Floats,
) -> None:
    """Brings the sums of the steps in the window forward to the newest step: without decay (0), and of each part."""
    first = max(0, newest - window)
    # The last column of the powers is age 0, which the newest step itself would have.
    shift = window - newest
    for kind in range(len(sums)):
        keep_before = 1.0 if kind == 0 else 1.0 - shares_before[kind - 1]
        keep_after = 1.0 if kind == 0 else 1.0 - shares_after[kind - 1]
        for kept in range(len(ratio_powers)):
            column = sums[kind, kept]
            weight = gain * level ** level_powers[kept]
            power = ratio_powers[kept]
            for step in range(first, newest):
                column[step] = keep_after * (keep_before * column[step] + weight * power[shift + step])
