"""Whether the gain from fine-tuning shrinks as layers are added, within families of architectures and over all."""

from collections.abc import Mapping

from meltpoint.models import depth_of
from meltpoint.studies.findings import Findings
from meltpoint.studies.plan import BASELINE
from meltpoint.verdict import DepthEffect, compare_depths

# The claim is about fine-tuning as such; where that is not studied, the first candidate stands for it.
FINE_TUNING = "fine-tuned"
ALL = "all"
# The intervals of all families hold together.
LEVEL = 0.05


def judge_depth(findings: Findings, num_repeats: int) -> tuple[DepthEffect, ...]:
    """Compares the gains of the architectures of a study by their depth, at the largest size.

    Args:
        findings: Must hold those repeats of every architecture.
        num_repeats: Complete repeats at the largest size.

    Returns:
        One effect for each family with at least two depths, then one for all architectures where there are several
        families; empty where depth does not vary. A user's own architectures have no depth that is known.
    """
    plan = findings.plan
    groups = depth_groups(plan.architectures)
    if not groups or not plan.candidates:
        return ()
    policy = FINE_TUNING if FINE_TUNING in plan.candidates else plan.candidates[0]
    size = plan.sizes[-1]
    names = {name for depths in groups.values() for name in depths}
    # Where an architecture has given the policy up, all are compared by the repeats up to then.
    repeats = min(findings.retired.get((name, policy), num_repeats) for name in names)
    gains = {
        name: findings.scores(name, policy, size, repeats) - findings.scores(name, BASELINE, size, repeats)
        for name in names
    }
    return tuple(
        compare_depths(
            {name: gains[name] for name in depths},
            depths,
            family=family,
            policy=policy,
            design=findings.design,
            train_size=size,
            level=LEVEL / len(groups),
            clusters=findings.clusters,
        )
        for family, depths in groups.items()
    )


def depth_groups(architectures: tuple[str, ...]) -> dict[str, Mapping[str, int]]:
    """Groups architectures whose depth varies: by family, and all together where there are several families."""
    families: dict[str, dict[str, int]] = {}
    for name in architectures:
        if found := depth_of(name):
            family, depth = found
            families.setdefault(family, {})[name] = depth
    together = {name: depth for depths in families.values() for name, depth in depths.items()}
    groups: dict[str, Mapping[str, int]] = dict(families)
    if len(families) > 1:
        groups[ALL] = together
    return {family: depths for family, depths in groups.items() if len(set(depths.values())) > 1}
