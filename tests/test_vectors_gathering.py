"""Rows copied out of a mapped matrix: the same as indexing, whatever the order, and little stays in memory."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import VectorFileError
from meltpoint.vectors.store import gathering
from meltpoint.vectors.store.gathering import take_rows

MATRIX = np.arange(60, dtype=np.float32).reshape(20, 3)
WAYS = {"through the map": 1 << 40, "from the file": 0}
"""How near to one another rows must be to be copied through the map: all of them one way, or none."""


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def _one_way(request, monkeypatch):
    monkeypatch.setattr(gathering, "_NEIGHBOURHOOD_BYTES", request.param)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "m.npy"
    np.save(path, MATRIX)
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def taken(matrix, rows):
    return take_rows(matrix, np.array(rows, dtype=np.int64))


def expected(rows):
    return np.array([MATRIX[row] if row >= 0 else [0] * 3 for row in rows], dtype=np.float32).reshape(-1, 3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-1, 19), max_size=40), st.sampled_from(list(WAYS.values())))
def test_same_as_indexing(mapped, rows, near):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "_NEIGHBOURHOOD_BYTES", near)
        np.testing.assert_array_equal(taken(mapped, rows), expected(rows), strict=True)
    np.testing.assert_array_equal(taken(MATRIX, rows), expected(rows), strict=True)


def test_what_may_be_written_to_stays_as_it_is(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    matrix = np.asarray(np.load(tmp_path / "m.npy", mmap_mode="c"))
    matrix[3] = 7  # in memory alone: neither read from the file nor given back
    for _ in range(2):
        np.testing.assert_array_equal(taken(matrix, [3, 4]), [[7] * 3, MATRIX[4]])


def test_no_rows_in_memory():
    np.testing.assert_array_equal(taken(MATRIX[:0], [-1, -1]), np.zeros((2, 3), dtype=np.float32), strict=True)


@pytest.mark.parametrize("rows", [range(20), [*range(9, 20), 3, 1, 0, 0, -1]])
@pytest.mark.parametrize("buffer_bytes", [1, 3 * 12, 7 * 12 + 1])
def test_more_rows_than_the_buffer_takes(mapped, monkeypatch, rows, buffer_bytes):
    monkeypatch.setattr(gathering, "_NEIGHBOURHOOD_BYTES", WAYS["from the file"])
    monkeypatch.setattr(gathering, "_BUFFER_BYTES", buffer_bytes)
    np.testing.assert_array_equal(taken(mapped, rows), expected(rows))


@pytest.mark.usefixtures("_one_way")
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
    np.testing.assert_array_equal(taken(matrix, [3, -1, 19, 0]), expected([3, -1, 19, 0]))


@pytest.mark.usefixtures("_one_way")
def test_file_that_was_cut_short_is_an_error(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, MATRIX)
    matrix = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    os.truncate(path, 200)
    with pytest.raises(VectorFileError, match=r"m\.npy: expected 368 bytes as when it was opened, found 200: .*again"):
        taken(matrix, [0, 19])


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="Linux has huge pages")
def test_system_without_huge_pages(mapped, monkeypatch):
    monkeypatch.setattr(gathering, "_NEIGHBOURHOOD_BYTES", WAYS["through the map"])
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 9999)  # refused, as there
    np.testing.assert_array_equal(taken(mapped, [3, 0]), MATRIX[[3, 0]])


PROGRAM = """
import resource, sys
import numpy as np
from meltpoint.vectors.store.gathering import take_rows

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

matrix = np.asarray(np.lib.format.open_memmap(sys.argv[1], mode="r"))
rows = np.random.default_rng(0).permutation(len(matrix))[: int(sys.argv[2])]
before = resident(), peak()
out = take_rows(matrix, rows)
print(resident() - before[0], peak() - before[1])
assert out.tobytes() == matrix[rows].tobytes()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux, and /proc is there")
@pytest.mark.parametrize(("num_rows", "is_far"), [(1000, True), (5000, False), (20000, False)])
def test_little_stays_in_memory(tmp_path, num_rows, is_far):
    np.save(tmp_path / "m.npy", np.arange(60_000 * 300, dtype=np.float32).reshape(60_000, 300))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "m.npy"), str(num_rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    stays, at_most = map(int, done.stdout.split())
    little = 3 * num_rows * 1200 / 1024 + 512
    assert stays < little
    assert at_most < little or not is_far
