"""Rows copied out of a mapped matrix: the same as indexing, whatever the order, and little stays in memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import VectorFileError
from meltpoint.vectors.store.gathering import copy_rows

MATRIX = np.arange(60, dtype=np.float32).reshape(20, 3)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "m.npy"
    np.save(path, MATRIX)
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def copied(matrix, rows):
    out = np.full((len(rows), 3), -1, dtype=np.float32)
    copy_rows(matrix, np.array(rows, dtype=np.int64), out)
    return out


def expected(rows):
    return np.array([MATRIX[row] if row >= 0 else [-1] * 3 for row in rows], dtype=np.float32).reshape(-1, 3)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 19), max_size=40))
def test_same_as_indexing(mapped, rows):
    np.testing.assert_array_equal(copied(mapped, rows), expected(rows), strict=True)
    np.testing.assert_array_equal(copied(MATRIX, rows), expected(rows), strict=True)


@pytest.mark.parametrize("rows", [range(20), [*range(9, 20), 3, 1, 0, 0, -1]])
@pytest.mark.parametrize("buffer_bytes", [1, 3 * 12, 7 * 12 + 1])
def test_more_rows_than_the_buffer_takes(mapped, monkeypatch, rows, buffer_bytes):
    monkeypatch.setattr("meltpoint.vectors.store.gathering._BUFFER_BYTES", buffer_bytes)
    np.testing.assert_array_equal(copied(mapped, rows), expected(rows))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short"), None])
def test_map_stands_in_for_the_file(tmp_path, monkeypatch, damage):
    path = tmp_path / "m.npy"
    np.save(path, MATRIX)
    matrix = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    other = tmp_path / "other.npy"
    path.rename(other)  # the map stays on the whole file
    if damage is None:
        other.rename(path)
        monkeypatch.delattr(os, "preadv")
    else:
        path.write_bytes(b"another")
        damage(path)
    np.testing.assert_array_equal(copied(matrix, [3, -1, 19, 0]), expected([3, -1, 19, 0]))


def test_file_that_was_cut_short_is_an_error(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, MATRIX)
    matrix = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    os.truncate(path, 200)
    np.testing.assert_array_equal(copied(matrix, [5, 0]), expected([5, 0]))
    with pytest.raises(VectorFileError, match=r"m\.npy: expected 368 bytes as when it was opened, found 200: .*again"):
        copied(matrix, [0, 19])


PROGRAM = """
import resource, sys
import numpy as np
from meltpoint.vectors.store.gathering import copy_rows
matrix = np.asarray(np.lib.format.open_memmap(sys.argv[1], mode="r"))
rows = np.random.default_rng(0).permutation(len(matrix))[:1000]
out = np.zeros((1000, matrix.shape[1]), np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
copy_rows(matrix, rows, out)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
assert out.tobytes() == matrix[rows].tobytes()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_little_stays_in_memory(tmp_path):
    np.save(tmp_path / "m.npy", np.arange(60_000 * 300, dtype=np.float32).reshape(60_000, 300))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "m.npy")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 3 * 1000 * 1200 / 1024 + 512
