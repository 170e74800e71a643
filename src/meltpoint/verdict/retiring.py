"""Policies that a study gives up early, so that its time goes to those that may still be the best.

A policy is given up when, by what a look has shown, keeping it would raise the best choice by next to nothing: its
*worth* (see ``regret``) is at most a twentieth of the ROPE. It then counts as not chosen, keeps the interval of that
look, and is trained no more. Giving up is no claim, and spends no error: those that go on are judged as if all that
began were there still (see ``multiplicity``), so a winner is as hard to become as before, and who was given up can no
more be one. What it can cost is regret, and that is what the rule bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from meltpoint.verdict.comparison import Comparison

LEAST_WORTH = 0.05
"""As a share of the ROPE."""


def hopeless(comparison: Comparison, recommendation: str) -> tuple[str, ...]:
    """Returns the candidates that are not worth training any further; never the recommended one, never all."""
    least = LEAST_WORTH * comparison.rope_points
    kept = max(comparison.worth, key=lambda policy: (comparison.worth[policy], policy))
    going_on = [gain.policy for gain in comparison.candidates if gain.retired_after is None]
    return tuple(
        policy for policy in going_on if comparison.worth[policy] <= least and policy not in (recommendation, kept)
    )


def with_retired(
    comparisons: Mapping[int, Comparison], kept: Mapping[str, Mapping[int, Comparison]], candidates: Sequence[str]
) -> dict[int, Comparison]:
    """Returns the comparisons with the policies that were given up as they stood then.

    Args:
        comparisons: Size to the comparison of those that go on.
        kept: Policy to the comparisons of the look at which it was given up.
        candidates: All that the study began with, in the order wanted.
    """
    if not kept:
        return dict(comparisons)
    merged = {}
    for size, comparison in comparisons.items():
        gains = {gain.policy: gain for gain in comparison.candidates}
        scores, regrets, worth = dict(comparison.mean_scores), dict(comparison.expected_regret), dict(comparison.worth)
        for policy, then in kept.items():
            before = next(gain for gain in then[size].candidates if gain.policy == policy)
            gains[policy] = replace(before, retired_after=then[size].num_repeats)
            scores[policy] = then[size].mean_scores[policy]
            regrets[policy] = then[size].expected_regret[policy]
            worth[policy] = then[size].worth[policy]
        merged[size] = replace(
            comparison,
            candidates=tuple(gains[policy] for policy in candidates),
            mean_scores=scores,
            expected_regret=regrets,
            worth=worth,
        )
    return merged
