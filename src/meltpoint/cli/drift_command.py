"""The command that shows what training did to the words."""

from pathlib import Path
from typing import Annotated

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.output import errors, print_json, results


def drift(
    model: Annotated[Path, typer.Argument(metavar="MODEL|RUN", help="A model folder, or a run folder.")],
    word: Annotated[
        list[str] | None, typer.Option("--word", metavar="W", help="Show this word; may be given several times.")
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option("--benchmark", metavar="FILE", help="Rated word pairs or analogies; may be given several times."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option("--vectors", metavar="SOURCE", help="Where the model's vectors are, if they have moved."),
    ] = None,
    top: Annotated[int, typer.Option("-k", "--top", help="How many of the words that moved furthest.", min=1)] = 20,
    as_json: shared.JsonOption = False,
) -> None:
    """Show what fine-tuning moved, which neighbours were lost, and what it cost."""
    from meltpoint.handover import load_model, model_vectors  # noqa: PLC0415
    from meltpoint.report import render_drift  # noqa: PLC0415
    from meltpoint.run import MODEL, model_drift, read_drift  # noqa: PLC0415

    words, files = tuple(dict.fromkeys(word or ())), tuple(benchmark or ())
    document = None if words or files else read_drift(model)
    if document is None:
        inside = model / MODEL
        folder = inside if not (model / "config.json").is_file() and inside.is_dir() else model
        with errors.status("comparing words before and after"):
            trained = load_model(folder)
            document = model_drift(trained, model_vectors(trained, vectors), words=words, benchmarks=files or None)
    if as_json:
        print_json(document)
    else:
        results.print(render_drift(document, num_words=top))
