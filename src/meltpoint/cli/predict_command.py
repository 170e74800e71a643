"""The command that reads new texts."""

import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
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
    from meltpoint.cli.answering import write_answers  # noqa: PLC0415 - imports torch
    from meltpoint.handover import load_model, make_predictor  # noqa: PLC0415
    from meltpoint.tasks import find_task  # noqa: PLC0415

    skipped = 0

    def skip(error: DataFileError) -> None:
        nonlocal skipped
        skipped += 1
        errors.print(f"skipped  {error}", markup=False, soft_wrap=True)

    lines = sys.stdout.buffer
    # What a user's own architecture prints must not get between the results.
    with redirect_stdout(sys.stderr):
        trained = load_model(model)
        task = find_task(trained.config.task)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            predictor = make_predictor(trained, unseen=unseen)
        for warning in caught:
            warn(str(warning.message))
        batches = read_batches(source, text, task, skip=skip if bad_lines == "skip" else None)
        with _loaded_for_good():
            # Where lines may be missing, a line says which it is.
            write_answers(batches, predictor, lines, numbered=bad_lines == "skip")
    if skipped:
        errors.print(f"skipped  {skipped:,} lines that cannot be read", markup=False)


@contextmanager
def _loaded_for_good() -> Iterator[None]:
    """Spares the collector of garbage what is there by now.

    To look through all modules and the model again and again took a fifth of the time of a long file.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
