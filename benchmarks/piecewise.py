"""Studies that are run piece by piece, for the tables of other benchmarks: each in a run folder that is kept."""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from meltpoint.errors import InputError
from meltpoint.run import Material, Run, StudyOptions, measure, prepare_material
from meltpoint.run.options import DEFAULT_FOLDS
from meltpoint.studies import Conclusion, training_budget
from meltpoint.text import read_corpus, tokenizer_for
from meltpoint.vectors import Vectors

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A study as far as it has come.

    Attributes:
        run: Its folder.
        conclusion: What it says by now.
    """

    run: Run
    conclusion: Conclusion

    @property
    def repeats(self) -> int:
        """Complete repeats at the largest size."""
        return max(self.conclusion.judgement.num_repeats.values(), default=0)

    @property
    def seconds(self) -> float:
        """Seconds of training, of all trials so far."""
        return float(self.run.frame()["seconds"].sum())


def read_material(data: Path, vectors: Vectors) -> Material:
    return prepare_material(read_corpus(data), vectors, tokenizer_for(vectors))


def study_until(ends: float, material: Material, options: StudyOptions, folder: Path, *, workers: int | None) -> Run:
    """Starts the study of a folder, or goes on with it, to its end; exits with 3 when the time is up before.

    Args:
        ends: When the time is up, by `time.monotonic()`.
        material: What is studied.
        options: How.
        folder: The run folder.
        workers: Processes that train.
    """
    left = ends - time.monotonic()
    if left <= 5:
        sys.exit(3)
    run, conclusion = measure(material, options, folder, resume=folder.exists(), budget_seconds=left, workers=workers)
    if conclusion.ending in ("budget", "interrupted"):
        sys.exit(3)
    return run


def arguments(description: str, *, data_sets: Sequence[str], search_trials: int) -> argparse.ArgumentParser:
    """Returns a parser of what depth.py and kim.py ask for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of the data sets")
    parser.add_argument("--runs", type=Path, required=True, help="where the run folders are kept")
    parser.add_argument("--sets", nargs="+", choices=data_sets, default=list(data_sets))
    parser.add_argument("--repeats", type=int, default=3, help="at most")
    parser.add_argument("--budget", type=seconds_of, default=300.0, help="for each study: 90s, 5m; 0s only reads")
    parser.add_argument("--search", type=int, default=search_trials, help="configurations for each policy")
    parser.add_argument("--size", type=int, help="training rows; by default all there are")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--resume", action="store_true", help="go on with what is in the run folders")
    parser.add_argument("--out", type=Path, help="the file of the table; by default in benchmarks/results")
    return parser


def seconds_of(written: str) -> float:
    """Reads ``90s`` or ``5m``."""
    found = re.fullmatch(r"(\d+)([sm])", written)
    if not found:
        raise argparse.ArgumentTypeError(f"expected seconds or minutes such as 90s or 5m, found {written!r}")
    return float(found[1]) * {"s": 1, "m": 60}[found[2]]


def study_piece(
    folder: Path,
    data: Path,
    vectors: Vectors,
    *,
    architectures: Sequence[str],
    policies: Sequence[str],
    chosen: argparse.Namespace,
) -> Piece:
    """Starts the study of a folder, or goes on with it, until its budget is spent or its repeats are done."""
    material = read_material(data, vectors)
    options = StudyOptions(
        architectures=tuple(architectures),
        policies=tuple(policies),
        max_repeats=chosen.repeats,
        search_trials=chosen.search,
        sizes=(chosen.size or training_budget(material.data, num_folds=DEFAULT_FOLDS, seed=0),),
        # Nothing is equivalent: a study ends early only where a gain is beyond doubt.
        rope_points=0,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        run, conclusion = measure(
            material,
            options,
            folder,
            resume=chosen.resume and folder.exists(),
            budget_seconds=chosen.budget,
            workers=chosen.workers,
        )
    except InputError as error:
        raise SystemExit(f"{folder.name}: {error}") from error
    print(f"{folder.name}: {conclusion.ending}", flush=True)
    return Piece(run=run, conclusion=conclusion)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def spoken(points: float, low: float, high: float) -> str:
    """Returns a difference with its interval, in points."""
    return f"{points:+.1f} ({low:+.1f} to {high:+.1f})"
