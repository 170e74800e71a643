"""The map that carries unseen words into the tuned space."""

import numpy as np
import pytest

from meltpoint.embedding.carrying import fit_carrying
from meltpoint.errors import InputError
from meltpoint.randomness import generator


@pytest.fixture
def rows():
    return generator(0, "rows").standard_normal((300, 6)).astype(np.float32)


def test_a_change_that_is_linear_is_found_exactly(rows):
    matrix = generator(0, "map").standard_normal((6, 6))
    carrying = fit_carrying(rows[:200], (rows[:200] @ matrix).astype(np.float32))
    assert carrying.explained == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(carrying.carry(rows[200:]), rows[200:] @ matrix, atol=1e-4)
    assert carrying.carry(rows[200:]).dtype == np.float32


def test_words_stay_where_nothing_can_be_learned(rows):
    noise = generator(0, "noise").standard_normal(rows.shape).astype(np.float32)
    carrying = fit_carrying(rows, rows + noise)
    assert carrying.explained < 0.02
    assert np.abs(carrying.carry(rows) - rows).max() < 0.3
    unmoved = fit_carrying(rows, rows)
    assert (unmoved.strength, unmoved.explained) == (float("inf"), 0)
    np.testing.assert_array_equal(unmoved.carry(rows), rows)


def test_the_error_of_a_word_left_out_is_that_of_a_fit_without_it(rows):
    rows = rows[:12]
    after = (rows @ generator(1, "map").standard_normal((6, 6))).astype(np.float32) + rows[::-1] * 0.1
    carrying = fit_carrying(rows, after)
    x, change = rows.astype(np.float64), after.astype(np.float64) - rows.astype(np.float64)
    squares = 0.0
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        fitted = np.linalg.solve(x[others].T @ x[others] + carrying.strength * np.eye(6), x[others].T @ change[others])
        squares += np.square(change[row] - x[row] @ fitted).sum()
    assert carrying.explained == pytest.approx(1 - squares / np.square(change).sum(), abs=1e-9)


def test_fewer_words_than_dimensions(rows):
    few = rows[:4]
    carrying = fit_carrying(few, few * np.float32(1.5))
    assert np.isfinite(carrying.carry(rows)).all()


@pytest.mark.parametrize(
    ("after", "message"),
    [(np.zeros((3, 6), np.float32), r"one shape \(W, D\)"), (np.full((300, 6), np.nan, np.float32), "finite rows")],
)
def test_rows_that_cannot_be_fitted_are_refused(rows, after, message):
    with pytest.raises(InputError, match=message):
        fit_carrying(rows, after)
