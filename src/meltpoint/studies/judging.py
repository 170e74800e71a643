"""The verdict on what a study has found: comparisons at every size, a decision per architecture, the best pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from meltpoint.randomness import seed_for
from meltpoint.studies.findings import Findings
from meltpoint.studies.plan import BASELINE
from meltpoint.trial import TFIDF
from meltpoint.verdict import (
    Comparison,
    Decision,
    Design,
    Interval,
    MeltingPoint,
    compare_pair,
    compare_sizes,
    decide,
    melting_point,
)

# Looks and policies share the error of the verdict; a control is judged by itself, at this level.
CONTROL_LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Control:
    """What does without the vectors, against the recommended policy.

    Attributes:
        name: ``tf-idf`` or ``scratch``.
        mean_score: Of the control, in points.
        gain: Of the control over the recommended policy, in points; above zero, the control is better.
    """

    name: str
    mean_score: float
    gain: Interval


@dataclass(frozen=True, kw_only=True)
class ArchitectureJudgement:
    """The verdict on one architecture.

    Attributes:
        architecture: As written.
        comparisons: By training size, every policy against the baseline.
        decision: At the largest size.
        melting_point: From all sizes.
        controls: At the largest size.
        trainable_parameters: By policy, at the largest size.
        recommended_score: Mean score of the recommended policy at the largest size, in points.
    """

    architecture: str
    comparisons: Mapping[int, Comparison]
    decision: Decision
    melting_point: MeltingPoint
    controls: tuple[Control, ...]
    trainable_parameters: Mapping[str, int]

    @property
    def recommended_score(self) -> float:
        """Mean score of the recommended policy at the largest size, in points."""
        return float(self.comparisons[max(self.comparisons)].mean_scores[self.decision.recommendation])


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict of a study.

    Attributes:
        num_repeats: By training size, the complete repeats that it rests on.
        level: The error that this look may spend.
        architectures: One verdict each; empty while no repeat at the largest size is complete.
        best: The architecture of the best pair of architecture and policy; None likewise.
        enough: Whether every architecture is decided, or its recommendation risks little.
    """

    num_repeats: Mapping[int, int]
    level: float
    architectures: tuple[ArchitectureJudgement, ...]
    best: ArchitectureJudgement | None
    enough: bool


def judge(findings: Findings, num_repeats: Mapping[int, int], *, level: float) -> Judgement:
    """Judges by the first ``num_repeats`` repeats of every size.

    Args:
        findings: Must hold those repeats.
        num_repeats: By training size; sizes without a complete repeat are left out.
        level: The error of this look.

    Returns:
        The verdict.
    """
    plan = findings.plan
    complete = {size: count for size, count in num_repeats.items() if count > 0}
    if plan.sizes[-1] not in complete:
        return Judgement(num_repeats=complete, level=level, architectures=(), best=None, enough=False)
    judged = tuple(_judge_architecture(findings, name, complete, level) for name in plan.architectures)
    return Judgement(
        num_repeats=complete,
        level=level,
        architectures=judged,
        best=_best(judged, plan.rope_points),
        enough=all(one.decision.enough for one in judged),
    )


def _judge_architecture(
    findings: Findings, architecture: str, num_repeats: Mapping[int, int], level: float
) -> ArchitectureJudgement:
    plan = findings.plan
    largest = plan.sizes[-1]
    design: Design = "fixed" if findings.data.has_test else "rotating"

    names = [(architecture, policy) for policy in plan.policies] + [(TFIDF, TFIDF)]
    scores = {
        size: {name: findings.scores(owner, name, size, repeats) for owner, name in names}
        for size, repeats in num_repeats.items()
    }
    compare_at = partial(
        compare_sizes,
        scores,
        baseline=BASELINE,
        design=design,
        candidates=plan.candidates,
        controls=(*plan.control_policies, TFIDF),
        rope_points=plan.rope_points,
        clusters=findings.clusters,
        seed=seed_for(plan.seed, "comparison", architecture),
    )
    comparisons = compare_at(level=level)
    parameters = _trainable_parameters(findings, architecture)
    decision = decide(comparisons[largest], rope_points=plan.rope_points, trainable_parameters=parameters)
    controls = []
    for name in (*plan.control_policies, TFIDF):
        recommended = scores[largest][decision.recommendation]
        gain = compare_pair(
            scores[largest][name],
            recommended,
            design=design,
            train_size=largest,
            level=CONTROL_LEVEL,
            clusters=findings.clusters,
        )
        controls.append(Control(name=name, mean_score=comparisons[largest].mean_scores[name], gain=gain))
    # The crossing is read off all sizes at once: their intervals must hold together.
    together = compare_at(level=level / len(comparisons))
    return ArchitectureJudgement(
        architecture=architecture,
        comparisons=comparisons,
        decision=decision,
        melting_point=melting_point(list(together), list(together.values()), plan.rope_points),
        controls=tuple(controls),
        trainable_parameters=parameters,
    )


def _trainable_parameters(findings: Findings, architecture: str) -> dict[str, int]:
    """Returns by policy how many numbers the first repeat at the largest size could change."""
    plan = findings.plan
    choices = {policy: findings.chosen(architecture, policy, 0, plan.sizes[-1]) for policy in plan.policies}
    return {policy: choice.result.trainable_parameters for policy, choice in choices.items() if choice is not None}


def _best(judged: tuple[ArchitectureJudgement, ...], rope_points: float) -> ArchitectureJudgement:
    """Chooses the architecture whose recommended policy scores highest, ties within the ROPE to fewer parameters."""
    highest = max(one.recommended_score for one in judged)
    tied = [one for one in judged if one.recommended_score >= highest - rope_points]
    return min(tied, key=lambda one: one.trainable_parameters[one.decision.recommendation])
