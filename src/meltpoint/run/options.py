"""What a user may choose about a study, checked and turned into a plan."""

import hashlib
from dataclasses import dataclass
from typing import get_args

from meltpoint.embedding import UNKNOWN_INITIALISERS, policy_class
from meltpoint.errors import InputError
from meltpoint.models import find_architecture
from meltpoint.studies import BASELINE, DEFAULT_POLICIES, StudyPlan, Until, choose_sizes, training_budget
from meltpoint.tasks import Task, find_task
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import Corpus, require_splittable
from meltpoint.trial import TrialData
from meltpoint.vectors import Vectors

DEFAULT_FOLDS = 5
DEFAULT_REPEATS = 40
DEFAULT_SEARCH_TRIALS = 4
DEFAULT_ROPE_POINTS = 0.5
DEFAULT_MAX_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """The options of a study.

    Attributes:
        architectures: As written.
        policies: Names; ``frozen``, with which the others are compared, is added if it is missing.
        sizes: Training budgets in rows, or None for the whole and quarters of it.
        rope_points: Differences below this many points of the metric do not matter.
        max_repeats: The study ends here at the latest.
        until: ``decided``, or ``repeats`` to go on to the last of them, for narrower intervals.
        search_trials: Configurations tried per policy, repeat and size.
        num_folds: Test folds, where no test set is given.
        seed: The master seed.
        unknown: Initialisation of unknown words.
        max_tokens: Longer texts are cut.
        metric: What choices are made by and policies compared in; empty for the task's own.
    """

    architectures: tuple[str, ...] = ("average",)
    policies: tuple[str, ...] = DEFAULT_POLICIES
    sizes: tuple[int, ...] | None = None
    rope_points: float = DEFAULT_ROPE_POINTS
    max_repeats: int = DEFAULT_REPEATS
    until: Until = "decided"
    search_trials: int = DEFAULT_SEARCH_TRIALS
    num_folds: int = DEFAULT_FOLDS
    seed: int = 0
    unknown: str = "matched-normal"
    max_tokens: int = DEFAULT_MAX_TOKENS
    metric: str = ""

    def check(self, task: Task = CLASSIFY) -> None:
        """Raises :class:`InputError` where an option cannot be, before anything is read or written."""
        task.metric(self.metric)
        if not self.architectures:
            raise InputError("--architecture names none; there is at least 'average'.")
        for architecture in self.architectures:
            find_architecture(architecture)
        for policy in self.policies:
            policy_class(policy)
        if not set(self.policies) - {BASELINE, "scratch"}:
            raise InputError("--policy needs at least one policy to compare with 'frozen', for example 'fine-tuned'.")
        if self.unknown not in UNKNOWN_INITIALISERS:
            raise InputError(f"--unknown must be one of {', '.join(UNKNOWN_INITIALISERS)}; found {self.unknown!r}.")
        if self.until not in get_args(Until):
            raise InputError(f"--until must be one of {', '.join(get_args(Until))}; found {self.until!r}.")
        for name, value, lowest in (
            ("--repeats", self.max_repeats, 2),
            ("--search", self.search_trials, 1),
            ("--folds", self.num_folds, 2),
            ("--max-tokens", self.max_tokens, 1),
        ):
            if value < lowest:
                raise InputError(f"{name} must be at least {lowest}, found {value}.")
        if not 0 <= self.rope_points <= 50:
            raise InputError(f"--rope is in points of the metric, from 0 to 50; found {self.rope_points}.")


def make_plan(options: StudyOptions, corpus: Corpus, vectors: Vectors, tokenizer: str, data: TrialData) -> StudyPlan:
    """Turns options into the plan of a study on this data.

    Raises:
        InputError: The data are too small for the folds or the sizes.
    """
    require_splittable(corpus, options.num_folds)
    wanted = [policy for policy in options.policies if policy != BASELINE]
    budget = training_budget(data, num_folds=options.num_folds, seed=options.seed)
    return StudyPlan(
        study=study_digest(corpus, vectors, tokenizer),
        seed=options.seed,
        architectures=tuple(dict.fromkeys(options.architectures)),
        policies=(BASELINE, *dict.fromkeys(wanted)),
        sizes=choose_sizes(options.sizes, budget, int(corpus.strata.max()) + 1, unit=find_task(corpus.task).unit),
        max_repeats=options.max_repeats,
        until=options.until,
        search_trials=options.search_trials,
        num_folds=options.num_folds,
        unknown=options.unknown,
        max_tokens=options.max_tokens,
        rope_points=options.rope_points,
        metric=find_task(corpus.task).metric(options.metric).name,
        reads=find_task(corpus.task).reads,
        rows_per_unit=round(data.rows_per_unit, 6),
    )


def study_digest(corpus: Corpus, vectors: Vectors, tokenizer: str) -> str:
    """Returns the identity of what a study is about: data, vectors and tokenizer (BLAKE2b-128, hex)."""
    text = "\n".join((corpus.digest, vectors.digest, tokenizer))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
