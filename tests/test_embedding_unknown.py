"""Starting rows for unknown words: what each initialisation promises."""

import numpy as np
import pytest

from meltpoint.embedding import UNKNOWN_INITIALISERS, assemble_rows
from meltpoint.randomness import generator

SHIFT = np.linspace(-2, 2, 6, dtype=np.float32)
SCALE = np.linspace(0.1, 3, 6, dtype=np.float32)


@pytest.fixture(scope="module")
def pretrained():
    return generator(0, "rows").standard_normal((500, 6), dtype=np.float32) * SCALE + SHIFT


def start(name, pretrained, num_rows, seed=1):
    rows = UNKNOWN_INITIALISERS[name](pretrained, num_rows, generator(seed, "unknown"))
    assert rows.shape == (num_rows, pretrained.shape[1])
    assert rows.dtype == np.float32
    return rows


def test_matched_normal_has_the_moments_of_the_known_rows(pretrained):
    rows = start("matched-normal", pretrained, 20_000)
    deviation = pretrained.std(axis=0)
    # Standard errors over 20,000 draws: sd / 141 of a mean, sd / 200 of a deviation; four of them are allowed.
    assert np.all(np.abs(rows.mean(axis=0) - pretrained.mean(axis=0)) < 4 * deviation / 141)
    assert np.all(np.abs(rows.std(axis=0) - deviation) < 4 * deviation / 200)
    correlation = np.corrcoef(rows.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.03
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_zero_is_zero(pretrained):
    assert not start("zero", pretrained, 3).any()


def test_mean_is_the_mean(pretrained):
    rows = start("mean", pretrained, 3)
    np.testing.assert_allclose(rows, np.tile(pretrained.mean(axis=0), (3, 1)), atol=1e-6)


def test_shared_is_one_row_of_the_right_size(pretrained):
    rows = start("shared", pretrained, 4)
    assert len(np.unique(rows, axis=0)) == 1
    assert np.array_equal(rows[0], start("matched-normal", pretrained, 1)[0])


@pytest.mark.parametrize("num_known", [0, 1])
def test_with_nothing_to_match(pretrained, num_known):
    rows = start("matched-normal", pretrained[:num_known], 20_000)
    assert np.abs(rows.mean()) < 0.01
    assert rows.std() == pytest.approx(6**-0.5, rel=0.01)
    known = pretrained[:num_known]
    expected = known[0] if num_known else np.zeros(6)
    np.testing.assert_allclose(start("mean", known, 2), np.tile(expected, (2, 1)))


@pytest.mark.parametrize("name", UNKNOWN_INITIALISERS)
def test_no_rows_wanted(pretrained, name):
    start(name, pretrained, 0)


def test_assembled_rows_stand_where_they_are_known(pretrained):
    known = np.array([False, False, True, False, True, True])
    rows = assemble_rows(pretrained[:3], known, unknown="mean", random=generator(0, "unknown"))
    assert np.array_equal(rows[known], pretrained[:3])
    assert not rows[0].any()
    np.testing.assert_allclose(rows[[1, 3]], np.tile(pretrained[:3].mean(axis=0), (2, 1)), rtol=1e-5)
