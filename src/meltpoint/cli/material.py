"""Reads what a command is about, telling the user what was found."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from meltpoint.cli.output import errors, warn
from meltpoint.tasks import find_task
from meltpoint.text import Corpus, read_corpus, tokenizer_for, warn_mismatch, warn_text
from meltpoint.vectors import open_vectors

if TYPE_CHECKING:
    from meltpoint.run import Material


def read_material(
    data: Path,
    vectors: str,
    *,
    member: str | None,
    test: Path | None,
    text: str | None,
    label: str | None,
    group: str | None,
    second_text: str | None = None,
    task: str = "classify",
    empty: Literal["error", "drop", "keep"],
    tokenizer: str,
    quiet: bool,
) -> "Material":
    """Reads data and vectors; unless ``quiet``, says on standard error what they are."""
    corpus = read_corpus(
        data,
        text=text,
        label=label,
        second_text=second_text,
        group=group,
        test=test,
        empty=empty,
        targets=find_task(task).targets,
    )
    if not quiet:
        tell_corpus(corpus)
    return open_material(corpus, vectors, member=member, tokenizer=tokenizer, quiet=quiet)


def open_material(corpus: Corpus, vectors: str, *, member: str | None, tokenizer: str, quiet: bool) -> "Material":
    """Opens the vectors and tokenises the corpus for them."""
    opened = open_vectors(vectors, member=member)
    if not quiet:
        licence = f", {opened.licence}" if opened.licence else ""
        _tell(f"vectors  {opened.name}: {len(opened):,} words x {opened.dim}{licence}")
    from meltpoint.run import prepare_material  # noqa: PLC0415 - imports torch: seconds, during which the user reads

    fitting = find_task(corpus.task).tokenizer(opened.tokenizer) if tokenizer == "auto" else tokenizer
    chosen = tokenizer_for(opened, fitting)
    material = prepare_material(corpus, opened, chosen)
    coverage = material.coverage
    if not quiet:
        _tell(
            f"coverage {coverage.by_token:.1%} of the running words, {coverage.by_type:.1%} of the {coverage.types:,} "
            f"distinct ones have a vector (tokenizer {chosen.name})"
        )
    if warning := warn_text(coverage):
        warn(warning)
    training = [text for text, is_test in zip(corpus.texts, corpus.is_test, strict=True) if not is_test]
    if warning := warn_mismatch(training, opened, chosen):
        warn(warning)
    return material


def tell_corpus(corpus: Corpus) -> None:
    """Says what the data are."""
    counts = ", ".join(f"{name} {count:,}" for name, count in corpus.class_counts.items())
    test = f", {corpus.num_rows - corpus.num_train:,} test rows given" if corpus.has_test else ""
    _tell(f"data     {corpus.name}: {corpus.num_train:,} labelled rows{test}")
    _tell(f"columns  text from {corpus.text_column!r}, labels from {corpus.label_column!r}: {counts}")
    for note in corpus.notes:
        _tell(f"note     {note}")


def _tell(line: str) -> None:
    errors.print(line, markup=False, soft_wrap=True)
