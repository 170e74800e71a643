"""The specification of a trial: everything that determines it, and nothing else."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from meltpoint.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and in what steps a model is trained.

    Attributes:
        batch_size: Texts per step.
        max_steps: Training ends here at the latest: the same for every policy.
        evaluate_every: Steps between two looks at the validation rows.
        patience_steps: Training ends after so many steps without a better look.
        max_tokens: Longer texts are cut.
        rungs: After these steps the better half of the configurations of a search goes on.
    """

    batch_size: int
    max_steps: int
    evaluate_every: int
    patience_steps: int
    max_tokens: int
    rungs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """Which rows are trained on, validated on and tested on.

    Attributes:
        seed: The master seed.
        repeat: Number of the repeat, from 0.
        size: Training budget in rows; the validation rows are part of it.
        num_folds: Test folds per rotation, where no test set was given.
        validation_fraction: Share of the training budget that is held out to choose by.
    """

    seed: int
    repeat: int
    size: int
    num_folds: int
    validation_fraction: float


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One training run.

    Attributes:
        study: Digest of the data, the vectors and the tokenizer.
        architecture: As written, e.g. ``average:1``; or the name of a control that is no neural model.
        policy: Name of the policy; for a control its own name.
        settings: The policy's knobs, by name.
        learning_rate: Learning rate of everything but the embedding.
        unknown: Initialisation of unknown words.
        split: The rows.
        schedule: The steps.
        metric: What choices are made by; empty for the task's own.
        search: Digest of the configurations among which this one is searched, since better ones may end its training.
    """

    study: str
    architecture: str
    policy: str
    settings: tuple[tuple[str, float], ...]
    learning_rate: float
    unknown: str
    split: SplitSpec
    schedule: Schedule
    metric: str = ""
    search: str = ""

    def to_json(self) -> str:
        """Returns the canonical text of the spec: keys sorted, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "TrialSpec":
        """Reads :meth:`to_json` back."""
        fields: dict[str, Any] = json.loads(text)
        fields["settings"] = tuple((knob, value) for knob, value in fields["settings"])
        schedule = {**fields["schedule"], "rungs": tuple(fields["schedule"]["rungs"])}
        return cls(**{**fields, "split": SplitSpec(**fields["split"]), "schedule": Schedule(**schedule)})

    @cached_property
    def signature(self) -> str:
        """The hash of the spec (BLAKE2b-128, hex): two trials with the same one are the same trial."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=16).hexdigest()

    @property
    def configuration(self) -> tuple[tuple[str, float], ...]:
        """What the search chooses: the learning rate and the policy's knobs."""
        return (("learning_rate", self.learning_rate), *self.settings)


def as_search(specs: Iterable[TrialSpec]) -> tuple[TrialSpec, ...]:
    """Makes specs the rivals of one search: each then knows, by a digest, whom it competes with."""
    alone = tuple(replace(spec, search="") for spec in specs)
    text = "\n".join(spec.to_json() for spec in alone)
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return tuple(replace(spec, search=digest) for spec in alone)


def default_schedule(num_train: int, *, max_tokens: int) -> Schedule:
    """Sets the schedule for so many training rows, the same for every policy and control.

    Patience counts steps, not epochs: an epoch of 400 rows is 7 steps, and a rule of three epochs would stop every
    policy at chance. Few rows get up to 4,000 steps, many get up to 40 epochs. A configuration has been given one
    patience before it can be left behind, and two and four before the next halvings.
    """
    if num_train < 1:
        raise InputError("A schedule needs at least one training row.")
    batch_size = 64
    epoch = -(-num_train // batch_size)
    patience_steps = max(300, 3 * epoch)
    return Schedule(
        batch_size=batch_size,
        max_steps=max(4000, 40 * epoch),
        evaluate_every=max(20, epoch // 2),
        patience_steps=patience_steps,
        max_tokens=max_tokens,
        rungs=(patience_steps, 2 * patience_steps, 4 * patience_steps),
    )
