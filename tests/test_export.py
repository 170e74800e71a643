"""Exports: each format is read back by those it is for, and holds the trained rows to the bit."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import meltpoint as mp
from meltpoint.errors import DiskError, InputError
from meltpoint.handover import EXPORTERS, export_model, load_model


@pytest.fixture(scope="module")
def trained(model_folder):
    return load_model(model_folder)


def rows_of(trained, words):
    table = trained.embedding.weight.detach().numpy()
    return table[[trained.vocabulary.index(word) for word in words]]


def read_gensim(path, **options):
    gensim = pytest.importorskip("gensim.models", reason="gensim is not installed")
    vectors = gensim.KeyedVectors.load_word2vec_format(str(path), **options)
    return vectors.index_to_key, vectors.vectors


def read_meltpoint(path):
    vectors = mp.open_vectors(str(path))
    return list(vectors.words), np.asarray(vectors.matrix)


def read_npy(path):
    return path.with_suffix(".words.txt").read_text().splitlines(), np.load(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim leaves files open
@pytest.mark.parametrize(
    ("to", "name", "read"),
    [
        ("glove", "tuned.txt", read_meltpoint),
        ("glove", "tuned.txt", lambda path: read_gensim(path, no_header=True)),
        ("glove", "tuned.txt.gz", read_meltpoint),
        ("word2vec", "tuned.vec", read_gensim),
        ("word2vec-binary", "tuned.bin", lambda path: read_gensim(path, binary=True)),
        ("npy", "tuned.npy", read_npy),
    ],
)
def test_a_file_of_word_vectors_holds_the_trained_rows(to, name, read, model_folder, trained, tmp_path):
    exported = export_model(model_folder, to, tmp_path / name)
    words, matrix = read(tmp_path / name)
    assert tuple(words) == trained.vocabulary.words[2:]
    np.testing.assert_array_equal(matrix, rows_of(trained, words))
    assert exported.files[0] == tmp_path / name
    assert sorted(exported.files) == sorted(tmp_path.iterdir())
    assert (exported.num_words, exported.dim) == (10, 50)
    assert exported.loading in (tmp_path / f"{name}.card.md").read_text()


def test_gensim_reads_vectors_and_counts(model_folder, trained, tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    loading = export_model(model_folder, "gensim", tmp_path / "gensim").loading
    namespace = {}
    exec(loading, namespace)
    vectors = namespace["vectors"]
    for word in ("film", "great"):
        np.testing.assert_array_equal(vectors[word], rows_of(trained, [word])[0])
        count = trained.vocabulary.counts[trained.vocabulary.index(word)]
        assert vectors.get_vecattr(word, "count") == count > 0
    assert not [path for path in (tmp_path / "gensim").iterdir() if b"numpy" in path.read_bytes()[:100]]


@pytest.mark.filterwarnings("ignore:unclosed file")
def test_torch_loads_the_weights_into_a_plain_embedding(model_folder, trained, tmp_path):
    loading = export_model(model_folder, "safetensors", tmp_path / "torch").loading
    namespace = {}
    exec(loading, namespace)
    embedding, words = namespace["embedding"], namespace["words"]
    assert type(embedding) is nn.Embedding
    assert embedding.weight.requires_grad
    ids = torch.tensor([words.index("great"), words.index("film"), 0, 1])
    assert torch.equal(embedding(ids), trained.embedding(ids))
    again = nn.Embedding(len(words), 50, padding_idx=0)
    again.load_state_dict(load_file(tmp_path / "torch" / "embedding.safetensors"))
    assert torch.equal(again.weight, trained.embedding.weight)


def test_all_words_are_tuned_where_training_saw_them_and_as_they_were_elsewhere(model_folder, trained, glove, tmp_path):
    exported = export_model(model_folder, "safetensors", tmp_path / "all", words="all")
    words = json.loads((tmp_path / "all" / "words.json").read_text())
    rows = load_file(tmp_path / "all" / "embedding.safetensors")["weight"].numpy()
    assert exported.num_words == len(words) - 2 == len(set(words)) - 2 == 400_000
    assert words[: len(trained.vocabulary)] == list(trained.vocabulary.words)
    for word in ("great", "film"):
        np.testing.assert_array_equal(rows[words.index(word)], rows_of(trained, [word])[0])
        assert not np.array_equal(rows[words.index(word)], glove[word])
    for word in ("the", "excellent", words[-1]):
        np.testing.assert_array_equal(rows[words.index(word)], glove[word])


def changed(folder, target, **values):
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | values))
    return target


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"policy": "scratch"}, "--words all does not fit a model trained under 'scratch'"),
        ({"policy": "decayed"}, "--words all does not fit a model trained under 'decayed'"),
        ({"vectors": {"source": "glove-6b-50d", "digest": "0"}}, "are not those the model was made with"),
        ({"vectors": {"source": "lost.txt", "digest": "0"}}, "lost.txt"),
    ],
)
def test_further_words_that_cannot_be_had(values, message, model_folder, tmp_path):
    folder = changed(model_folder, tmp_path / "model", **values)
    with pytest.raises(InputError, match=message):
        export_model(folder, "glove", tmp_path / "out.txt", words="all")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("to", "name", "message"),
    [
        ("word3vec", "a", "--to must be one of onnx, glove, word2vec, .*; found 'word3vec'"),
        ("glove", "a.bin", r"writes a file whose name ends in .txt or .txt.gz; found .*a.bin"),
        ("glove", "there", "is a folder; --to glove writes a file"),
        ("gensim", "a.bin", "writes a folder; give --out the name of one, without an ending: found .*a.bin"),
        ("gensim", "there", "exists already; replace it by --force"),
        ("glove", "there.txt", "exists already; replace it by --force"),
    ],
)
def test_places_that_do_not_fit(to, name, message, model_folder, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").touch()
    (tmp_path / "there.txt").touch()
    if name == "there" and to == "glove":
        (tmp_path / "there").rename(tmp_path / "there2.txt")
        name = "there2.txt"
    with pytest.raises(InputError, match=message):
        export_model(model_folder, to, tmp_path / name)


def test_force_replaces_an_earlier_export_and_nothing_else(model_folder, tmp_path):
    place = tmp_path / "out"
    place.mkdir()
    export_model(model_folder, "gensim", place)
    (place / "vectors.vocab").write_text("stale")
    export_model(model_folder, "gensim", place, force=True)
    assert (place / "vectors.vocab").read_text() != "stale"
    (place / "thesis.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    with pytest.raises(InputError, match=r"holds more than an earlier export \(thesis.txt\)"):
        export_model(model_folder, "gensim", place, force=True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_missing_package_names_the_extra(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnx, onnxscript, onnxruntime.*pip install 'meltpoint\[onnx\]'"):
        export_model(model_folder, "onnx", tmp_path / "onnx")


def test_a_folder_that_is_not_there_is_told_and_nothing_is_left(model_folder, tmp_path):
    with pytest.raises(DiskError, match=r"Cannot write .*no/such/tuned.txt"):
        export_model(model_folder, "glove", tmp_path / "no" / "such" / "tuned.txt")
    assert not list(tmp_path.iterdir())


def test_others_may_read_what_was_written(model_folder, tmp_path):
    for to, name in (("safetensors", "torch"), ("glove", "tuned.txt")):
        for path in export_model(model_folder, to, tmp_path / name).files:
            assert path.stat().st_mode & 0o044 == 0o044 & ~os.umask(os.umask(0)), path


def test_every_format_is_described():
    for name, exporter in EXPORTERS.items():
        assert exporter.name == name
        assert exporter.summary
        compile(exporter.loading("here"), name, "exec")


def test_the_card_says_what_the_model_is(model_folder):
    card = (Path(model_folder) / "README.md").read_text()
    for said in (
        "`average`",
        "`fine-tuned`",
        "bad, good",
        "24 labelled rows",
        "glove-6b-50d",
        "PDDL",
        "None: this model",
    ):
        assert said in card, said
    assert "great film" not in card
