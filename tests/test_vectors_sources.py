"""Where vectors are found: folders and their layouts, packages that are never imported, downloads of the catalogue."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.catalogue import find_entry
from meltpoint.vectors.catalogue.places import downloads_folder
from meltpoint.vectors.sources.finding import find_source
from meltpoint.vectors.sources.source import FileSource, FolderSource


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


SPACY = ("vocab/vectors", "vocab/key2row", "vocab/strings.json")
STATIC = ("model.safetensors", "tokenizer.json")


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (SPACY, "spaCy"),
        ([name.removeprefix("vocab/") for name in SPACY], "spaCy"),
        (STATIC, "static model"),
        ([f"0_StaticEmbedding/{name}" for name in STATIC], "static model"),
        (("weights/l2_256.safetensors", "tokenizers/l2_tokenizer_config.json"), "static model"),
        ([f"en_core_web_md-3.8.0/{name}" for name in SPACY], "spaCy"),
        ([f"_model/{name}" for name in SPACY], "spaCy"),
    ],
)
def test_layouts(tmp_path, names, layout):
    source = find_source(touch(tmp_path, *names, "unrelated.txt"))
    assert isinstance(source, FolderSource)
    assert source.layout == layout
    assert sorted(path.relative_to(tmp_path).as_posix() for path in source.files.values()) == sorted(names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), r"expected a folder with a spaCy model .* found neither\. Name a file of vectors instead"),
        (("b.vec", "a.bin", "c.csv"), r"found neither\. Name a file in it: a\.bin, b\.vec\.$"),
        (("pytorch_model.bin", "tokenizer.json"), "It holds pickled weights, which are never read here"),
        (("vectors", "key2row"), "copy strings.json from the vocab folder"),
        (
            [f"{model}/{name}" for model in ("one", "two") for name in STATIC],
            "expected the vectors of one model, found se",
        ),
        (("weights/a_1.safetensors", "weights/b_2.safetensors", "tokenizers/a_tokenizer_config.json"), "found neither"),
    ],
)
def test_folder_without_vectors(tmp_path, names, message):
    with pytest.raises(VectorFileError, match=message):
        find_source(touch(tmp_path, *names))


def test_folder_has_no_members(tmp_path):
    with pytest.raises(VectorFileError, match="member='x' is for a zip, and this file is not one"):
        find_source(touch(tmp_path, *STATIC), member="x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_folder_that_may_not_be_entered(tmp_path):
    folder = touch(tmp_path / "closed", "a.txt")
    folder.chmod(0)
    with pytest.raises(VectorFileError, match="cannot be opened"):
        find_source(folder)
    folder.chmod(0o700)


def test_cyclic_links_are_no_vectors(tmp_path):
    (tmp_path / "model.safetensors").symlink_to("model.safetensors")
    (tmp_path / "tokenizer.json").symlink_to("model.safetensors")
    (tmp_path / "below").symlink_to(tmp_path)
    with pytest.raises(VectorFileError, match="found neither"):
        find_source(tmp_path)
    with pytest.raises(VectorFileError, match="cannot be opened"):
        find_source(tmp_path / "model.safetensors")


@pytest.mark.parametrize("given", [Path, str])
def test_identity_changes_with_any_of_the_files(tmp_path, given):
    touch(tmp_path, *SPACY)
    before = find_source(given(tmp_path))
    assert find_source(given(tmp_path)).identity == before.identity
    assert not before.has_changed()
    (tmp_path / "vocab" / "key2row").write_bytes(b"xx")
    after = find_source(given(tmp_path))
    assert after.identity != before.identity
    assert after.location == before.location
    assert before.has_changed()
    (tmp_path / "vocab" / "key2row").unlink()
    assert after.has_changed()


def test_identity_knows_what_was_asked_for(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("a 1 2\n")
    identities = {find_source(path, **wishes).identity for wishes in ({}, {"dim": 2}, {"bad_rows": "skip"})}
    assert len(identities) == 3


def write_static_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    save_file({"embeddings": np.eye(2, dtype=np.float32)}, folder / "model.safetensors")
    vocabulary = {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "a"}
    (folder / "tokenizer.json").write_text(json.dumps({"model": vocabulary}))


def test_package_is_found_and_never_imported(tmp_path, monkeypatch):
    write_static_model(tmp_path / "some_vectors_package" / "data")
    (tmp_path / "some_vectors_package" / "__init__.py").write_text("raise RuntimeError('the package was run')")
    monkeypatch.syspath_prepend(tmp_path)
    vectors = open_vectors("some_vectors_package")
    assert vectors.words[:] == ["a", "b"]
    with pytest.raises(VectorFileError, match="json: expected a folder with a spaCy model"):
        find_source("json")


@pytest.mark.parametrize("name", ["__main__", "no_such_package", "math"])
def test_no_package_with_files(name):
    with pytest.raises(VectorFileError, match="expected a file of vectors or a catalogue name, found no such file"):
        find_source(name)


def test_path_comes_before_a_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("json").write_text("a 1 2\n")
    assert isinstance(find_source("json"), FileSource)


def test_download_of_the_catalogue_comes_before_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    entry = find_entry("glove-6b-50d")
    downloads_folder().mkdir(parents=True)
    place = downloads_folder() / entry.place
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("glove.6B.50d.txt", "the" + " 0.5" * 50 + "\n")
        archive.writestr("glove.6B.100d.txt", "the" + " 0.5" * 100 + "\n")
    source = find_source("glove-6b-50d")
    assert (source.path, source.member, source.dim) == (place, "glove.6B.50d.txt", 50)
    vectors = open_vectors("glove-6b-50d")
    assert (vectors.name, vectors.source, vectors.dim) == ("glove-6b-50d", "glove-6b-50d", 50)
    assert vectors.tokenizer == "treebank-lower"
    assert vectors.licence == "PDDL-1.0 (public domain)"
    archive = zipfile.ZipFile(place, "w")
    archive.writestr("glove.6B.50d.txt", "the 0.5\n")
    archive.close()
    with pytest.raises(VectorFileError, match=rf"glove-6b-50d/glove.6B.50d.txt \({place}\).*expected 50 dimensions"):
        open_vectors("glove-6b-50d")


def test_static_model_keeps_its_tokenizer_for_some_words(tmp_path):
    write_static_model(tmp_path / "model")
    some = open_vectors(tmp_path / "model", words=["b", "c"])
    assert some.words[:] == ["b"]
    assert some.tokenizer == "tokenizer.json"
    assert some.attachments["tokenizer.json"].read_bytes() == (tmp_path / "model" / "tokenizer.json").read_bytes()
    whole = open_vectors(tmp_path / "model")
    assert open_vectors(tmp_path / "model", words=["b", "c"]).digest == some.digest != whole.digest


def test_saved_vectors_are_opened_again(tmp_path, glove):
    some = open_vectors("glove-6b-50d", words=["the", "melting", "point"])
    for name in ("v.txt", "v.vec", "v.bin", "v.safetensors", "v.npy"):
        some.save(tmp_path / name)
        assert open_vectors(tmp_path / name).digest == some.digest
        for path in tmp_path.iterdir():
            path.unlink()
