"""Options that several commands share, and how their values are read."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from meltpoint.durations import parse_seconds
from meltpoint.errors import InputError

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="CSV, TSV, JSON lines or Parquet (also .gz), or a folder with train/dev/test files."
    ),
]
VectorsOption = Annotated[
    str, typer.Option("--vectors", metavar="SOURCE", help="A vector file (GloVe text, .gz, .zip), or glove-6b-50d.")
]
MemberOption = Annotated[str | None, typer.Option(help="Which file of a .zip of vectors, by name or pattern.")]
TestOption = Annotated[Path | None, typer.Option("--test", metavar="FILE", help="A test file of its own.")]
TextOption = Annotated[str | None, typer.Option("--text", metavar="COL", help="The text column; detected otherwise.")]
LabelOption = Annotated[
    str | None, typer.Option("--label", metavar="COL", help="The label column; detected otherwise.")
]
TaskOption = Annotated[
    str, typer.Option("--task", help="classify, multilabel, rank (answers to questions) or tag (entities).")
]
SecondTextOption = Annotated[
    str | None, typer.Option("--second-text", metavar="COL", help="The column of the answers, for --task rank.")
]
MetricOption = Annotated[
    str | None, typer.Option("--metric", metavar="NAME", help="What decides; by default the task's first metric.")
]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="COL", help="Rows of one group stay on one side of every split.")
]
EmptyOption = Annotated[
    Literal["error", "drop", "keep"], typer.Option("--empty", help="What to do with rows whose text is empty.")
]
TokenizerOption = Annotated[
    str, typer.Option("--tokenizer", metavar="NAME", help="auto: the one that fits the vectors.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="The master seed.")]
UnknownOption = Annotated[
    str, typer.Option("--unknown", help="Start of words without a vector: matched-normal, zero, mean or shared.")
]
MaxTokensOption = Annotated[int, typer.Option("--max-tokens", help="Longer texts are cut.")]
SearchOption = Annotated[int, typer.Option("--search", help="Configurations tried per policy, the same for each.")]
DeviceOption = Annotated[
    Literal["cpu", "cuda", "auto"],
    typer.Option("--device", help="cuda: one card, in this process; auto: if it is there."),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing of data and progress: the outcome, and warnings.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]


def parse_names(text: str, option: str) -> tuple[str, ...]:
    """Reads ``a,b,c``."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InputError(f"{option} names nothing; give one or more names with commas between.")
    return names


def parse_sizes(text: str) -> tuple[int, ...] | None:
    """Reads ``auto`` or ``400,2000``."""
    if text == "auto":
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--size must be 'auto' or numbers of rows with commas between; found {text!r}.") from error


def parse_budget(text: str | None) -> float | None:
    """Reads the time of ``--budget``, where one is given."""
    return None if text is None else parse_seconds(text, name="--budget")
