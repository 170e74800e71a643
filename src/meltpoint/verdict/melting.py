"""The melting point: the training size from which fine-tuning beats freezing by more than the ROPE.

It is stated as what the measured sizes bracket, with no curve drawn between or beyond them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from meltpoint.errors import InputError
from meltpoint.verdict.comparison import Comparison, checked_rope

Kind = Literal["below", "above", "between", "unknown"]


@dataclass(frozen=True, kw_only=True)
class MeltingPoint:
    """Where the melting point lies, in rows of training budget.

    Attributes:
        kind: ``between`` low and high; ``below`` high (melted from there on, nothing smaller shown solid); ``above``
            low (solid there, nothing larger shown melted for good); or ``unknown``.
        low: The largest size shown solid, or None.
        high: The smallest size from which on every size is shown melted, or None.
        sentence: The same in plain words.
    """

    kind: Kind
    low: int | None
    high: int | None
    sentence: str


def melting_point(sizes: Sequence[int], comparisons: Sequence[Comparison], rope_points: float) -> MeltingPoint:
    """Brackets the melting point by the simultaneous intervals at the measured sizes.

    A size is *melted* when some candidate's lower end exceeds the ROPE, *solid* when no candidate's upper end does, and
    otherwise open. For the bracket to hold at all sizes at once, the comparisons' levels must add up to the error
    wanted.

    Args:
        sizes: Training sizes, rising.
        comparisons: The comparison at each size.
        rope_points: Half-width of the ROPE in points.

    Returns:
        The bracket.

    Raises:
        InputError: If sizes do not rise, or there is not one comparison for each.
    """
    checked_rope(rope_points)
    if not sizes or len(sizes) != len(comparisons):
        raise InputError(
            f"Each training size needs its comparison: {len(sizes)} sizes, {len(comparisons)} comparisons."
        )
    if any(before >= after for before, after in pairwise(sizes)):
        raise InputError(f"Training sizes must rise; they are {list(sizes)}.")
    melted = [max(gain.low for gain in comparison.candidates) > rope_points for comparison in comparisons]
    solid = [max(gain.high for gain in comparison.candidates) <= rope_points for comparison in comparisons]
    last_solid = max((index for index, is_solid in enumerate(solid) if is_solid), default=None)
    first_after_open = max((index for index, is_melted in enumerate(melted) if not is_melted), default=-1) + 1
    from_melted = first_after_open if first_after_open < len(sizes) else None
    gains = f"{rope_points:g} points"

    if last_solid is not None and any(melted[:last_solid]):
        size = sizes[melted.index(True)]
        sentence = (
            f"No melting point: fine-tuning gains more than {gains} at {size:,} rows but not at {sizes[last_solid]:,}; "
            "its gain does not simply grow with size."
        )
        return MeltingPoint(kind="unknown", low=None, high=None, sentence=sentence)
    low = None if last_solid is None else sizes[last_solid]
    high = None if from_melted is None else sizes[from_melted]
    if low is not None and high is not None:
        sentence = f"Fine-tuning starts to gain more than {gains} between {low:,} and {high:,} rows."
        return MeltingPoint(kind="between", low=low, high=high, sentence=sentence)
    if high is not None:
        sentence = f"Fine-tuning gains more than {gains} from {high:,} rows on; the melting point is at or below that."
        return MeltingPoint(kind="below", low=None, high=high, sentence=sentence)
    if low is not None:
        sentence = f"Fine-tuning gains no more than {gains} at {low:,} rows; the melting point is above that."
        return MeltingPoint(kind="above", low=low, high=None, sentence=sentence)
    reason = (
        f"gains above {gains} at some sizes are not confirmed at the largest, {sizes[-1]:,} rows"
        if any(melted)
        else f"at no size is the interval clear of {gains}"
    )
    return MeltingPoint(kind="unknown", low=None, high=None, sentence=f"The melting point is not resolved: {reason}.")
