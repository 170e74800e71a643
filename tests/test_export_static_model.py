"""The static model: Model2Vec and sentence-transformers load it, cut texts as meltpoint does, and average its rows."""

import json
import shutil
import warnings

import numpy as np
import pytest
from model2vec import StaticModel

from meltpoint.errors import InputError
from meltpoint.handover import export_model, load_model
from meltpoint.text import read_corpus, tokenizer_named


@pytest.fixture(scope="module")
def trained(model_folder):
    return load_model(model_folder)


@pytest.fixture(scope="module")
def folder(model_folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("static") / "static"
    export_model(model_folder, "static-model", place)
    return place


TEXTS = ["Great film", "a DULL plot", "lovely scene, fine actor!", "film film film"]


def mean_of_known(trained, text):
    """The mean over the words that the model knows: Model2Vec leaves others out."""
    ids = [number for number in trained.vocabulary.encode(text) if number > 1]
    return trained.embedding.weight.detach().numpy()[ids].mean(axis=0)


def test_model2vec_reads_it(folder, trained):
    model = StaticModel.from_pretrained(folder)
    np.testing.assert_allclose(model.encode(TEXTS), [mean_of_known(trained, text) for text in TEXTS], atol=1e-5)


def test_sentence_transformers_reads_it(folder, trained):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        sentence_transformers = pytest.importorskip("sentence_transformers")
        model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        known = [text for text in TEXTS if all(number > 1 for number in trained.vocabulary.encode(text))]
        found = model.encode(known, show_progress_bar=False)
    assert len(known) == 2
    np.testing.assert_allclose(found, [mean_of_known(trained, text) for text in known], atol=1e-5)


def test_meltpoint_reads_it_as_vectors(folder, trained):
    import meltpoint as mp

    np.testing.assert_array_equal(mp.open_vectors(str(folder))["film"], mean_of_known(trained, "film"))


@pytest.mark.parametrize("name", ["treebank-lower", "treebank", "whitespace"])
def test_texts_are_cut_as_meltpoint_cuts_them(name, shared_data):
    texts = read_corpus(shared_data / "financial_phrasebank" / "all.csv").texts[:1500]
    texts = (
        *texts,
        "Don't PAY $1,000.50; I can't -- e.g. U.S.-led O'Brien's “quotes” &amp; ... http://a.b/C",
        "İstanbul'S",
    )
    cut = tokenizer_named(name)
    pieces = rebuilt(cut)
    assert [pieces(text) for text in texts] == [cut(text) for text in texts]


def rebuilt(cut):
    normalizer, splitter = cut.rules()

    def call(text):
        normal = text if normalizer is None else normalizer.normalize_str(text)
        return [word for word, _ in splitter.pre_tokenize_str(normal)]

    return call


@pytest.mark.parametrize("name", ["twitter", "whole-lower"])
def test_a_tokenizer_without_an_equal_is_refused(name, model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"tokenizer": name}))
    with pytest.raises(InputError, match=rf"tokenizer '{name}' of this model cannot be written as a tokenizer.json"):
        export_model(tmp_path / "model", "static-model", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
