"""Rows that belong together (the sentences of a document, the answers to a question) count as one unit."""

import math

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.verdict import compare, compare_pair
from meltpoint.verdict.enlarging import enlarged
from meltpoint.verdict.intervals import noise_of
from meltpoint.verdict.layout import checked_clusters, layout_of
from meltpoint.verdict.moments import paired_moments
from meltpoint.verdict.pooling import pooled_training

NAN = math.nan


def interval(differences, clusters=None, *, design="fixed", train_size=2):
    differences = np.asarray(differences, dtype=float)
    return compare_pair(
        differences, 0 * differences, design=design, train_size=train_size, level=0.05, clusters=clusters
    )


def test_by_hand():
    # Two documents of two rows; d in points: r1: 100 0 | 100 100, mean 75; r2: 0 0 | 100 0, mean 25; gain 50.
    # Residuals / (R N) = / 8, by document: r1: (25 - 75) / 8 = -6.25, 6.25; r2: -6.25, 6.25; times sqrt(2 / 1).
    # testing = 2 x (2 x 6.25)^2 x 2 = 625; squares = 4 x 6.25^2 x 2 = 312.5
    # between = 25^2 + 25^2 = 1250; explained = (4 x 312.5 - 2 x 625) / 1 = 0
    differences = 100 * np.array([[1.0, 0, 1, 1], [0, 0, 1, 0]])
    tested, documents = np.ones((2, 4), dtype=bool), np.array([0, 0, 1, 1])
    layout = layout_of(tested, design="fixed", train_size=2, clusters=documents)
    moments = paired_moments(differences[None], tested, layout, documents)
    assert moments.gains == pytest.approx([50])
    assert (moments.testing[0, 0], moments.between[0, 0], moments.explained[0, 0]) == pytest.approx((625, 1250, 0))
    # Two documents are tested: v = 625 x 2.
    assert moments.unit_variances == pytest.approx([1250])
    training = pooled_training([moments])[0][0]
    found = interval(differences / 100, ["a", "a", "b", "b"])
    assert found.points == pytest.approx(50)
    assert found.standard_error**2 == pytest.approx(625 + training.value / 2)


def test_clusters_of_one_row_are_rows():
    draws = np.random.default_rng(0)
    scores = draws.normal(size=(4, 30))
    plain, clustered = interval(scores), interval(scores, draws.permutation(30))
    assert (clustered.points, clustered.low, clustered.high) == pytest.approx((plain.points, plain.low, plain.high))


@pytest.mark.parametrize("copies", [2, 5])
def test_rows_written_twice_bring_no_certainty(copies):
    draws = np.random.default_rng(1)
    scores = draws.normal(size=(4, 30))
    once = interval(scores)
    again = interval(np.repeat(scores, copies, axis=1), np.repeat(np.arange(30), copies))
    assert (again.low, again.high, again.df) == pytest.approx((once.low, once.high, once.df))
    careless = interval(np.repeat(scores, copies, axis=1))
    assert careless.high - careless.low < once.high - once.low


def test_names_and_order_of_clusters_mean_nothing():
    draws = np.random.default_rng(2)
    scores, clusters = draws.normal(size=(3, 40)), draws.integers(0, 8, 40)
    plain = interval(scores, clusters)
    renamed = interval(scores, [f"document {7 - number}" for number in clusters])
    order = draws.permutation(40)
    moved = interval(scores[:, order], clusters[order])
    for other in (renamed, moved):
        assert (other.low, other.high, other.df) == pytest.approx((plain.low, plain.high, plain.df))


def test_exchanging_the_sides_flips_the_sign():
    draws = np.random.default_rng(3)
    a, b, clusters = draws.normal(size=(3, 40)), draws.normal(size=(3, 40)), draws.integers(0, 8, 40)
    options = {"design": "fixed", "train_size": 2, "level": 0.05, "clusters": clusters}
    forth, back = compare_pair(a, b, **options), compare_pair(b, a, **options)
    assert (forth.points, forth.low, forth.high) == (-back.points, -back.high, -back.low)


def test_one_cluster_alone_shows_no_test_noise():
    assert interval([[1, 0, 1], [0, 0, 1]], ["a"] * 3).high == math.inf


@pytest.mark.parametrize("design", ["fixed", "rotating"])
def test_intervals_cover_where_rows_of_a_document_agree(design):
    """Documents of 1 to 9 rows, most of the noise theirs: as rows, the interval would cover far too seldom."""
    draws = np.random.default_rng(4)
    covered = np.zeros(2)
    simulations = 400
    for _ in range(simulations):
        sizes = draws.integers(1, 10, 80)
        clusters = np.repeat(np.arange(80), sizes)
        num_rows = len(clusters)
        tested = np.ones((5, num_rows), dtype=bool)
        if design == "rotating":
            tested = (clusters % 5)[None] == np.arange(5)[:, None]
        of_document = 0.3 * draws.normal(size=80) + 0.2 * draws.normal(size=(5, 80))
        noise = 0.01 * draws.normal(size=(5, 1)) + of_document[:, clusters] + 0.2 * draws.normal(size=(5, num_rows))
        scores = np.where(tested, noise, NAN)
        found = [interval(scores, given, design=design, train_size=20) for given in (clusters, None)]
        covered += [one.low <= 0 <= one.high for one in found]
    as_documents, as_rows = covered / simulations
    assert as_documents > 0.92
    assert as_rows < as_documents - (0.05 if design == "fixed" else 0.02)
    if design == "fixed":
        assert as_documents < 0.98


def test_whole_comparisons_take_them():
    draws = np.random.default_rng(5)
    scores = {name: draws.integers(0, 2, (3, 60)).astype(float) for name in ("frozen", "fine-tuned", "tf-idf")}
    arguments = {"design": "fixed", "train_size": 9, "candidates": ("fine-tuned",), "controls": ("tf-idf",)}
    clusters = np.repeat(np.arange(20), 3)
    comparison = compare(scores, **arguments, level=0.05, seed=0, clusters=clusters)
    for gain in (*comparison.candidates, *comparison.controls):
        pair = interval(scores[gain.policy] - scores["frozen"], clusters, train_size=9)
        assert (gain.points, gain.standard_error, gain.df) == pytest.approx((pair.points, pair.standard_error, pair.df))
    assert comparison.num_rows == 60


def test_planning_speaks_of_rows_and_counts_units():
    draws = np.random.default_rng(6)
    clusters = np.repeat(np.arange(50), 4)
    d = 100 * np.repeat(draws.normal(size=50), 4) + draws.normal(size=(3, 200))
    tested = np.ones((3, 200), dtype=bool)
    layout = layout_of(tested, design="fixed", train_size=9, clusters=clusters)
    assert (layout.num_units, layout.units_per_repeat, 1 / layout.unit_load) == pytest.approx((50, 50, 50))
    moments = paired_moments(d[None], tested, layout, clusters)
    noise = noise_of(moments, 0, pooled_training([moments])[0][0])
    assert enlarged(noise, 3, 200).standard_error() == pytest.approx(noise.standard_error())
    # Nearly all of the noise is the documents': twice as many rows are twice as many documents.
    assert enlarged(noise, 3, 400).testing == pytest.approx(noise.testing / 2, rel=0.01)


def test_clusters_that_are_not_one_a_row_are_refused():
    with pytest.raises(InputError, match=r"one entry for each of the 3 rows of the scores; their shape is \(2,\)"):
        checked_clusters(["a", "b"], 3)
    with pytest.raises(InputError, match=r"each of the 2 rows of the scores; their shape is \(2, 2\)"):
        checked_clusters(np.zeros((2, 2)), 2)
