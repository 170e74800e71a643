"""Evaluation: gensim's numbers on gensim's own files and on the shared ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.vectors import Vectors, open_vectors
from meltpoint.vectors.evaluation import (
    AnalogyScore,
    SimilarityScore,
    evaluate,
    evaluate_analogies,
    evaluate_similarity,
)

gensim = pytest.importorskip("gensim", reason="gensim is not installed")
GENSIM_DATA = Path(gensim.__file__).parent / "test" / "test_data"
QUESTIONS = GENSIM_DATA / "questions-words.txt"


@pytest.fixture(scope="module")
def peer(glove: Vectors) -> Any:
    """The same vectors in gensim."""
    vectors = gensim.models.KeyedVectors(glove.dim)
    vectors.add_vectors(list(glove.words), np.array(glove.matrix))
    return vectors


@pytest.fixture
def small(tmp_path) -> Vectors:
    """A square of kings and queens, twice, in both cases."""
    path = tmp_path / "small.txt"
    path.write_text(
        "man 1 0 0\nwoman 0 1 0\nking 1 0 1\nqueen 0 1 1\nKing 1 0 2\nQueen 0 1 2\nprince 1 0 3\nprincess 0 1 3\n"
    )
    return open_vectors(path)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["wordsim353.tsv", "simlex999.txt"])
@pytest.mark.parametrize(
    "options", [{}, {"dummy4unknown": True}, {"restrict_vocab": 5000}, {"case_insensitive": False}], ids=str
)
def test_similarity_is_gensims_on_its_own_files(name, options, glove, peer):
    ours = evaluate_similarity(glove, GENSIM_DATA / name, **options)
    pearson, spearman, oov_percent = peer.evaluate_word_pairs(str(GENSIM_DATA / name), **options)
    assert ours.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert ours.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert ours.oov_percent == pytest.approx(oov_percent)
    assert ours.num_pairs == {"wordsim353.tsv": 353, "simlex999.txt": 999}[name]


def test_similarity_is_gensims_on_the_shared_files(glove, peer, shared_data):
    files = sorted((shared_data / "word_similarity").glob("*.csv"))
    assert len(files) > 9
    for path in files:
        ours = evaluate_similarity(glove, path)
        pearson, spearman, oov_percent = peer.evaluate_word_pairs(str(path), delimiter=",")
        assert (ours.spearman, ours.pearson) == pytest.approx((spearman[0], pearson[0]), abs=1e-6), path.name
        assert ours.oov_percent == pytest.approx(oov_percent), path.name


def assert_gensims(ours: AnalogyScore, peer: Any, path: Path, **options) -> None:
    accuracy, sections = peer.evaluate_word_analogies(str(path), **options)
    assert ours.total.accuracy == accuracy
    for one, theirs in zip((*ours.sections, ours.total), sections, strict=True):
        right, wrong = len(theirs["correct"]), len(theirs["incorrect"])
        assert (one.num_correct, one.num_questions) == (right, right + wrong), one.name


@pytest.mark.parametrize("options", [{}, {"dummy4unknown": True}, {"case_insensitive": False}], ids=str)
def test_analogies_are_gensims(options, glove, peer, tmp_path):
    lines = QUESTIONS.read_text().splitlines(keepends=True)
    path = write(
        tmp_path / "some.txt", "".join(line for number, line in enumerate(lines) if line[0] == ":" or not number % 40)
    )
    if options.get("case_insensitive") is False:
        path.write_text(path.read_text().lower())
    options["restrict_vocab"] = 20_000
    assert_gensims(evaluate_analogies(glove, path, **options), peer, path, **options)


@pytest.mark.slow
def test_all_analogies_are_gensims(glove, peer):
    ours = evaluate_analogies(glove, QUESTIONS)
    assert_gensims(ours, peer, QUESTIONS)
    assert ours.num_questions == 19_544


def test_sections_add_up(glove):
    score = evaluate_analogies(glove, QUESTIONS, restrict_vocab=10_000)
    assert [section.name for section in score.sections][:2] == ["capital-common-countries", "capital-world"]
    parts = (score.semantic, score.syntactic)
    for count in ("num_correct", "num_questions", "num_unknown"):
        assert sum(getattr(part, count) for part in parts) == getattr(score.total, count)
    assert score.total.num_questions + score.total.num_unknown == score.num_questions
    assert score.oov_percent == pytest.approx(100 * score.total.num_unknown / score.num_questions)


def test_analogies_by_hand(small, tmp_path):
    path = write(
        tmp_path / "royal.txt",
        ": royal\nman woman king queen\nwoman man queen king\nman woman lost queen\n"
        ": gram0-wrong\nman woman king princess\n: empty\n",
    )
    score = evaluate(small, path)
    assert isinstance(score, AnalogyScore)
    royal, wrong, empty = score.sections
    assert (royal.num_correct, royal.num_questions, royal.num_unknown) == (2, 2, 1)
    assert (wrong.num_correct, wrong.num_questions, wrong.accuracy) == (0, 1, 0.0)
    assert (empty.num_questions, empty.accuracy) == (0, 0.0)
    assert (score.semantic.accuracy, score.syntactic.accuracy, score.oov_percent) == (1.0, 0.0, 25.0)
    assert evaluate_analogies(small, path, dummy4unknown=True).sections[0].num_questions == 3


def test_no_spelling_of_a_question_word_is_an_answer(small, tmp_path):
    # Nearest to woman - man + king but for the queens are the kings, in whatever case.
    path = write(tmp_path / "royal.txt", "MAN Woman KING queen\n")
    assert evaluate_analogies(small, path).total.num_correct == 1
    assert evaluate_analogies(small, path, restrict_vocab=4).total.num_correct == 1
    with pytest.raises(InputError, match=r"royal.txt: expected questions .* found none among 1 in the first 8 words"):
        evaluate_analogies(small, path, case_insensitive=False)


def test_many_questions_of_one_pair(small, tmp_path):
    line = "man woman king queen\n"
    score = evaluate_analogies(small, write(tmp_path / "many.txt", f": many\n{line * 1000}"))
    assert score.total.num_correct == 1000


def test_similarity_by_hand(small, tmp_path):
    path = write(tmp_path / "set.tsv", "man\tking\t9\nman\tqueen\t1\nman\tprince\t5\nman\tlost\t3\n")
    score = evaluate(small, path)
    assert isinstance(score, SimilarityScore)
    assert (score.name, score.num_pairs, score.num_unknown, score.oov_percent) == ("set.tsv", 4, 1, 25.0)
    assert score.spearman == pytest.approx(1.0)
    # With the unknown pair at 0, it ties with (man, queen).
    ranked = evaluate_similarity(small, path, dummy4unknown=True)
    assert ranked.spearman == pytest.approx(np.corrcoef([4, 1, 3, 2], [4, 1.5, 3, 1.5])[0, 1])


@pytest.mark.parametrize("lines", ["man\tking\t9\nlost\tking\t1\n", "man\tking\t9\nman\tqueen\t9\n"])
def test_nothing_to_correlate(lines, small, tmp_path):
    with pytest.raises(InputError, match="expected at least two pairs with vectors and different ratings"):
        evaluate_similarity(small, write(tmp_path / "set.tsv", lines))
