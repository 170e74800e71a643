"""A trial: a pure function of its spec and the data."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meltpoint.randomness import generator, torch_seeded
from meltpoint.trial.assembly import assemble_model
from meltpoint.trial.control import TFIDF, run_tfidf
from meltpoint.trial.data import TrialData
from meltpoint.trial.spec import TrialSpec
from meltpoint.trial.splits import Split, split_for
from meltpoint.trial.training import check_outputs, fit


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What a trial found.

    Attributes:
        validation_accuracy: Share right on the validation rows, at the best step: choices are made by this.
        validation_loss: Mean cross-entropy there, in nats: ties are broken by this.
        train_accuracy: Share right on the training rows, at the best step; None for controls.
        test_accuracy: Share right on the test rows; no choice looks at it.
        predicted: ``(n_test,)`` int16, the predicted class of each test row, in the order of the split.
        best_step: The step whose weights were kept.
        steps: Steps taken.
        converged: Whether training ended by itself before ``max_steps``.
        trainable_parameters: Numbers that training could change.
        seconds: Wall time of the whole trial.
    """

    validation_accuracy: float
    validation_loss: float
    train_accuracy: float | None
    test_accuracy: float
    predicted: NDArray[np.int16]
    best_step: int
    steps: int
    converged: bool
    trainable_parameters: int
    seconds: float = 0.0


def run_trial(spec: TrialSpec, data: TrialData) -> TrialResult:
    """Trains and scores one configuration.

    Everything that is drawn (rows, unknown words, initial head weights, batch order, dropout) is named by repeat and
    size and not by policy or configuration: the policies of a repeat differ in nothing else.

    Raises:
        InputError: The architecture or the policy cannot be built, or the model's output has the wrong shape.
        DivergedError: Its loss is no longer finite.
    """
    started = time.perf_counter()
    run = _run_control if spec.architecture == TFIDF else _run_model
    result = run(spec, data, split_for(data, spec.split))
    return replace(result, seconds=time.perf_counter() - started)


def _run_control(spec: TrialSpec, data: TrialData, split: Split) -> TrialResult:
    validation, test, num_coefficients, converged = run_tfidf(data, split, strength=dict(spec.settings)["C"])
    return TrialResult(
        validation_accuracy=validation.accuracy,
        validation_loss=validation.loss,
        train_accuracy=None,
        test_accuracy=test.accuracy,
        predicted=test.predicted.astype(np.int16),
        best_step=0,
        steps=0,
        converged=converged,
        trainable_parameters=num_coefficients,
    )


def _run_model(spec: TrialSpec, data: TrialData, split: Split) -> TrialResult:
    seed, where = spec.split.seed, (spec.split.repeat, spec.split.size)
    trained = assemble_model(spec, data, split.train, seed=seed, where=where)
    check_outputs(trained.model, trained.texts(data, split.train), data.num_classes)
    train = trained.examples(data, split.train)
    with torch_seeded(seed, "dropout", *where):
        course = fit(
            trained.learner,
            trained.optimizer,
            train,
            trained.examples(data, split.validation),
            spec.schedule,
            generator(seed, "batches", *where),
            scorer=trained.score,
        )
    tested = trained.score(trained.learner, trained.examples(data, split.test))
    return TrialResult(
        validation_accuracy=course.validation.accuracy,
        validation_loss=course.validation.loss,
        train_accuracy=trained.score(trained.learner, train).accuracy,
        test_accuracy=tested.accuracy,
        predicted=tested.predicted.astype(np.int16),
        best_step=course.best_step,
        steps=course.steps,
        converged=course.converged,
        trainable_parameters=trained.trainable_parameters,
    )
