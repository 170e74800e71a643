"""The commands that make a study or show one."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.material import open_material, read_material, tell_corpus
from meltpoint.cli.output import errors, print_json, results
from meltpoint.cli.report_command import write_report

if TYPE_CHECKING:
    from meltpoint.run import Material, StudyOptions, Tracker

ArchitectureOption = Annotated[
    str,
    typer.Option(
        "--architecture",
        help="average, cnn, lstm, transformer, with :DEPTH (not cnn), package.module:callable; several with commas.",
    ),
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Run folder; by default meltpoint-NAME.")]
BudgetOption = Annotated[str | None, typer.Option("--budget", metavar="TIME", help="Stop after so long: 90s, 10m, 1h.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", help="Worker processes; by default one per core.")]
RayOption = Annotated[
    str | None, typer.Option("--ray", metavar="ADDRESS", help="Train on a Ray cluster: HOST:PORT of its head, or auto.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the study in the run folder.")]
NoExamplesOption = Annotated[
    bool, typer.Option("--no-examples", help="Keep no texts in the run folder; the report then shows none.")
]
RepeatsOption = Annotated[int, typer.Option("--repeats", help="The study ends after so many repeats at the latest.")]


def study(
    data: shared.DataArgument,
    vectors: shared.VectorsOption,
    test: shared.TestOption = None,
    text: shared.TextOption = None,
    label: shared.LabelOption = None,
    second_text: shared.SecondTextOption = None,
    group: shared.GroupOption = None,
    task: shared.TaskOption = "classify",
    metric: shared.MetricOption = None,
    empty: shared.EmptyOption = "error",
    architecture: ArchitectureOption = "average",
    policy: Annotated[
        str,
        typer.Option("--policy", help="standard, all, or names with commas between; see 'meltpoint policies'."),
    ] = "standard",
    size: Annotated[str, typer.Option("--size", help="Training rows: auto, or numbers with commas between.")] = "auto",
    rope: Annotated[float, typer.Option("--rope", help="Gains below so many points do not matter.")] = 0.5,
    repeats: RepeatsOption = 40,
    until: Annotated[
        Literal["decided", "repeats"],
        typer.Option("--until", help="End when decided, or go on to the last repeat: a narrower melting point."),
    ] = "decided",
    budget: BudgetOption = None,
    seed: shared.SeedOption = 0,
    workers: WorkersOption = None,
    ray: RayOption = None,
    device: shared.DeviceOption = "cpu",
    mlflow: Annotated[
        str | None, typer.Option("--mlflow", metavar="URI|DIR", help="Log the study to MLflow when it has ended.")
    ] = None,
    tokenizer: shared.TokenizerOption = "auto",
    member: shared.MemberOption = None,
    folds: Annotated[int, typer.Option("--folds", help="Test folds, where no test file is given.")] = 5,
    search: shared.SearchOption = 4,
    unknown: shared.UnknownOption = "matched-normal",
    max_tokens: shared.MaxTokensOption = 256,
    out: OutOption = None,
    resume: ResumeOption = False,
    no_examples: NoExamplesOption = False,
    quiet: shared.QuietOption = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Measure whether to freeze or fine-tune, on your data; hand over the trained model."""
    budget_seconds = shared.parse_budget(budget)
    sizes = shared.parse_sizes(size)
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
    from meltpoint.run import StudyOptions, Tracker  # noqa: PLC0415
    from meltpoint.studies import choose_policies  # noqa: PLC0415

    chosen = StudyOptions(
        architectures=shared.parse_names(architecture, "--architecture"),
        policies=choose_policies(shared.parse_names(policy, "--policy")),
        sizes=sizes,
        rope_points=rope,
        max_repeats=repeats,
        until=until,
        search_trials=search,
        num_folds=folds,
        seed=seed,
        unknown=unknown,
        max_tokens=max_tokens,
        metric=metric or "",
    )
    folder = out or Path(f"meltpoint-{data.name.split('.')[0]}")
    where = {"workers": workers, "ray": ray, "device": device}
    tracker = None if mlflow is None else Tracker(mlflow)
    say = {"quiet": quiet or as_json, "as_json": as_json}
    _conduct(material, chosen, folder, resume, budget_seconds, where, tracker, examples=not no_examples, **say)


def demo(
    out: OutOption = Path("meltpoint-demo"),
    budget: BudgetOption = "330s",
    architecture: ArchitectureOption = "average",
    seed: shared.SeedOption = 0,
    workers: WorkersOption = None,
    ray: RayOption = None,
    device: shared.DeviceOption = "cpu",
    resume: ResumeOption = False,
    quiet: shared.QuietOption = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Run the main job on embedded data: real film reviews, real GloVe, no network."""
    from meltpoint.run.demo import DEMO_VECTORS, LICENCE_NOTE, demo_corpus  # noqa: PLC0415

    corpus = demo_corpus()
    if not (quiet or as_json):
        tell_corpus(corpus)
        errors.print(f"licence  {LICENCE_NOTE}", markup=False, soft_wrap=True)
    material = open_material(corpus, DEMO_VECTORS, member=None, tokenizer="auto", quiet=quiet or as_json)
    from meltpoint.run import StudyOptions  # noqa: PLC0415

    chosen = StudyOptions(architectures=shared.parse_names(architecture, "--architecture"), seed=seed)
    folder = out or Path("meltpoint-demo")
    where = {"workers": workers, "ray": ray, "device": device}
    say = {"quiet": quiet or as_json, "as_json": as_json}
    _conduct(material, chosen, folder, resume, shared.parse_budget(budget), where, None, examples=True, **say)


def _conduct(
    material: "Material",
    options: "StudyOptions",
    folder: Path,
    resume: bool,  # noqa: FBT001
    budget_seconds: float | None,
    where: dict[str, Any],
    tracker: "Tracker | None",
    *,
    examples: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    from meltpoint.report import drift_sentence, render_verdict, watching  # noqa: PLC0415
    from meltpoint.run import MODEL, hand_over, has_model_to_hand_over, measure  # noqa: PLC0415

    # What a user's own architecture prints must not get between the results.
    with watching(errors, quiet=quiet) as watch, redirect_stdout(sys.stderr):
        run, conclusion = measure(
            material,
            options,
            folder,
            resume=resume,
            budget_seconds=budget_seconds,
            **where,
            watch=watch,
        )
    if as_json:
        print_json(run.verdict)
    else:
        results.print(render_verdict(run.verdict, run.costs, needed_minutes=run.needed_minutes))
        results.print(f"kept in {folder}: study.db, verdict.json, run.json", markup=False, soft_wrap=True)
    if has_model_to_hand_over(conclusion):
        verdict = run.verdict
        if not quiet:
            rows = verdict["data"]["train_rows"]
            errors.print(f"training the model on all {rows:,} rows, policy {verdict['policy']}", markup=False)
        with redirect_stdout(sys.stderr):
            drift = hand_over(material, run, conclusion, device=where["device"])
        if not as_json:
            if drift is not None:
                results.print(f"what moved: {drift_sentence(drift)}", markup=False, soft_wrap=True)
                results.print(f"the whole of it: meltpoint drift {folder}", markup=False, soft_wrap=True)
            results.print(f"the model: meltpoint predict {folder / MODEL}", markup=False, soft_wrap=True)
    page = write_report(run, material.corpus, keep_examples=examples)
    if page is not None and not as_json:
        results.print(f"the report: {page}", markup=False, soft_wrap=True)
    if tracker is not None and conclusion.ending != "interrupted":
        number = tracker.log(folder, run.verdict)
        if not as_json:
            results.print(f"logged to MLflow: run {number}", markup=False, soft_wrap=True)
    if conclusion.ending == "interrupted":
        errors.print("interrupted; the same command with --resume goes on.")
        sys.exit(3)
