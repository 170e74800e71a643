"""Pickles and foreign files: refused by what they are, with the way out that fits them; nothing is ever unpickled."""

import gzip
import pickle
import sqlite3
import zipfile
import zlib

import joblib
import numpy as np
import polars as pl
import pytest
import torch

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats import format_of
from meltpoint.vectors.sources.finding import find_source


class Bomb:
    """Unpickled, it would say so."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def write_gensim(path):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")

    vectors = gensim.KeyedVectors(2)
    vectors.add_vectors(["a", "b"], np.eye(2, dtype=np.float32))
    vectors.save(str(path))


def write_zip(path, *names, content=b""):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content)


PICKLES = [
    ("v.pkl", lambda path: path.write_bytes(pickle.dumps(Bomb())), "with the program that made it"),
    ("v.txt", lambda path: path.write_bytes(pickle.dumps(Bomb(), protocol=2)), "with the program that made it"),
    ("v.txt.gz", lambda path: path.write_bytes(gzip.compress(pickle.dumps(Bomb()))), "with the program that made it"),
    ("v.pkl", lambda path: path.write_bytes(pickle.dumps(Bomb(), protocol=0)), "with the program that made it"),
    ("v.joblib", lambda path: joblib.dump([Bomb()], path), "with the program that made it"),
    ("v.joblib", lambda path: path.write_bytes(zlib.compress(pickle.dumps(Bomb()))), "with the program that made it"),
    ("v.kv", write_gensim, r"with gensim: KeyedVectors\.load\(PATH\)\.save_word2vec_format"),
    ("vectors", write_gensim, r"with gensim: KeyedVectors\.load"),
    ("v.pt", lambda path: torch.save({"weight": torch.eye(2)}, path), r"torch\.load\(PATH, weights_only=True\)"),
    ("v.pt", lambda path: torch.save(torch.eye(2), path, _use_new_zipfile_serialization=False), "weights_only=True"),
    ("v.bin", lambda path: torch.save({"weight": torch.eye(2)}, path), "weights_only=True"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "write", "way_out"), PICKLES)
def test_pickle_is_refused_with_the_way_out(tmp_path, monkeypatch, name, write, way_out):
    path = tmp_path / name
    write(path)
    for function in ("load", "loads"):
        monkeypatch.setattr(pickle, function, lambda *_, **__: pytest.fail("something was unpickled"))
    with pytest.raises(VectorFileError, match=rf"found a pickle, which is never read here: unpickling .*{way_out}"):
        open_vectors(path)


def write_sqlite(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE magnitude (key TEXT)")
    connection.close()


FOREIGN = [
    ("v.h5", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)), "an HDF5 file"),
    ("v.parquet", lambda path: pl.DataFrame({"a": [1]}).write_parquet(path), "a Parquet file"),
    ("v.arrow", lambda path: pl.DataFrame({"a": [1]}).write_ipc(path), "an Arrow file"),
    ("v.magnitude", write_sqlite, "an SQLite database, as pymagnitude's .magnitude"),
    ("v.bin", lambda path: path.write_bytes(b"GGUF\x03\0\0\0"), "a GGUF model"),
    ("v.7z", lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(9)), "a 7z archive"),
    ("v.tar", lambda path: path.write_bytes(bytes(257) + b"ustar" + bytes(300)), "a tar archive"),
    ("v.txt", lambda path: path.write_bytes(b"%PDF-1.7\n%"), "a PDF document"),
    ("v.zip", lambda path: path.write_bytes(b"<!DOCTYPE html><html>404</html>"), "as its name says|a web page"),
    ("v.txt", lambda path: path.write_bytes(b"<html><title>Not found</title>"), "a web page or XML"),
    ("v.vec", lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0"), "Git LFS"),
    ("v.npz", lambda path: np.savez(path, matrix=np.eye(2)), "a NumPy array within an archive"),
    ("v.npz", lambda path: np.savez(path, a=np.eye(2), b=np.eye(3)), "a NumPy array within an archive"),
    (
        "v.npy.gz",
        lambda path: path.write_bytes(gzip.compress(b"\x93NUMPY\x01\0v\0{}")),
        "a NumPy array within an archive",
    ),
    ("v.gz", lambda path: path.write_bytes(gzip.compress(gzip.compress(b"a 1 2"))), "a file that is packed twice"),
    (
        "v.gz",
        lambda path: path.write_bytes(gzip.compress(b'\x40\0\0\0\0\0\0\0{"embedding":{}')),
        "safetensors within an archive",
    ),
]


@pytest.mark.parametrize(("name", "write", "what"), FOREIGN)
def test_foreign_file_is_named(tmp_path, name, write, what):
    path = tmp_path / name
    write(path)
    with pytest.raises(VectorFileError, match=what) as caught:
        open_vectors(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "word", ["%PDF-", "PAR1", "GGUF", "<html", "BZh", "Rar!", "version https://git-lfs.github.com/spec/"]
)
@pytest.mark.parametrize("dim", [1, 300])
def test_word_that_looks_like_a_foreign_beginning(tmp_path, word, dim):
    path = tmp_path / "v.txt"
    path.write_text(f"{word}{' 0.125' * dim}\nb{' 0.5' * dim}\n")
    assert format_of(find_source(path)).name == "text"
