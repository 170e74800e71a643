"""Which trials a study runs: every policy with the same search budget, paired by repeat and size."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from meltpoint.embedding import POLICIES, policy_class
from meltpoint.errors import InputError
from meltpoint.models import Reads, learning_rates
from meltpoint.trial import (
    TFIDF,
    TFIDF_STRENGTHS,
    SplitSpec,
    TrialData,
    TrialSpec,
    as_search,
    default_schedule,
    rows_for,
)
from meltpoint.verdict import PATIENT_REPEATS

Until = Literal["decided", "repeats"]
BASELINE = "frozen"
Search = tuple[TrialSpec, ...]
"""The configurations of one policy in one repeat at one size: trained together, one of them chosen."""
# Policies that are no candidates for a recommendation: they show what the vectors are worth.
CONTROL_POLICIES = ("scratch",)
DEFAULT_POLICIES = ("frozen", "fine-tuned", "scaled", "decayed", "anchored", "scratch")
# Names for several policies at once.
POLICY_SETS = {"standard": DEFAULT_POLICIES, "all": tuple(POLICIES)}
MAX_VALIDATION_ROWS = 1000
SMALLEST_AUTO_SIZE = 100
SIZE_STEP = 4
MAX_AUTO_SIZES = 3


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """Everything that determines a study's trials and the way it decides.

    Attributes:
        study: Digest of the data, the vectors and the tokenizer.
        seed: The master seed.
        architectures: As written.
        policies: Names; ``frozen`` is among them.
        sizes: Training budgets in rows (in units, where these are groups of rows), from small to large; the verdict is
            given at the largest.
        max_repeats: The study ends here at the latest.
        until: ``decided``: it ends at the first look that decides it, or finds that little is risked; ``repeats``: it
            goes on to its last repeat, which narrows the gains at every size, and with them the melting point.
        search_trials: Configurations tried per policy, repeat and size: the same for each.
        num_folds: Test folds per rotation, where no test set was given.
        unknown: Initialisation of unknown words.
        max_tokens: Longer texts are cut.
        metric: What choices are made by and policies compared in.
        reads: What the task reads: texts, pairs or tokens.
        rows_per_unit: Rows in what sizes count: 1, or the mean number of candidates of a question.
        rope_points: Half-width of the region of practical equivalence, in points.
    """

    study: str
    seed: int
    architectures: tuple[str, ...]
    policies: tuple[str, ...]
    sizes: tuple[int, ...]
    max_repeats: int
    search_trials: int
    num_folds: int
    unknown: str
    max_tokens: int
    rope_points: float
    metric: str = ""
    reads: Reads = "text"
    rows_per_unit: float = 1.0
    until: Until = "decided"

    def to_json(self) -> str:
        """Returns the canonical text of the plan."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The policies that may be recommended instead of the baseline."""
        return tuple(name for name in self.policies if name not in (BASELINE, *CONTROL_POLICIES))

    @property
    def control_policies(self) -> tuple[str, ...]:
        """The policies that are run as controls."""
        return tuple(name for name in self.policies if name in CONTROL_POLICIES)

    def sizes_in(self, repeat: int) -> tuple[int, ...]:
        """Returns the sizes that a repeat trains.

        A study that has been patient goes on for its word alone, which hangs on the largest size; the smaller ones are
        trained no more then, unless all repeats are wanted.
        """
        return self.sizes if repeat < PATIENT_REPEATS or self.until == "repeats" else self.sizes[-1:]

    def repeats_after(self, repeats: int) -> dict[int, int]:
        """Returns how often each size is trained in so many repeats."""
        return {size: sum(size in self.sizes_in(repeat) for repeat in range(repeats)) for size in self.sizes}

    def searches(self, repeat: int) -> Iterator[Search]:
        """Yields the searches of a repeat, the largest size first: the verdict needs it most."""
        for size in reversed(self.sizes_in(repeat)):
            for architecture in self.architectures:
                for policy in self.policies:
                    yield self.policy_search(architecture, policy, repeat, size)
            yield self.control_search(repeat, size)

    def policy_search(self, architecture: str, policy: str, repeat: int, size: int) -> Search:
        """Returns the configurations among which the validation rows choose for one policy.

        The learning rates are spaced evenly on a log scale over the architecture's range. A policy with a knob of its
        own gets no trial more: its knob's values take turns along the learning rates.
        """
        lowest, highest = learning_rates(architecture, self.reads)
        knobs = policy_class(policy).search_values
        trials = []
        for index, rate in enumerate(np.geomspace(lowest, highest, self.search_trials)):
            settings = tuple((knob, values[index % len(values)]) for knob, values in sorted(knobs.items()))
            rounded = float(f"{rate:.3g}")
            trials.append(self._trial(architecture, policy, repeat, size, settings=settings, learning_rate=rounded))
        return as_search(trials)

    def control_search(self, repeat: int, size: int) -> Search:
        """Returns the configurations of TF-IDF + logistic regression: as many as a policy has."""
        strengths = np.geomspace(TFIDF_STRENGTHS[0], TFIDF_STRENGTHS[1], self.search_trials)
        settings = [(("C", float(f"{strength:.3g}")),) for strength in strengths]
        return tuple(
            self._trial(TFIDF, TFIDF, repeat, size, settings=setting, learning_rate=0.0) for setting in settings
        )

    def _trial(
        self,
        architecture: str,
        policy: str,
        repeat: int,
        size: int,
        *,
        settings: tuple[tuple[str, float], ...],
        learning_rate: float,
    ) -> TrialSpec:
        fraction = min(0.2, MAX_VALIDATION_ROWS / size)
        return TrialSpec(
            study=self.study,
            architecture=architecture,
            policy=policy,
            settings=settings,
            learning_rate=learning_rate,
            unknown=self.unknown,
            metric=self.metric,
            split=SplitSpec(
                seed=self.seed,
                repeat=repeat,
                size=size,
                num_folds=self.num_folds,
                validation_fraction=round(fraction, 6),
            ),
            schedule=default_schedule(
                max(1, round(size * self.rows_per_unit * (1 - fraction))), max_tokens=self.max_tokens
            ),
        )


def training_budget(data: TrialData, *, num_folds: int, seed: int) -> int:
    """Returns how many rows, or units of several rows, every repeat of the first rotation can train on."""
    repeats = 1 if data.has_test else num_folds
    pools = (rows_for(data, repeat, num_folds=num_folds, seed=seed)[0] for repeat in range(repeats))
    return min(len(np.unique(data.units[rows])) for rows in pools)


def choose_policies(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the policies that names stand for: of policies, or of sets of them (``standard``, ``all``)."""
    names = (name for word in asked for name in POLICY_SETS.get(word, (word,)))
    return tuple(dict.fromkeys(names))


def choose_sizes(asked: tuple[int, ...] | None, budget: int, num_classes: int, *, unit: str = "row") -> tuple[int, ...]:
    """Chooses the training sizes: what was asked for, or the whole budget and quarters of it.

    Args:
        asked: Sizes that the user named, or None.
        budget: Rows that every repeat can train on.
        num_classes: C.
        unit: What sizes count.

    Returns:
        Sizes from small to large.

    Raises:
        InputError: A size is larger than the budget, or too small to hold every class in training and validation.
    """
    smallest = 5 * num_classes
    if asked is not None:
        wrong = [size for size in asked if not smallest <= size <= budget]
        if wrong:
            raise InputError(
                f"--size must lie between {smallest} (five {unit}s per class) and {budget} (the {unit}s that are left "
                f"for training when those of the test are set aside); found {', '.join(map(str, wrong))}."
            )
        return tuple(sorted(set(asked)))
    sizes = [budget]
    while len(sizes) < MAX_AUTO_SIZES and sizes[-1] // SIZE_STEP >= max(SMALLEST_AUTO_SIZE, 2 * smallest):
        sizes.append(sizes[-1] // SIZE_STEP)
    return tuple(reversed(sizes))
