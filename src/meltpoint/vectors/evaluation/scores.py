"""What vectors are worth by themselves: correlation with people's similarity ratings, and accuracy on analogies.

The numbers are gensim's (``evaluate_word_pairs``, ``evaluate_word_analogies``), reached by products of matrices in
place of one search per question.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import InputError
from meltpoint.vectors.evaluation.files import Section, holds_analogies, read_analogies, read_similarity
from meltpoint.vectors.neighbours import row_blocks, row_norms
from meltpoint.vectors.opened import Vectors
from meltpoint.vectors.store.index import ABSENT

RESTRICT_VOCAB: Final = 300_000
_SYNTACTIC_PREFIX = "gram"
# Their sums fill a megabyte or two: what a processor's cache holds.
_ROWS_AT_ONCE, _QUESTIONS_AT_ONCE = 2048, 128


@dataclass(frozen=True, kw_only=True)
class SimilarityScore:
    """How the cosines of word pairs agree with people's ratings.

    Attributes:
        name: The file's name.
        num_pairs: Pairs in the file.
        num_unknown: Pairs of which a word has no vector.
        spearman: Rank correlation, ties sharing their mean rank.
        pearson: Linear correlation.
    """

    name: str
    num_pairs: int
    num_unknown: int
    spearman: float
    pearson: float

    @property
    def oov_percent(self) -> float:
        """Pairs with a word out of the vocabulary, in percent."""
        return 100 * self.num_unknown / self.num_pairs


@dataclass(frozen=True, kw_only=True)
class SectionScore:
    """Right answers among the analogy questions of one kind.

    Attributes:
        name: The section's name.
        num_correct: Questions answered right.
        num_questions: Questions that count.
        num_unknown: Questions of which a word has no vector; unless ``dummy4unknown`` was set they do not count.
    """

    name: str
    num_correct: int
    num_questions: int
    num_unknown: int

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 where no question counts."""
        return self.num_correct / self.num_questions if self.num_questions else 0.0


@dataclass(frozen=True, kw_only=True)
class AnalogyScore:
    """Right answers on a file of analogies.

    Attributes:
        name: The file's name.
        num_questions: Questions in the file.
        sections: One score per section, in the file's order.
    """

    name: str
    num_questions: int
    sections: tuple[SectionScore, ...]

    @property
    def semantic(self) -> SectionScore:
        """All sections about meaning: capitals, currencies, family."""
        return _sum_up("semantic", (score for score in self.sections if not _is_syntactic(score)))

    @property
    def syntactic(self) -> SectionScore:
        """All sections about grammar: their names begin with ``gram``."""
        return _sum_up("syntactic", filter(_is_syntactic, self.sections))

    @property
    def total(self) -> SectionScore:
        """All sections."""
        return _sum_up("total", self.sections)

    @property
    def oov_percent(self) -> float:
        """Questions with a word out of the vocabulary, in percent."""
        return 100 * self.total.num_unknown / self.num_questions


def evaluate(
    vectors: Vectors,
    path: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> SimilarityScore | AnalogyScore:
    """Evaluates vectors on a file of either kind; which one it is, its first line tells.

    Args:
        vectors: What to evaluate.
        path: The file.
        restrict_vocab: Only the first so many words count, as files are sorted by frequency; None for all.
        case_insensitive: Whether words are found whatever their case; of several spellings, the first row counts.
        dummy4unknown: Whether a pair with an unknown word counts with the similarity 0, and such a question as wrong;
            otherwise both are left out.

    Raises:
        DataFileError: The file cannot be read; the message names the line.
        InputError: Too few of its words have vectors.
    """
    measure = evaluate_analogies if holds_analogies(path) else evaluate_similarity
    return measure(
        vectors,
        path,
        restrict_vocab=restrict_vocab,
        case_insensitive=case_insensitive,
        dummy4unknown=dummy4unknown,
    )


def evaluate_similarity(
    vectors: Vectors,
    path: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> SimilarityScore:
    """Correlates the cosines of word pairs with people's ratings; see :func:`evaluate` for the arguments.

    Raises:
        DataFileError: The file cannot be read; the message names the line.
        InputError: Fewer than two pairs have vectors, or all cosines or all ratings are equal.
    """
    pairs = read_similarity(path)
    lookup = _Lookup(vectors, restrict_vocab, case_insensitive=case_insensitive)
    rows = np.stack([lookup.rows([pair.first for pair in pairs]), lookup.rows([pair.second for pair in pairs])])
    known = (rows != ABSENT).all(axis=0)
    counted = np.ones_like(known) if dummy4unknown else known
    cosines = np.zeros(len(pairs))
    first, second = (_unit_rows(vectors, side[known]) for side in rows)
    cosines[known] = np.einsum("ij,ij->i", first, second)
    ratings = np.array([pair.score for pair in pairs])[counted]
    cosines = cosines[counted]
    if len(ratings) < 2 or np.ptp(ratings) == 0 or np.ptp(cosines) == 0:
        raise InputError(
            f"{os.fspath(path)}: expected at least two pairs with vectors and different ratings to correlate, found "
            f"{int(known.sum()):,} of {len(pairs):,} pairs with both words among {vectors.name}"
            f"{' and nothing that differs' if len(ratings) > 1 else ''}; are the vectors of another language?"
        )
    from scipy.stats import pearsonr, spearmanr  # noqa: PLC0415 - half a second, and opening vectors needs none of it

    return SimilarityScore(
        name=Path(path).name,
        num_pairs=len(pairs),
        num_unknown=int((~known).sum()),
        spearman=float(spearmanr(ratings, cosines).statistic),
        pearson=float(pearsonr(ratings, cosines).statistic),
    )


def evaluate_analogies(
    vectors: Vectors,
    path: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> AnalogyScore:
    """Answers analogy questions: a is to b as c is to the word nearest to b - a + c, which may be none of the three.

    See :func:`evaluate` for the arguments.

    Raises:
        DataFileError: The file cannot be read; the message names the line.
        InputError: No question has vectors for all of its words.
    """
    sections = read_analogies(path)
    lookup = _Lookup(vectors, restrict_vocab, case_insensitive=case_insensitive)
    questions = [question for section in sections for question in section.questions]
    rows = lookup.rows([word for question in questions for word in question]).reshape(-1, 4)
    known = (rows != ABSENT).all(axis=1)
    if not known.any():
        raise InputError(
            f"{os.fspath(path)}: expected questions whose words have vectors, found none among {len(questions):,} in "
            f"the first {lookup.num_rows:,} words of {vectors.name}; are the vectors of another language?"
        )
    correct = np.zeros(len(questions), dtype=np.bool_)
    correct[known] = lookup.first_spelling(_answer(vectors, rows[known, :3], lookup)) == rows[known, 3]
    return AnalogyScore(
        name=Path(path).name,
        num_questions=len(questions),
        sections=tuple(_score_sections(sections, correct, known, dummy4unknown=dummy4unknown)),
    )


class _Lookup:
    """Finds words among the first rows, each spelling of a word in its first row."""

    def __init__(self, vectors: Vectors, restrict_vocab: int | None, *, case_insensitive: bool) -> None:
        self.num_rows = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
        self._vectors = vectors
        self._rows: dict[str, int] | None = None
        self._first = np.arange(self.num_rows)
        if case_insensitive:
            rows: dict[str, int] = {}
            upper = (word.upper() for word in vectors.words[: self.num_rows])
            firsts = (rows.setdefault(word, row) for row, word in enumerate(upper))
            self._first = np.fromiter(firsts, dtype=np.int64, count=self.num_rows)
            self._rows = rows

    def rows(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Returns the row of each word, shape (n,), :data:`ABSENT` where there is none."""
        if self._rows is not None:
            return np.array([self._rows.get(word.upper(), ABSENT) for word in words], dtype=np.int64)
        found = self._vectors.rows(words)
        return np.where(found < self.num_rows, found, ABSENT)

    def first_spelling(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the first row that spells the same word as each row does."""
        return self._first[rows]


def _answer(vectors: Vectors, questions: NDArray[np.int64], lookup: _Lookup) -> NDArray[np.int64]:
    """Returns the row nearest to b - a + c for each question, shape (n,): no spelling of a, b or c.

    The cosine with b - a + c is, but for a factor that all rows share, the cosine with b, less that with a, plus that
    with c (of unit vectors). So a block of rows is multiplied once with the few hundred words that occur at all, and
    each question costs an addition in place of a product.

    Args:
        vectors: Where to look.
        questions: Rows of a, b and c, shape (n, 3).
        lookup: Says how many rows count, and which are spellings of one word.
    """
    order = np.lexsort((questions[:, 1], questions[:, 0]))
    words, places = np.unique(questions[order], return_inverse=True)
    a, b, c = places.reshape(-1, 3).T
    groups = _groups(a, b)
    unit = _unit_rows(vectors, words).astype(np.float32)
    norms = row_norms(vectors)
    best = np.full(len(order), -np.inf, dtype=np.float32)
    answers = np.zeros(len(order), dtype=np.int64)
    sums = np.empty((_QUESTIONS_AT_ONCE, _ROWS_AT_ONCE), dtype=np.float32)
    found, scores = np.empty_like(answers), np.empty_like(best)
    for start, stop in row_blocks(vectors, _ROWS_AT_ONCE, stop=lookup.num_rows):
        cosines = unit @ (vectors.matrix[start:stop] / norms[start:stop, np.newaxis]).T
        opposite = -cosines
        # A word is no answer to a question it occurs in: wherever it is added or subtracted, its own rows drop out.
        first = lookup.first_spelling(np.arange(start, stop))
        own = np.minimum(np.searchsorted(words, first), len(words) - 1)
        columns = np.flatnonzero(words[own] == first)
        cosines[own[columns], columns] = opposite[own[columns], columns] = -np.inf
        for low, high in groups:
            view = sums[: high - low, : stop - start]
            np.add(cosines[c[low:high]], cosines[b[low]] + opposite[a[low]], out=view)
            found[low:high] = view.argmax(axis=1)
            scores[low:high] = view[np.arange(high - low), found[low:high]]
        better = scores > best
        best[better], answers[better] = scores[better], found[better] + start
    return answers[np.argsort(order)]


def _groups(a: NDArray[np.int64], b: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Returns (low, high) of consecutive questions with one a and one b, which share a part of their sums."""
    changes = np.flatnonzero((np.diff(a) != 0) | (np.diff(b) != 0)) + 1
    bounds = [0, *changes.tolist(), len(a)]
    return [
        (low, min(low + _QUESTIONS_AT_ONCE, end))
        for begin, end in pairwise(bounds)
        for low in range(begin, end, _QUESTIONS_AT_ONCE)
    ]


def _unit_rows(vectors: Vectors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns rows scaled to length 1, shape (n, D); rows of zeros stay so."""
    matrix = vectors.matrix[rows].astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float64] = matrix / np.where(lengths == 0, 1, lengths)
    return unit


def _score_sections(
    sections: Iterable[Section], correct: NDArray[np.bool_], known: NDArray[np.bool_], *, dummy4unknown: bool
) -> Iterator[SectionScore]:
    start = 0
    for section in sections:
        here = slice(start, start := start + len(section.questions))
        num_known = int(known[here].sum())
        yield SectionScore(
            name=section.name,
            num_correct=int(correct[here].sum()),
            num_questions=len(section.questions) if dummy4unknown else num_known,
            num_unknown=len(section.questions) - num_known,
        )


def _is_syntactic(score: SectionScore) -> bool:
    return score.name.startswith(_SYNTACTIC_PREFIX)


def _sum_up(name: str, scores: Iterable[SectionScore]) -> SectionScore:
    scores = list(scores)
    return SectionScore(
        name=name,
        num_correct=sum(score.num_correct for score in scores),
        num_questions=sum(score.num_questions for score in scores),
        num_unknown=sum(score.num_unknown for score in scores),
    )
