"""From a comparison to a decision: a word, a recommendation, and what the recommendation may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from meltpoint.errors import InputError
from meltpoint.verdict.comparison import Comparison, Gain, checked_rope
from meltpoint.verdict.intervals import Interval
from meltpoint.verdict.planning import may_be_decided, needed_to_decide

Word = Literal["fine-tune", "freeze", "equivalent", "undecided"]

PATIENT_REPEATS = 10
"""After so many, a study that has no fair chance to be decided ends, even if its recommendation risks something."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do, and how sure that is.

    Attributes:
        word: ``fine-tune``: some candidate's gain is credibly above zero. ``freeze``: every candidate's gain is
            credibly below zero. ``equivalent``: every candidate's gain is credibly below the ROPE, so the baseline, the
            cheapest, costs at most the ROPE. ``undecided``: none of these.
        recommendation: The policy to use, whatever the word.
        expected_regret: Points that the recommendation is expected to cost against the best choice.
        reason: One plain sentence.
        needed_repeats: When undecided: further repeats that would decide, given the noise measured; None when repeats
            alone never would, or no more are needed beside ``needed_test_rows``.
        needed_test_rows: When undecided and the finite test set forbids a decision: the test rows (rotating folds:
            labelled rows) that would decide, together with ``needed_repeats`` if that is given too; else None.
        enough: Whether a study may end here: decided, or the expected regret at most half the ROPE.
    """

    word: Word
    recommendation: str
    expected_regret: float
    reason: str
    needed_repeats: int | None
    needed_test_rows: int | None
    enough: bool


def decide(
    comparison: Comparison, *, rope_points: float | None = None, trainable_parameters: Mapping[str, int]
) -> Decision:
    """Decides between the baseline and the candidates of a comparison.

    Args:
        comparison: The comparison.
        rope_points: Half-width of the ROPE in points; by default the comparison's.
        trainable_parameters: Candidate to the number of parameters that it trains: what makes a policy the cheaper one.
            The baseline is the cheapest by definition.

    Returns:
        The decision.

    Raises:
        InputError: If the ROPE is negative, or a candidate's number of parameters is missing.
    """
    rope = checked_rope(comparison.rope_points if rope_points is None else rope_points)
    if missing := [gain.policy for gain in comparison.candidates if gain.policy not in trainable_parameters]:
        raise InputError(f"trainable_parameters has no entry for {', '.join(missing)}; every candidate needs one.")
    word = decision_word(comparison.candidates, rope)
    recommendation = _recommend(comparison, word, rope, trainable_parameters)
    regret = comparison.expected_regret[recommendation]
    needed_repeats = needed_test_rows = None
    if word == "undecided":
        needed_repeats, needed_test_rows = needed_to_decide(comparison, partial(_is_decided, rope))
    is_measured = comparison.candidates[0].noise.layout.is_measurable
    return Decision(
        word=word,
        recommendation=recommendation,
        expected_regret=regret,
        reason=_reason(comparison, word, recommendation, rope),
        needed_repeats=needed_repeats,
        needed_test_rows=needed_test_rows,
        enough=word != "undecided" or (is_measured and regret <= rope / 2),
    )


def may_end(comparison: Comparison, decision: Decision, later_looks: Sequence[int]) -> bool:
    """Whether a study may end at a look.

    A study that is decided ends. Another goes on while later looks have a fair chance to decide it, for a word is worth
    more than a bet. Without one it ends if its recommendation risks little, or it has been patient.

    Args:
        comparison: At the largest size.
        decision: Of that comparison.
        later_looks: The repeats after which the study may still be looked at.
    """
    if decision.word != "undecided":
        return True
    if may_be_decided(comparison, later_looks, partial(_is_decided, comparison.rope_points)):
        return False
    return decision.enough or comparison.num_repeats >= PATIENT_REPEATS


def _is_decided(rope_points: float, intervals: Sequence[Interval]) -> bool:
    return decision_word(intervals, rope_points) != "undecided"


def decision_word(intervals: Sequence[Interval], rope: float) -> Word:
    """Returns the word for the candidates' simultaneous intervals; the first of these rules that holds.

    1. All intervals inside (-rope, rope): equivalent.
    2. All intervals below zero: freeze.
    3. All upper ends below the rope: equivalent. Whatever is not inside the ROPE falls short of it, so the baseline
       costs at most the ROPE.
    4. Some interval above zero: fine-tune.
    5. Otherwise: undecided.

    Intervals that shrink around their centres never turn a decided comparison into an undecided one.
    """
    highest = max(interval.high for interval in intervals)
    lows = [interval.low for interval in intervals]
    if highest < 0 and min(lows) <= -rope:
        return "freeze"
    if highest < rope:
        return "equivalent"
    if max(lows) > 0:
        return "fine-tune"
    return "undecided"


def _recommend(comparison: Comparison, word: Word, rope: float, trainable_parameters: Mapping[str, int]) -> str:
    """Returns the policy of least expected regret among those the word admits; within the ROPE, the cheapest."""
    if word in ("freeze", "equivalent"):
        return comparison.baseline
    regret = comparison.expected_regret
    if word == "fine-tune":
        choices = [gain.policy for gain in comparison.candidates if gain.low > 0]
    else:
        choices = [comparison.baseline, *(gain.policy for gain in comparison.candidates)]
    least = min(regret[policy] for policy in choices)
    near = [policy for policy in choices if regret[policy] <= least + rope]
    # min() keeps the first of equals: the order given is the last tie-break, and the baseline comes first.
    return min(
        near,
        key=lambda policy: (
            policy != comparison.baseline,
            trainable_parameters.get(policy, 0),
            regret[policy],
        ),
    )


def _reason(comparison: Comparison, word: Word, recommendation: str, rope: float) -> str:
    best = max(comparison.candidates, key=lambda gain: gain.points)
    named = next((gain for gain in comparison.candidates if gain.policy == recommendation), best)
    baseline = comparison.baseline
    if word == "fine-tune":
        return f"{named.policy} gains {_stated(named)} over {baseline}."
    if word == "freeze":
        return f"Every candidate is credibly worse than {baseline}; the best, {best.policy}, gains {_stated(best)}."
    if word == "equivalent":
        return (
            f"Every candidate gains less than the {rope:g} points over {baseline} that would matter; the best, "
            f"{best.policy}, gains {_stated(best)}."
        )
    layout = best.noise.layout
    if not layout.is_measurable:
        shown = "One repeat shows no training noise" if layout.num_repeats < 2 else "One row shows no test noise"
        return (
            f"{shown}, so the gain over {baseline} has no interval; the best so far, {best.policy}: {best.points:+.2f}."
        )
    return f"The interval is too wide to decide: the best so far, {best.policy}, gains {_stated(best)} over {baseline}."


def _stated(gain: Gain) -> str:
    return f"{gain.points:+.2f} points (interval {gain.low:+.2f} to {gain.high:+.2f})"
