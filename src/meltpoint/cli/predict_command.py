"""The command that reads new texts."""

import json
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Literal

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.input_lines import read_batches
from meltpoint.cli.output import errors, warn
from meltpoint.errors import DataFileError


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder, such as RUN/model.")],
    source: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="A file of texts, or - for standard input, a text a line.")
    ] = "-",
    text: shared.TextOption = None,
    unseen: Annotated[
        Literal["pretrained", "mapped", "unknown"],
        typer.Option("--unseen", help="How to read words that training never saw; see the docs."),
    ] = "pretrained",
    bad_lines: Annotated[
        Literal["stop", "skip"],
        typer.Option("--bad-lines", help="At a line that cannot be read: stop, or tell its number and go on."),
    ] = "stop",
) -> None:
    """Do what the model has learned; one JSON line out for each in, as they come."""
    from meltpoint.handover import load_model, make_predictor  # noqa: PLC0415 - imports torch
    from meltpoint.tasks import find_task  # noqa: PLC0415

    skipped = 0

    def skip(error: DataFileError) -> None:
        nonlocal skipped
        skipped += 1
        errors.print(f"skipped  {error}", markup=False, soft_wrap=True)

    lines = sys.stdout
    # What a user's own architecture prints must not get between the results.
    with redirect_stdout(sys.stderr):
        trained = load_model(model)
        task = find_task(trained.config.task)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            predictor = make_predictor(trained, unseen=unseen)
        for warning in caught:
            warn(str(warning.message))
        for batch in read_batches(source, text, task, skip=skip if bad_lines == "skip" else None):
            for given, prediction in zip(batch, predictor.predict(one.query for one in batch), strict=True):
                # Where lines may be missing, a line says which it is.
                number = {"line": given.number} if bad_lines == "skip" else {}
                found = {**number, **given.query.asked, **prediction.to_dict()}
                lines.write(json.dumps(found, ensure_ascii=False) + "\n")
            lines.flush()
    if skipped:
        errors.print(f"skipped  {skipped:,} lines that cannot be read", markup=False)
