"""The command that trains one model."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.material import read_material
from meltpoint.cli.output import errors, print_json, results

if TYPE_CHECKING:
    from meltpoint.studies import TrialRecord


def train(
    data: shared.DataArgument,
    vectors: shared.VectorsOption,
    policy: Annotated[str, typer.Option("--policy", help="How the embedding may change; see the docs for all.")],
    out: Annotated[Path, typer.Option("--out", metavar="MODEL", help="The model folder to make.")],
    test: shared.TestOption = None,
    text: shared.TextOption = None,
    label: shared.LabelOption = None,
    second_text: shared.SecondTextOption = None,
    group: shared.GroupOption = None,
    task: shared.TaskOption = "classify",
    metric: shared.MetricOption = None,
    empty: shared.EmptyOption = "error",
    architecture: Annotated[str, typer.Option("--architecture")] = "average",
    seed: shared.SeedOption = 0,
    tokenizer: shared.TokenizerOption = "auto",
    member: shared.MemberOption = None,
    search: shared.SearchOption = 4,
    unknown: shared.UnknownOption = "matched-normal",
    max_tokens: shared.MaxTokensOption = 256,
    device: shared.DeviceOption = "cpu",
    quiet: shared.QuietOption = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Train a model under one policy: search, an honest score, then all rows."""
    material = read_material(
        data,
        vectors,
        member=member,
        test=test,
        text=text,
        label=label,
        second_text=second_text,
        group=group,
        task=task,
        empty=empty,
        tokenizer=tokenizer,
        quiet=quiet or as_json,
    )
    from meltpoint.run import StudyOptions, train_policy  # noqa: PLC0415
    from meltpoint.tasks import find_task  # noqa: PLC0415

    measured = find_task(task).metric(metric or "").name

    def tell(record: "TrialRecord") -> None:
        if quiet or as_json:
            return
        settings = ", ".join(f"{knob} {value:g}" for knob, value in record.spec.configuration)
        result = record.result
        found = (
            record.failure if result is None else f"{measured} {100 * result.validation_score:.1f}% on validation rows"
        )
        if result is not None and result.ending == "dropped":
            found = f"{found}, dropped after {result.steps:,} steps"
        errors.print(f"tried    {settings}: {found}", markup=False, soft_wrap=True)

    chosen = StudyOptions(
        architectures=(architecture,),
        seed=seed,
        search_trials=search,
        unknown=unknown,
        max_tokens=max_tokens,
        metric=metric or "",
    )
    # What a user's own architecture prints must not get between the results.
    with redirect_stdout(sys.stderr):
        training = train_policy(material, chosen, policy, out, device=device, watch=tell)
    config, chosen_trial = training.trained.config, training.chosen
    if as_json:
        print_json(
            {
                "model": str(out),
                "policy": policy,
                "architecture": architecture,
                "metric": measured,
                "test_score": round(100 * chosen_trial.test_score, 4),
                "test_rows": len(chosen_trial.predicted),
                "trained_rows": config.rows,
                "configuration": dict(training.chosen.spec.configuration),
                "trainable_parameters": chosen_trial.result.trainable_parameters,
            }
        )
        return
    results.print(
        f"{policy} / {architecture}: {measured} {100 * chosen_trial.test_score:.1f}% on "
        f"{len(chosen_trial.predicted):,} held-out rows; then trained on all {config.rows:,}.",
        markup=False,
        soft_wrap=True,
    )
    results.print(f"the model: meltpoint predict {out}", markup=False, soft_wrap=True)
