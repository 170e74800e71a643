"""What a report is made of: the documents of a run folder, as far as they are there."""

from dataclasses import dataclass

from meltpoint.report.schema import Document


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """How a chosen model did on the validation rows while it was trained.

    Attributes:
        policy: Its policy.
        repeat: From 0.
        best_step: The step whose weights were kept.
        steps: Steps of all looks, in order.
        scores: Validation score at each, in points.
    """

    policy: str
    repeat: int
    best_step: int
    steps: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ReportParts:
    """The parts of a run; a report does without any but the verdict.

    Attributes:
        verdict: ``verdict.json``.
        run: ``run.json``: times, machine, versions, the command; empty where there is none.
        drift: ``drift.json``, or None.
        examples: ``examples.json``, or None.
        curves: Of the chosen models at the largest size, of the verdict's architecture.
    """

    verdict: Document
    run: Document
    drift: Document | None = None
    examples: Document | None = None
    curves: tuple[LearningCurve, ...] = ()

    @property
    def seconds(self) -> dict[str, float]:
        """Median seconds of one training, by policy, for the verdict's architecture and the TF-IDF control."""
        costs = self.run.get("seconds_per_training", {})
        return {**costs.get("tf-idf", {}), **costs.get(self.verdict["architecture"], {})}
