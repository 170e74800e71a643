"""The command that shows what is in a ledger."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.output import print_json
from meltpoint.cli.output import results as output

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table


def results(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, finished or not.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write all columns: FILE.csv, .parquet or .jsonl.")
    ] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="What the chosen trials predicted for each test row, instead.")
    ] = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Show the trials of a study, or write them to a file."""
    from meltpoint.run import prediction_frame, trial_frame, write_frame  # noqa: PLC0415

    frame = prediction_frame(run) if predictions else trial_frame(run)
    if to is not None:
        write_frame(frame, to)
    if as_json:
        print_json(frame.to_dicts() if to is None else {"file": str(to), "rows": len(frame), "columns": frame.columns})
    elif to is not None:
        output.print(f"{to}: {len(frame):,} rows, {len(frame.columns)} columns", markup=False, soft_wrap=True)
    else:
        output.print(_render(_counts(frame) if predictions else _cells(frame)))


def _cells(trials: "pl.DataFrame") -> "pl.DataFrame":
    """Sums up the trials of each architecture, policy and size."""
    import polars as pl  # noqa: PLC0415

    endings = ("cut off", "dropped", "diverged")
    cells = trials.group_by("size", "architecture", "policy", maintain_order=True).agg(
        pl.len().alias("trials"),
        (100 * pl.col("validation_score").max()).round(1).alias("best validation"),
        (100 * pl.col("test_score").mean()).round(1).alias("mean test"),
        *((pl.col("ending") == how).sum().alias(how) for how in endings),
        pl.col("seconds").sum().round(1),
    )
    unheard_of = [how for how in endings if not cells[how].sum()]
    return cells.drop(unheard_of).sort("size", "architecture", "policy", descending=[True, False, False])


def _counts(predictions: "pl.DataFrame") -> "pl.DataFrame":
    """Sums up the predictions of each architecture, policy and size."""
    import polars as pl  # noqa: PLC0415

    return predictions.group_by("size", "architecture", "policy", maintain_order=True).agg(
        pl.len().alias("predictions"),
        # A candidate in a ranking is not right or wrong by itself.
        *([(100 * pl.col("right").mean()).round(1).alias("right")] if "right" in predictions.columns else []),
    )


def _render(frame: "pl.DataFrame") -> "Table":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, kind in frame.schema.items():
        # The headings of numbers may take two lines; the numbers, and the names, take one.
        table.add_column(Text(name), justify="right" if kind.is_numeric() else "left", no_wrap=not kind.is_numeric())
    for row in frame.rows():
        table.add_row(*(Text(_text(cell)) for cell in row))
    return table


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int | float) else str(cell)
