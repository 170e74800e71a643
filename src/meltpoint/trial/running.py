"""Trials: pure functions of their specs and the data. Rivals of one search are trained together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from meltpoint.errors import DivergedError, InputError
from meltpoint.models import is_own
from meltpoint.randomness import generator
from meltpoint.trial.assembly import Assembly, assemble, can_be_stacked, make_learner, spec_policy
from meltpoint.trial.control import TFIDF, Tfidf
from meltpoint.trial.data import TrialData
from meltpoint.trial.examples import Examples
from meltpoint.trial.fitting import DIVERGENCE_CAUSES, Course, Look, Rivalry, fit
from meltpoint.trial.model_checks import check_own_model
from meltpoint.trial.spec import TrialSpec
from meltpoint.trial.splits import split_for

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What a trial found.

    Attributes:
        ending: ``converged``; ``cut off`` at ``max_steps``; or ``dropped``, for better rivals: then it was not tested.
        validation_score: On the validation rows, at the best step: choices are made by this.
        validation_loss: Mean loss there, in nats: ties are broken by this.
        train_score: On the training rows, at the best step; None for controls and the dropped.
        test_score: On the test rows; no choice looks at it.
        predicted: ``(n_test, ...)`` int16, what was predicted for each test row, in the order of the split: its
            class, or what the task keeps (:meth:`meltpoint.tasks.Task.settle`).
        best_step: The step whose weights were kept.
        steps: Steps taken.
        trainable_parameters: Numbers that training could change.
        looks: All looks at the validation rows.
        seconds: Wall time; rivals that trained together share theirs evenly by the steps they took.
    """

    ending: str
    validation_score: float
    validation_loss: float
    train_score: float | None
    test_score: float | None
    predicted: NDArray[np.int16] | None
    best_step: int
    steps: int
    trainable_parameters: int
    looks: tuple[Look, ...] = ()
    seconds: float = 0.0

    @property
    def converged(self) -> bool:
        """Whether training ended by itself."""
        return self.ending == "converged"


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A trial whose loss is no longer finite."""

    reason: str
    seconds: float


def run_search(
    specs: Sequence[TrialSpec], data: TrialData, *, device: torch.device = CPU
) -> list[TrialResult | Divergence]:
    """Trains and scores the configurations of a search together.

    Everything that is drawn (rows, unknown words, initial head weights, batch order, dropout) is named by repeat and
    size and not by policy or configuration: the policies of a repeat differ in nothing else.

    Args:
        specs: Configurations of one architecture and one policy at one size; those of several repeats, too, train
            together.
        data: The study's data.
        device: Where it is computed.

    Returns:
        What each found, in order.

    Raises:
        InputError: The architecture or the policy cannot be built, the model's output has the wrong shape, or a user's
            own model does not read the embedding as it must.
    """
    started = time.perf_counter()
    if specs[0].architecture == TFIDF:
        return _run_controls(specs, data)
    sources = list(dict.fromkeys(spec.split for spec in specs))
    source_of = [sources.index(spec.split) for spec in specs]
    splits = [split_for(data, source) for source in sources]
    where = [(source.repeat, source.size) for source in sources]
    seed = sources[0].seed

    def assembled(number: int) -> Assembly:
        source = source_of[number]
        return assemble(specs[number], data, splits[source].train, seed=seed, where=where[source])

    first = assembled(0)
    check_outputs(first.model, first.examples(data, splits[0].train))
    if is_own(specs[0].architecture):
        examples = first.examples(data, splits[0].train)
        check_own_model(first.model, first.embedding, examples.ids(examples.by_length[-1][-2:]))
    if can_be_stacked(specs[0], first.model):
        # Members of one source share its table and its initial weights until the first step.
        shared = {
            source: first if source == 0 else assembled(source_of.index(source)) for source in range(len(sources))
        }
        assemblies = [
            replace(shared[source], policy=spec_policy(spec)) for source, spec in zip(source_of, specs, strict=True)
        ]
    else:
        assemblies = [first, *(assembled(number) for number in range(1, len(specs)))]
    own = [assemblies[source_of.index(source)] for source in range(len(sources))]
    rivalries = [
        Rivalry(
            train=assembly.examples(data, split.train),
            validation=assembly.examples(data, split.validation),
            test=assembly.examples(data, split.test),
            order=generator(seed, "batches", *name),
        )
        for assembly, split, name in zip(own, splits, where, strict=True)
    ]
    train = [rivalry.train for rivalry in rivalries]
    learner = make_learner(specs, assemblies, train, source_of, seed=seed, where=where, device=device)
    courses = fit(learner, rivalries, specs[0].schedule)
    seconds = (time.perf_counter() - started) / sum(course.steps for course in courses)
    return [
        _result(course, assembly.trainable_parameters, course.steps * seconds)
        for course, assembly in zip(courses, assemblies, strict=True)
    ]


def run_trial(spec: TrialSpec, data: TrialData, *, device: torch.device = CPU) -> TrialResult:
    """Trains and scores one configuration: a search of one.

    Raises:
        InputError: As :func:`run_search`.
        DivergedError: Its loss is no longer finite.
    """
    (found,) = run_search([spec], data, device=device)
    if isinstance(found, Divergence):
        raise DivergedError(found.reason)
    return found


def _run_controls(specs: Sequence[TrialSpec], data: TrialData) -> list[TrialResult | Divergence]:
    results: list[TrialResult | Divergence] = []
    control: Tfidf | None = None
    for before, spec in zip((None, *specs), specs, strict=False):
        started = time.perf_counter()
        if control is None or before is None or before.split != spec.split:
            control = Tfidf(data, split_for(data, spec.split), metric=spec.metric)
        fitted = control.fit(strength=dict(spec.settings)["C"])
        results.append(
            TrialResult(
                ending="converged" if fitted.converged else "cut off",
                validation_score=fitted.validation.score,
                validation_loss=fitted.validation.loss,
                train_score=None,
                test_score=fitted.test.score,
                predicted=compact(fitted.test.predicted),
                best_step=0,
                steps=0,
                trainable_parameters=fitted.num_coefficients,
                seconds=time.perf_counter() - started,
            )
        )
    return results


def _result(course: Course, trainable_parameters: int, seconds: float) -> TrialResult | Divergence:
    if course.ending == "diverged" or course.validation is None:
        reason = f"The validation loss is not finite at step {course.steps}. {DIVERGENCE_CAUSES}"
        return Divergence(reason=reason, seconds=seconds)
    return TrialResult(
        ending=course.ending,
        validation_score=course.validation.score,
        validation_loss=course.validation.loss,
        train_score=None if course.train is None else course.train.score,
        test_score=None if course.test is None else course.test.score,
        predicted=None if course.test is None else compact(course.test.predicted),
        best_step=course.best_step,
        steps=course.steps,
        trainable_parameters=trainable_parameters,
        looks=course.looks,
        seconds=seconds,
    )


def compact(predicted: NDArray[np.int64]) -> NDArray[np.int16]:
    """Returns what was predicted in the form in which it is kept."""
    return predicted.astype(np.int16)


def check_outputs(model: nn.Module, examples: Examples) -> None:
    """Raises :class:`InputError` unless the model turns ids into as many scores as the task has outputs."""
    ids = examples.ids(np.arange(min(2, len(examples.rows))))
    model.eval()
    with torch.inference_mode():
        outputs = model(ids)
    num_outputs = examples.task.num_outputs(examples.classes)
    per_token = examples.task.reads == "tokens"
    expected = (*ids.shape, num_outputs) if per_token else (len(ids), num_outputs)
    axes = "(batch, tokens, classes)" if per_token else "(batch, classes)"
    if not isinstance(outputs, torch.Tensor) or outputs.shape != expected or not outputs.is_floating_point():
        tensor = isinstance(outputs, torch.Tensor)
        found = f"{outputs.dtype} {tuple(outputs.shape)}" if tensor else type(outputs).__name__
        raise InputError(
            f"The architecture must return floating scores of shape {axes} = {expected} for token ids of "
            f"shape {tuple(ids.shape)}; it returned {found}."
        )
