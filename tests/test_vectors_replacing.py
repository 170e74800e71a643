"""Vectors with some rows replaced."""

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.vectors.neighbours import nearest
from meltpoint.vectors.replacing import replace_rows


def test_only_the_rows_given_change(glove):
    rows = np.stack([glove["cold"] * 2, glove["dog"]])
    changed = replace_rows(glove, ["frozen", "no-such-word-at-all"], rows, name="tuned")
    before = glove["frozen"]
    np.testing.assert_array_equal(changed["frozen"], rows[0])
    np.testing.assert_array_equal(changed.matrix[glove.rows(["frozen"])[0]], rows[0])
    assert "no-such-word-at-all" not in changed
    np.testing.assert_array_equal(changed["melting"], glove["melting"])
    assert changed.name == "tuned"
    assert changed.digest != glove.digest
    assert nearest(changed, "frozen", 1)[0] == ("cold", pytest.approx(1))
    # Neither the mapped vectors nor the store have changed.
    np.testing.assert_array_equal(glove["frozen"], before)
    assert not changed.matrix.flags.writeable


def test_vectors_in_memory(glove, tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("a 1 0\nb 0 1\n")
    from meltpoint.vectors import open_vectors

    few = open_vectors(path, words=["a", "b"])
    changed = replace_rows(few, ["b"], np.array([[5, 5]], dtype=np.float32), name="other")
    assert changed.matrix.tolist() == [[1, 0], [5, 5]]
    assert few.matrix.tolist() == [[1, 0], [0, 1]]


def test_rows_of_another_width_are_refused(glove):
    with pytest.raises(InputError, match=r"of the shape \(1, 50\), found \(1, 3\)"):
        replace_rows(glove, ["a"], np.zeros((1, 3), np.float32), name="x")
