"""The model that is handed over: the chosen configuration, trained on all rows."""

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch

from meltpoint.errors import DivergedError
from meltpoint.handover.model_folder import ModelConfig, TrainedModel
from meltpoint.randomness import generator
from meltpoint.studies import Chosen, Findings, deterministic, single_thread
from meltpoint.text import PADDING, UNKNOWN, Vocabulary, tokenizer_for
from meltpoint.trial import DIVERGENCE_CAUSES, TrialSpec, assemble, fit_for, make_learner, vocabulary_tokens
from meltpoint.vectors import Vectors

FINAL_DRAW = 10
"""Stands where a repeat stands in the names of a generator: the same model, however many repeats a study may have."""


@dataclass(frozen=True, kw_only=True)
class FinalRecipe:
    """What the repeats of a study say about how to train the model that is handed over.

    Attributes:
        spec: The configuration that was chosen most often at the largest size, ties to the better on validation rows.
        epochs: Median length of training up to the best step, in passes over the training rows.
    """

    spec: TrialSpec
    epochs: float


def final_recipe(findings: Findings, architecture: str, policy: str, num_repeats: int) -> FinalRecipe:
    """Derives the recipe from the choices of the first ``num_repeats`` repeats at the largest size."""
    size = findings.plan.sizes[-1]
    found = (findings.chosen(architecture, policy, repeat, size) for repeat in range(num_repeats))
    chosen = [choice for choice in found if choice is not None]
    times_chosen = Counter(choice.spec.configuration for choice in chosen)

    def worth(choice: Chosen) -> tuple[int, float]:
        alike = [c.result.validation_score for c in chosen if c.spec.configuration == choice.spec.configuration]
        return (times_chosen[choice.spec.configuration], fmean(alike))

    spec = max(chosen, key=worth).spec
    num_train = round(size * findings.plan.rows_per_unit * (1 - spec.split.validation_fraction))
    batches = -(-num_train // spec.schedule.batch_size)
    return FinalRecipe(spec=spec, epochs=median(choice.result.best_step for choice in chosen) / batches)


def train_final(
    findings: Findings,
    vectors: Vectors,
    tokenizer: str,
    classes: tuple[str, ...],
    recipe: FinalRecipe,
    *,
    device: str = "cpu",
) -> TrainedModel:
    """Trains on every row that is not of a given test set, for as many epochs as the recipe says.

    There is no validation here: all labelled rows are used, and the length of training comes from the study.

    Args:
        findings: The study's data and plan.
        vectors: The vectors it was made with.
        tokenizer: Name of the tokenizer.
        classes: Class names by number.
        recipe: What to train.
        device: Where it is computed; the model comes back to the processor.

    Raises:
        DivergedError: What it has learned is not finite.
    """
    data, spec, seed = findings.data, recipe.spec, findings.plan.seed
    rows = np.flatnonzero(~data.is_test)
    batches = -(-len(rows) // spec.schedule.batch_size)
    num_steps = max(1, round(recipe.epochs * batches))
    where = (FINAL_DRAW, len(rows))
    with single_thread(), deterministic(device):
        assembly = assemble(spec, data, rows, seed=seed, where=where, extend=False)
        train = assembly.examples(data, rows)
        learner = make_learner([spec], [assembly], [train], [0], seed=seed, where=[where], device=torch.device(device))
        fit_for(learner, train, num_steps, spec.schedule.batch_size, generator(seed, "batches", *where))
        learner.hand_back(0, assembly.model)
        assembly.embedding.fold()
    if not all(bool(parameter.isfinite().all()) for parameter in assembly.model.parameters()):
        raise DivergedError(f"The final training of {spec.architecture} / {spec.policy} diverged. {DIVERGENCE_CAUSES}")
    assembly.model.cpu().eval()
    counts = data.packed.counts(rows)
    seen = vocabulary_tokens(data, rows)
    # The rows of the table stand in the order of the lexicon; the model folder keeps that order.
    vocabulary = Vocabulary(
        (PADDING, UNKNOWN, *(data.packed.lexicon[token] for token in seen)),
        [0, 0, *counts[seen].tolist()],
        tokenizer=tokenizer_for(vectors, tokenizer),
    )
    config = ModelConfig(
        architecture=spec.architecture,
        policy=spec.policy,
        settings=dict(spec.settings),
        learning_rate=spec.learning_rate,
        steps=num_steps,
        rows=len(rows),
        classes=classes,
        tokenizer=tokenizer,
        max_tokens=spec.schedule.max_tokens,
        embedding_dim=vectors.dim,
        vectors={
            "name": vectors.name,
            "source": _lasting(vectors.source),
            "digest": vectors.digest,
            "licence": vectors.licence or "",
        },
        seed=seed,
        versions=versions(),
        task=data.task,
    )
    return TrainedModel(config=config, vocabulary=vocabulary, model=assembly.model)


def _lasting(source: str) -> str:
    """Returns a source that can be opened from any working folder."""
    path = Path(source)
    return str(path.resolve()) if path.exists() else source


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    return {
        "meltpoint": version("meltpoint"),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
