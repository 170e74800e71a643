"""Benchmarks of word vectors before and after training: what became of general knowledge."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from meltpoint.errors import InputError
from meltpoint.vectors import Vectors
from meltpoint.vectors.evaluation import AnalogyScore, SimilarityScore, evaluate

_IN_GENSIM = Path("test") / "test_data"
_SIMILARITY_FILES = ("wordsim353.tsv", "simlex999.txt")


@dataclass(frozen=True, kw_only=True)
class BenchmarkChange:
    """A benchmark before and after training.

    Attributes:
        name: The file's name.
        measure: ``spearman`` for rated pairs, ``accuracy`` for analogies.
        items: Pairs or questions that count.
        before: Of the pretrained vectors.
        after: Of the same vectors with the rows that training moved.
    """

    name: str
    measure: str
    items: int
    before: float
    after: float


def installed_benchmarks() -> list[Path]:
    """Returns the files of rated pairs in gensim's wheel, where it is installed; it is not imported."""
    found = importlib.util.find_spec("gensim")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / _IN_GENSIM
    return [folder / name for name in _SIMILARITY_FILES if (folder / name).is_file()]


def compare_on_benchmarks(before: Vectors, after: Vectors, files: Iterable[Path]) -> list[BenchmarkChange]:
    """Evaluates both on files of rated pairs or analogies.

    Raises:
        DataFileError: A file cannot be read; the message names the line.
        InputError: Too few of its words have vectors.
    """
    return [_compare(before, after, path) for path in files]


def compare_on_installed(before: Vectors, after: Vectors) -> list[BenchmarkChange]:
    """Evaluates both on :func:`installed_benchmarks`, as far as their words have vectors: they are English."""
    changes: list[BenchmarkChange] = []
    for path in installed_benchmarks():
        try:
            changes.append(_compare(before, after, path))
        except InputError:
            continue  # vectors of another language: the file says nothing about them
    return changes


def _compare(before: Vectors, after: Vectors, path: Path) -> BenchmarkChange:
    scores = [evaluate(vectors, path) for vectors in (before, after)]
    values, items = zip(*map(_read_off, scores), strict=True)
    measure = "spearman" if isinstance(scores[0], SimilarityScore) else "accuracy"
    return BenchmarkChange(name=path.name, measure=measure, items=items[0], before=values[0], after=values[1])


def _read_off(score: SimilarityScore | AnalogyScore) -> tuple[float, int]:
    if isinstance(score, SimilarityScore):
        return score.spearman, score.num_pairs - score.num_unknown
    return score.total.accuracy, score.total.num_questions
