"""What a study's trainings cost on this machine, and so how long the repeats take that would decide it."""

from statistics import median

from meltpoint.report import Document
from meltpoint.run.placing import Place
from meltpoint.studies import Conclusion, Findings


def seconds_per_training(findings: Findings) -> Document:
    """Returns the median seconds of one training by architecture and policy, at the largest size."""
    largest = findings.plan.sizes[-1]
    seconds: dict[str, dict[str, list[float]]] = {}
    for record in findings.records.values():
        if record.spec.split.size == largest:
            seconds.setdefault(record.spec.architecture, {}).setdefault(record.spec.policy, []).append(record.seconds)
    return {
        architecture: {policy: round(median(times), 3) for policy, times in sorted(policies.items())}
        for architecture, policies in sorted(seconds.items())
    }


def seconds_per_repeat(findings: Findings) -> float | None:
    """Returns the median seconds that the trainings of one further repeat take together, at the sizes it will have.

    Policies that the study has given up are trained no more, and count in no repeat.

    Returns:
        Seconds on one worker; None where no repeat is complete.
    """
    plan = findings.plan
    num_complete = min(findings.complete_repeats(size) for size in plan.sizes)
    sizes = plan.sizes_in(num_complete)
    totals = [0.0] * num_complete
    for record in findings.records.values():
        spec = record.spec
        if spec.split.size not in sizes or (spec.architecture, spec.policy) in findings.retired:
            continue
        if spec.split.repeat < num_complete:
            totals[spec.split.repeat] += record.seconds
    return median(totals) if totals else None


def needed_minutes(conclusion: Conclusion, place: Place) -> float | None:
    """Foretells how long the further repeats take that would decide an undecided study.

    Returns:
        Minutes, with the workers of ``place``; None where no number of repeats is known to decide, and on a cluster,
        which has as many workers as it has.
    """
    best = conclusion.judgement.best
    repeats = best.decision.needed_repeats if best else None
    seconds = seconds_per_repeat(conclusion.findings)
    if repeats is None or seconds is None or place.ray is not None:
        return None
    return round(repeats * seconds / max(1, place.num_workers) / 60, 2)
