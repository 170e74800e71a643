"""The commands that use vectors: search, analogy, evaluate, convert."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from meltpoint.cli import options as shared
from meltpoint.cli.output import errors, print_json, results
from meltpoint.errors import DataFileError, InputError
from meltpoint.vectors import Vectors, open_vectors
from meltpoint.vectors.store.index import ABSENT

if TYPE_CHECKING:
    from meltpoint.vectors.evaluation import AnalogyScore, SectionScore, SimilarityScore

_Table = tuple[Sequence[str], NDArray[np.float32]]

CountOption = Annotated[int, typer.Option("-k", help="How many words.", min=1)]
SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="A vector file, a folder, or a catalogue name.")]


def search(
    word: Annotated[str, typer.Argument(metavar="WORD", help="The word whose neighbours are wanted.")],
    vectors: shared.VectorsOption,
    k: CountOption = 10,
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Find the words nearest to a word, by cosine."""
    from meltpoint.vectors.neighbours import nearest  # noqa: PLC0415

    opened = _open(vectors, member)
    neighbours = nearest(opened, word, k)
    if as_json:
        print_json({"vectors": opened.name, "word": word, "neighbours": _scored(neighbours, "cosine")})
    else:
        results.print(_word_table(neighbours, "cosine"))


def analogy(
    a: Annotated[str, typer.Argument(metavar="A", help="a is to b ...")],
    b: Annotated[str, typer.Argument(metavar="B")],
    c: Annotated[str, typer.Argument(metavar="C", help="... as c is to which word?")],
    vectors: shared.VectorsOption,
    k: CountOption = 10,
    objective: Annotated[
        Literal["add", "mul"], typer.Option("--objective", help="add: 3CosAdd; mul: 3CosMul.")
    ] = "add",
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Answer: A is to B as C is to which word?"""
    from meltpoint.vectors.neighbours import analogy as find_analogy  # noqa: PLC0415

    opened = _open(vectors, member)
    answers = find_analogy(opened, [b, c], [a], k, objective=objective)
    score = "cosine" if objective == "add" else "score"
    if as_json:
        question = {"a": a, "b": b, "c": c, "objective": objective}
        print_json({"vectors": opened.name, **question, "answers": _scored(answers, score)})
    else:
        results.print(_word_table(answers, score))


def evaluate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Rated word pairs, or analogy questions; told by looking.")
    ],
    vectors: shared.VectorsOption,
    restrict_vocab: Annotated[
        int, typer.Option("--restrict-vocab", help="Only the first so many words count; 0 for all.", min=0)
    ] = 300_000,
    case_sensitive: Annotated[
        bool, typer.Option("--case-sensitive", help="Find words only in the case that the file has.")
    ] = False,
    count_unknown: Annotated[
        bool,
        typer.Option("--count-unknown", help="Words without a vector count as wrong; otherwise they are left out."),
    ] = False,
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Measure vectors on word similarity (correlation with people) and analogies (accuracy)."""
    from meltpoint.vectors.evaluation import SimilarityScore  # noqa: PLC0415
    from meltpoint.vectors.evaluation import evaluate as evaluate_file  # noqa: PLC0415

    opened = _open(vectors, member)
    scores = []
    with errors.status("evaluating") as status:
        for path in files:
            status.update(f"evaluating on {path.name}")
            scores.append(
                evaluate_file(
                    opened,
                    path,
                    restrict_vocab=restrict_vocab or None,
                    case_insensitive=not case_sensitive,
                    dummy4unknown=count_unknown,
                )
            )
    similarities = [score for score in scores if isinstance(score, SimilarityScore)]
    analogies = [score for score in scores if not isinstance(score, SimilarityScore)]
    if as_json:
        print_json(
            {
                "vectors": opened.name,
                "similarity": [{**asdict(score), "oov_percent": round(score.oov_percent, 4)} for score in similarities],
                "analogies": [_analogy_document(score) for score in analogies],
            }
        )
        return
    if similarities:
        results.print(_similarity_table(similarities))
    for score in analogies:
        results.print(_analogy_table(score))


def convert(
    source: SourceArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; its suffix says the format.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FORMAT", help="glove, word2vec, word2vec-binary, safetensors or npy."),
    ] = None,
    words: Annotated[
        Path | None, typer.Option("--words", metavar="FILE", help="Write only the words of this file, one a line.")
    ] = None,
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Write vectors in another format, whole or for some words only."""
    from meltpoint.vectors.writing import save_vectors  # noqa: PLC0415

    wanted = None if words is None else _read_words(words)
    opened = _open(source, member, wanted)
    table: _Table = (opened.words, opened.matrix) if wanted is None else _rows_of(opened, wanted, words)
    with errors.status(f"writing {out}"):
        written = save_vectors(table, out, format=to)
    num_words = len(table[0])
    num_absent = 0 if wanted is None else len(wanted) - num_words
    if as_json:
        files = [str(path) for path in written]
        print_json({"files": files, "words": num_words, "dim": opened.dim, "absent_words": num_absent})
        return
    missing = f"; {num_absent:,} of the words asked for have no vector" if num_absent else ""
    places = " and ".join(str(path) for path in written)
    results.print(f"{places}: {num_words:,} words x {opened.dim}{missing}", markup=False, soft_wrap=True)


def _rows_of(opened: Vectors, wanted: list[str], place: Path | None) -> _Table:
    """Returns the words that have a row of their own, and their rows, in the order in which they are wanted.

    None is composed of n-grams: whether it could be is not known without reading the whole source.
    """
    rows = opened.rows(wanted)
    has_row = rows != ABSENT
    if not has_row.any():
        raise InputError(
            f"{place}: expected words of {opened.name}, found none among {len(wanted):,} that has a vector."
        )
    return [word for word, has in zip(wanted, has_row, strict=True) if has], opened.matrix[rows[has_row]]


def _open(source: str, member: str | None, words: Iterable[str] | None = None) -> Vectors:
    with errors.status(f"opening {source}"):
        return open_vectors(source, member=member, words=words)


def _read_words(path: Path) -> list[str]:
    """Reads a list of words, one a line; a word may hold blanks."""
    return list(dict.fromkeys(_words_of(path)))


def _words_of(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    word = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise DataFileError(
                        f"{path}:{number}: expected a word in UTF-8, found byte 0x{line[error.start]:02x}; convert the "
                        "file, for example with iconv -f WINDOWS-1252 -t UTF-8."
                    ) from error
                if word:
                    yield word
    except OSError as error:
        raise DataFileError(
            f"{path}: expected a file with one word a line, found none that can be read ({error.strerror})."
        ) from error


def _scored(words: list[tuple[str, float]], score: str) -> list[dict[str, Any]]:
    return [{"word": word, score: round(value, 6)} for word, value in words]


def _word_table(words: list[tuple[str, float]], score: str) -> Table:
    table = _table("word", score)
    for word, value in words:
        _add_row(table, word, f"{value:.3f}")
    return table


def _similarity_table(scores: list["SimilarityScore"]) -> Table:
    table = _table("file", "pairs", "without vector", "Spearman", "Pearson")
    for score in scores:
        unknown = f"{score.oov_percent:.1f}%"
        _add_row(table, score.name, f"{score.num_pairs:,}", unknown, f"{score.spearman:.4f}", f"{score.pearson:.4f}")
    return table


def _analogy_table(score: "AnalogyScore") -> Table:
    table = _table("section", "questions", "without vector", "right", "accuracy")
    table.title = Text(f"analogies: {score.name}")
    summary = (score.semantic, score.syntactic, score.total)
    for number, section in enumerate((*score.sections, *summary)):
        if number == len(score.sections):
            table.add_section()
        counts = (f"{count:,}" for count in (section.num_questions, section.num_unknown, section.num_correct))
        _add_row(table, section.name, *counts, f"{section.accuracy:.1%}")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _add_row(table: Table, first: str, *others: str) -> None:
    table.add_row(Text(first), *others)  # a word of the vectors is no markup


def _analogy_document(score: "AnalogyScore") -> dict[str, Any]:
    summary = {name: _section_document(getattr(score, name)) for name in ("semantic", "syntactic", "total")}
    return {
        "name": score.name,
        "num_questions": score.num_questions,
        "oov_percent": round(score.oov_percent, 4),
        "sections": [_section_document(section) for section in score.sections],
        **summary,
    }


def _section_document(section: "SectionScore") -> dict[str, Any]:
    return {**asdict(section), "accuracy": round(section.accuracy, 6)}
