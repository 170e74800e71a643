"""The verdict on what a study has found: comparisons at every size, a decision per architecture, the best pair."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from meltpoint.randomness import seed_for
from meltpoint.studies.depth import judge_depth
from meltpoint.studies.findings import Findings
from meltpoint.studies.plan import BASELINE
from meltpoint.trial import TFIDF
from meltpoint.verdict import (
    Comparison,
    CurvePoint,
    Decision,
    DepthEffect,
    Gain,
    Interval,
    Look,
    MeltingPoint,
    NextRows,
    Standing,
    compare_pair,
    compare_sizes,
    decide,
    gain_curve,
    hopeless,
    joint_gains,
    melting_point,
    next_rows,
    with_retired,
)

# Looks and policies share the error of the verdict; a control, or a forecast, stands by itself, at this level.
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
class Retired:
    """A policy that a look found hopeless, as it stood then.

    Attributes:
        comparisons: By training size, at the level of that look.
        standing: The gains at all sizes jointly, of all policies in the study at that look.
    """

    comparisons: Mapping[int, Comparison]
    standing: Standing


Retirements = Mapping[tuple[str, str], Retired]
"""Architecture and policy to how it stood when it was given up."""


@dataclass(frozen=True, kw_only=True)
class ArchitectureJudgement:
    """The verdict on one architecture.

    Attributes:
        architecture: As written.
        look: The look at it.
        active: At the largest size, the policies still in the study against the baseline.
        comparisons: By training size, every policy against the baseline.
        standing: The gains of the policies still in the study, at all sizes jointly.
        decision: At the largest size.
        melting_point: From all sizes.
        curve: The gain of every candidate at every size, with a band that holds for all of them at once.
        next_rows: What more labelled rows would bring to frozen and to the policy of :attr:`headline`; None where sizes
            are too few to tell.
        controls: At the largest size.
        trainable_parameters: By policy, at the largest size.
        hopeless: Candidates that are not worth training any further.
        recommended_score: Mean score of the recommended policy at the largest size, in points.
    """

    architecture: str
    look: Look
    active: Comparison
    comparisons: Mapping[int, Comparison]
    standing: Standing
    decision: Decision
    melting_point: MeltingPoint
    curve: tuple[CurvePoint, ...]
    next_rows: NextRows | None
    controls: tuple[Control, ...]
    trainable_parameters: Mapping[str, int]
    hopeless: tuple[str, ...]

    @property
    def headline(self) -> Gain:
        """The gain over frozen of the recommended policy; where that is frozen, of the best other one."""
        return _headline(self.comparisons[max(self.comparisons)], self.decision)

    @property
    def recommended_score(self) -> float:
        """Mean score of the recommended policy at the largest size, in points."""
        return float(self.comparisons[max(self.comparisons)].mean_scores[self.decision.recommendation])


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict of a study.

    Attributes:
        num_repeats: By training size, the complete repeats that it rests on.
        architectures: One verdict each; empty while no repeat at the largest size is complete.
        best: The architecture of the best pair of architecture and policy; None likewise.
        enough: Whether every architecture is decided, or its recommendation risks little.
        depth: Whether the gain from fine-tuning shrinks as layers are added, where depths differ.
    """

    num_repeats: Mapping[int, int]
    architectures: tuple[ArchitectureJudgement, ...]
    best: ArchitectureJudgement | None
    enough: bool
    depth: tuple[DepthEffect, ...] = ()


def judge(
    findings: Findings,
    num_repeats: Mapping[int, int],
    *,
    looks: Mapping[str, Look],
    retired: Retirements | None = None,
) -> Judgement:
    """Judges by the first ``num_repeats`` repeats of every size.

    Args:
        findings: Must hold those repeats.
        num_repeats: By training size; sizes without a complete repeat are left out.
        looks: This look at each architecture.
        retired: The policies given up at earlier looks.

    Returns:
        The verdict.
    """
    plan = findings.plan
    complete = {size: count for size, count in num_repeats.items() if count > 0}
    if plan.sizes[-1] not in complete:
        return Judgement(num_repeats=complete, architectures=(), best=None, enough=False)
    judged = tuple(
        _judge_architecture(findings, name, complete, looks[name], retired or {}) for name in plan.architectures
    )
    return Judgement(
        num_repeats=complete,
        architectures=judged,
        best=_best(judged, plan.rope_points),
        enough=all(one.decision.enough for one in judged),
        depth=judge_depth(findings, complete[plan.sizes[-1]]),
    )


def _judge_architecture(
    findings: Findings, architecture: str, num_repeats: Mapping[int, int], look: Look, retirements: Retirements
) -> ArchitectureJudgement:
    plan = findings.plan
    largest = plan.sizes[-1]
    design = findings.design

    retired = {policy: then for (name, policy), then in retirements.items() if name == architecture}
    names = [(architecture, policy) for policy in plan.policies if policy not in retired] + [(TFIDF, TFIDF)]
    scores = {
        size: {name: findings.scores(owner, name, size, repeats) for owner, name in names}
        for size, repeats in num_repeats.items()
    }
    seed = seed_for(plan.seed, "comparison", architecture)
    candidates = [policy for policy in plan.candidates if policy not in retired]
    active = compare_sizes(
        scores,
        baseline=BASELINE,
        design=design,
        candidates=candidates,
        num_retired=len(retired),
        controls=(*plan.control_policies, TFIDF),
        level=look,
        rope_points=plan.rope_points,
        clusters=findings.clusters,
        seed=seed,
    )
    kept = {policy: then.comparisons for policy, then in retired.items()}
    comparisons = with_retired(active, kept, plan.candidates)
    parameters = _trainable_parameters(findings, architecture)
    decision = decide(active[largest], rope_points=plan.rope_points, trainable_parameters=parameters)
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
    gains = joint_gains(scores, baseline=BASELINE, design=design, candidates=candidates, clusters=findings.clusters)
    standing = Standing(gains=gains, level=active[largest].level, num_retired=len(retired))
    standings = [standing, *(replace(then.standing, policies=(policy,)) for policy, then in retired.items())]
    growing = (BASELINE, _headline(active[largest], decision).policy)
    return ArchitectureJudgement(
        architecture=architecture,
        look=look,
        active=active[largest],
        comparisons=comparisons,
        standing=standing,
        decision=decision,
        melting_point=melting_point(
            comparisons, standings, rope_points=plan.rope_points, seed=seed, unit=findings.task.unit
        ),
        curve=gain_curve(comparisons, standings, seed=seed),
        next_rows=next_rows(scores, policies=growing, design=design, level=CONTROL_LEVEL, clusters=findings.clusters),
        controls=tuple(controls),
        trainable_parameters=parameters,
        hopeless=hopeless(active[largest], decision.recommendation),
    )


def _headline(comparison: Comparison, decision: Decision) -> Gain:
    gains = {gain.policy: gain for gain in comparison.candidates}
    return gains.get(decision.recommendation) or max(gains.values(), key=lambda gain: gain.points)


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
