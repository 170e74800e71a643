"""Metrics of tags and of rankings, held equal to the programs that others report: seqeval and trec_eval."""

import numpy as np
import pytest
from pytrec_eval import RelevanceEvaluator
from seqeval.metrics import accuracy_score, f1_score

from meltpoint.tasks import Judged, find_task
from meltpoint.tasks.rank import RANK
from meltpoint.text import NO_LABEL, TAGS, read_corpus

# Two columns are the truth and what a tagger said. What taggers say keeps to no scheme: entities that begin with I-,
# change their type half-way, follow one another without a gap, or end with the sentence.
TAGGED = """\
Anna B-PER B-PER
Lee I-PER I-PER
left O O
New B-LOC I-LOC
York I-LOC I-LOC

ACME B-ORG B-ORG
Bank I-ORG I-LOC
of I-ORG I-LOC
Oslo I-ORG I-ORG
grew O O

Rome B-LOC B-LOC
Oslo B-LOC I-LOC
Bern B-LOC B-LOC

it O I-PER
rained O O
on O B-LOC
Bob B-PER I-PER

Ann B-PER B-PER
Bob B-PER B-PER
Eve B-PER O
ran O I-ORG
"""


def write_tags(path, column):
    lines = [line.split() for line in TAGGED.splitlines()]
    path.write_text("\n".join(f"{parts[0]} {parts[column]}" if parts else "" for parts in lines) + "\n")
    return path


def read_column(column):
    return [[line.split()[column] for line in block.splitlines()] for block in TAGGED.strip().split("\n\n")]


def judged_tags(classes, truth, said):
    """Tags as the task keeps them: numbers of classes, padded behind the last token."""
    width = max(map(len, truth))
    labels, predicted = np.full((2, len(truth), width), NO_LABEL)
    for row, (true, found) in enumerate(zip(truth, said, strict=True)):
        labels[row, : len(true)] = [classes.index(tag) for tag in true]
        predicted[row, : len(found)] = [classes.index(tag) for tag in found]
    return Judged(labels=labels, predicted=predicted, units=np.arange(len(truth)), classes=classes)


def assert_as_seqeval(case, truth, said):
    task = find_task("tag")
    assert task.metric("entity-f1").score(case) == pytest.approx(f1_score(truth, said), abs=1e-12)
    assert task.metric("token-accuracy").score(case) == pytest.approx(accuracy_score(truth, said), abs=1e-12)


def test_a_tagging_file_scores_as_in_seqeval(tmp_path):
    corpus = read_corpus(write_tags(tmp_path / "news.conll", 1), targets=TAGS)
    truth, said = read_column(1), read_column(2)
    case = judged_tags(corpus.classes, truth, said)
    # What the file holds is what is scored.
    np.testing.assert_array_equal(corpus.label_ids, case.labels)
    assert_as_seqeval(case, truth, said)
    assert 0 < find_task("tag").metric().score(case) < 1


def test_any_tags_at_all_score_as_in_seqeval():
    classes, random = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER"), np.random.default_rng(0)
    for _ in range(20):
        lengths = random.integers(1, 15, 30)
        truth, said = ([[classes[tag] for tag in random.integers(0, 7, n)] for n in lengths] for _ in range(2))
        assert_as_seqeval(judged_tags(classes, truth, said), truth, said)


MEASURES = {"map": "map", "mrr": "recip_rank", "precision-at-1": "P_1"}


def trec_eval(labels, scores, units):
    """Means over the questions that trec_eval scores, and their number.

    pytrec_eval, unlike trec_eval with its default options, also reports questions without a relevant document.
    """
    documents = [f"d{number:04d}" for number in range(len(labels))]
    qrel, run = {}, {}
    for unit, document, label, score in zip(units, documents, labels, scores, strict=True):
        qrel.setdefault(f"q{unit}", {})[document] = int(label)
        run.setdefault(f"q{unit}", {})[document] = float(score)
    found = RelevanceEvaluator(qrel, {"map", "recip_rank", "P.1"}).evaluate(run)
    scored = [found[unit] for unit, judged in qrel.items() if any(judged.values())]
    return {ours: np.mean([one[theirs] for one in scored]) for ours, theirs in MEASURES.items()}, len(scored)


def ranked(labels, scores, units):
    labels, units = np.asarray(labels), np.asarray(units)
    predicted = RANK.settle(np.asarray(scores, dtype=np.float64), labels, units)
    return Judged(labels=labels, predicted=predicted, units=units, classes=("0", "1"))


def random_questions(seed):
    random = np.random.default_rng(seed)
    units = np.repeat(np.arange(60), random.integers(1, 12, 60))
    labels = (random.random(len(units)) < 0.3).astype(np.int64)
    assert any(not labels[units == unit].any() for unit in range(60))
    return labels, random.permutation(len(units)) / len(units), units


@pytest.mark.parametrize("name", MEASURES)
def test_ranking_is_trec_evals_where_nothing_ties(name):
    for seed in range(5):
        case = random_questions(seed)
        expected, num_scored = trec_eval(*case)
        units, _ = RANK.metric(name).tally(ranked(*case))
        assert len(units) == num_scored
        assert RANK.metric(name).score(ranked(*case)) == pytest.approx(expected[name], abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_with_ties_trec_eval_has_one_of_the_orders_that_ours_is_the_mean_of(name):
    """Equal scores: trec_eval puts the document first whose name is last; renaming documents changes its numbers."""
    random, labels, scores = np.random.default_rng(1), np.array([1, 0, 0, 1, 0]), np.array([0.7, 0.7, 0.7, 0.2, 0.2])
    theirs = []
    for _ in range(4000):
        order = random.permutation(5)
        theirs.append(trec_eval(labels[order], scores[order], [0] * 5)[0][name])
    assert len(set(theirs)) > 1
    # Four standard errors of the mean over random names.
    tolerance = 4 * np.std(theirs) / np.sqrt(len(theirs))
    assert RANK.metric(name).score(ranked(labels, scores, [0] * 5)) == pytest.approx(np.mean(theirs), abs=tolerance)


def test_trec_eval_puts_the_last_name_first():
    labels, scores = [0, 0, 1], [0.5, 0.5, 0.5]
    assert trec_eval(labels, scores, [0, 0, 0])[0] == {"map": 1.0, "mrr": 1.0, "precision-at-1": 1.0}
    case = ranked(labels, scores, [0, 0, 0])
    assert RANK.metric("mrr").score(case) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert RANK.metric("precision-at-1").score(case) == pytest.approx(1 / 3)
