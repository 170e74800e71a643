"""The command that hands a trained model over to other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.output import errors, print_json, results


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder, such as RUN/model.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="onnx, glove, word2vec, word2vec-binary, gensim, safetensors, static-model or npy.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file or folder to write.")],
    words: Annotated[
        Literal["trained", "all"],
        typer.Option("--words", help="all: also the words of the vectors that training never saw, as they were."),
    ] = "trained",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Write a trained model, or its embedding, in the format of others."""
    from meltpoint.handover import export_model  # noqa: PLC0415 - imports torch

    with errors.status(f"exporting {model}"):
        exported = export_model(model, to, out, words=words, force=force)
    files = [str(path) for path in exported.files]
    if as_json:
        print_json({"files": files, "words": exported.num_words, "dim": exported.dim, "loading": exported.loading})
        return
    results.print(f"{out}: {exported.num_words:,} words x {exported.dim}", markup=False, soft_wrap=True)
    results.print(f"written: {', '.join(files)}", markup=False, soft_wrap=True)
    results.print(f"load it:\n\n{exported.loading}", markup=False, soft_wrap=True)
