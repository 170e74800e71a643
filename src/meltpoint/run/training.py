"""One policy, no comparison: search, an honest score on held-out rows, and the model trained on all rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from meltpoint.errors import MeltpointError, RunFolderError
from meltpoint.handover import TrainedModel, final_recipe, save_model, train_final
from meltpoint.run.options import StudyOptions, make_plan
from meltpoint.run.placing import find_device
from meltpoint.run.studying import Material
from meltpoint.studies import Chosen, Findings, InProcess, TrialRecord
from meltpoint.tasks import find_task


@dataclass(frozen=True, kw_only=True)
class Training:
    """A trained model, and the choice it follows from.

    Attributes:
        trained: Trained on all rows that are not of a given test set.
        chosen: The configuration that the validation rows chose; its test score is measured on rows that neither
            it nor the choice has seen.
    """

    trained: TrainedModel
    chosen: Chosen


def train_policy(
    material: Material,
    options: StudyOptions,
    policy: str,
    out: Path,
    *,
    device: str = "cpu",
    watch: Callable[[TrialRecord], None] = lambda _: None,
) -> Training:
    """Trains a model under a given policy and writes its folder.

    The configuration is chosen on validation rows as a study does, scored on the test set (or on one test fold), and
    trained again on all rows.

    Args:
        material: Texts and vectors.
        options: Seed, architecture (the first), search budget and so on.
        policy: The policy's name.
        out: The model folder; it must not exist.
        device: ``cpu``, ``cuda`` or ``auto``.
        watch: Called with each configuration, once all are trained.

    Raises:
        RunFolderError: ``out`` exists.
        InputError: The data or an option cannot be used.
    """
    options.check(find_task(material.corpus.task))
    device = find_device(device)
    if out.exists():
        raise RunFolderError(f"--out {out} exists already; give the name of a folder that does not.")
    plan = replace(
        make_plan(options, material.corpus, material.vectors, material.tokenizer.name, material.data),
        policies=(policy,),
    )
    plan = replace(plan, sizes=plan.sizes[-1:])
    findings = Findings(plan, material.data, {})
    architecture, size = plan.architectures[0], plan.sizes[-1]
    with InProcess(material.data, device=device) as executor:
        executor.start(plan.policy_search(architecture, policy, 0, size))
        for record in executor.finished(0) or ():
            findings.records[record.spec.signature] = record
            watch(record)
    chosen = findings.chosen(architecture, policy, 0, size)
    if chosen is None:
        raise MeltpointError("The search ended without a result.")
    recipe = final_recipe(findings, architecture, policy, 1)
    trained = train_final(
        findings, material.vectors, material.tokenizer.name, material.corpus.classes, recipe, device=device
    )
    save_model(trained, out)
    return Training(trained=trained, chosen=chosen)
