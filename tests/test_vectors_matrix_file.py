"""The matrix of a store: a ``.npy`` file whatever pieces it was written in, and written in whole parts."""

from contextlib import closing

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.vectors.building import matrix_file
from meltpoint.vectors.building.matrix_file import MatrixFile

PART_BYTES = 256  # two headers, or 64 numbers


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("matrix") / "matrix.npy"


class Recorder:
    """A file that remembers where what was written begins and ends."""

    def __init__(self, file):
        self._file = file
        self.written = []

    def write(self, content):
        self.written.append((self._file.tell(), self._file.tell() + len(content)))
        return self._file.write(content)

    def __getattr__(self, name):
        return getattr(self._file, name)


def write(path, pieces, keeps=None):
    """Writes pieces one after the other; returns the digest, and what was written before the file was finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix_file, "_PART_BYTES", PART_BYTES)
        patch.setattr(matrix_file, "_ROWS_BYTES", 40)
        with closing(MatrixFile(path)) as file:
            file._file = recorder = Recorder(file._file)
            for piece in pieces:
                file.append(piece)
            written = list(recorder.written)
            if keeps is not None:
                file.keep_rows(keeps)
            return file.finish(), written


matrices = st.integers(0, 300).map(lambda num_rows: np.random.default_rng(num_rows).random((num_rows, 3), np.float32))
cuts = st.lists(st.integers(0, 300), max_size=8).map(sorted)


@settings(max_examples=150, deadline=None)
@given(matrices, cuts, st.none() | st.integers(0, 2**32 - 1))
def test_pieces_make_one_file(path, matrix, cuts, seed):
    keeps = None if seed is None else np.random.default_rng(seed).random(len(matrix)) < 0.5
    digest, written = write(path, np.split(matrix, [min(cut, len(matrix)) for cut in cuts]), keeps)
    expected = matrix if keeps is None else matrix[keeps]
    np.testing.assert_array_equal(np.load(path), expected, strict=True)
    assert digest == blake3(expected.tobytes()).digest(length=16)
    # From one boundary of parts to a later one, each where the one before has ended.
    assert all(start % PART_BYTES == end % PART_BYTES == 0 for start, end in written)
    assert [end for _, end in [(0, 0), *written]][: len(written)] == [start for start, _ in written]
    assert 128 + matrix.nbytes - sum(end - start for start, end in written) < PART_BYTES


def test_large_pieces_are_written_at_once(path):
    _, written = write(path, [np.zeros((1000, 3), np.float32)])
    assert written == [(0, 256), (256, 12_032)]
