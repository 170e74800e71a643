"""The whole model as ONNX: onnxruntime answers as meltpoint does, for any number of texts of any length."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.errors import InputError, MeltpointError
from meltpoint.handover import Predictor, export_model, load_model
from meltpoint.handover.export import onnx_model
from meltpoint.handover.model_folder import WEIGHTS
from meltpoint.models import ARCHITECTURES, build_model

onnxruntime = pytest.importorskip("onnxruntime")
TEXTS = ["great film", "a dull plot , poor scene", "film", "zzqq great", "weak weak weak actor"]


def with_architecture(name, model_folder, target):
    """A model folder of that architecture, untrained above the embedding."""
    from safetensors.torch import save_file

    trained = load_model(model_folder)
    rows = trained.embedding.weight.detach()
    embedding = PretrainedEmbedding(rows, torch.zeros(len(rows), dtype=torch.bool))
    shutil.copytree(model_folder, target)
    save_file(build_model(name, embedding, 2).state_dict(), target / WEIGHTS)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | {"architecture": name}))
    return target


def run(folder, texts, vocabulary):
    words = json.loads((folder / "words.json").read_text())
    number = {word: row for row, word in enumerate(words)}
    cut = [vocabulary.tokenizer(text) for text in texts]
    ids = np.zeros((len(texts), max(map(len, cut))), dtype=np.int64)
    for row, tokens in enumerate(cut):
        ids[row, : len(tokens)] = [number.get(token, 1) for token in tokens]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["bad", "good"]
    return session.run(["probabilities"], {"ids": ids})[0]


@pytest.mark.parametrize(
    "name", ["average", *(pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES if name != "average")]
)
def test_onnxruntime_answers_as_meltpoint_does(name, model_folder, tmp_path):
    folder = with_architecture(name, model_folder, tmp_path / "model")
    export_model(folder, "onnx", tmp_path / "onnx")
    trained = load_model(folder)
    for texts in (TEXTS, TEXTS[:1], TEXTS[2:4]):
        expected = [list(one.probabilities.values()) for one in Predictor(trained, None).predict(texts)]
        np.testing.assert_allclose(run(tmp_path / "onnx", texts, trained.vocabulary), expected, atol=1e-5)


@pytest.mark.slow
def test_words_that_training_never_saw_can_go_along(model_folder, glove, tmp_path):
    export_model(model_folder, "onnx", tmp_path / "onnx", words="all")
    trained = load_model(model_folder)
    texts = ["an excellent film", "wretched acting"]
    expected = [list(one.probabilities.values()) for one in Predictor(trained, glove).predict(texts)]
    np.testing.assert_allclose(run(tmp_path / "onnx", texts, trained.vocabulary), expected, atol=1e-5)


def refuse(*_, **__):
    raise torch.onnx.OnnxExporterError("Failed to export the model\n\nmuch more")


def test_what_cannot_be_expressed_is_told(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(MeltpointError, match=r"architecture 'average' cannot be written as ONNX.*Failed to export the"):
        export_model(model_folder, "onnx", tmp_path / "onnx")
    assert not list(tmp_path.iterdir())


class AlwaysHalf:
    def __init__(self, *_, **__):
        pass

    def run(self, _, inputs):
        return (np.full((len(inputs["ids"]), 2), 0.5, dtype=np.float32),)


def test_other_answers_are_not_handed_over(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_model, "_translate", lambda _, __, path: path.touch())
    monkeypatch.setattr(onnx_model, "_describe", lambda *_: None)
    monkeypatch.setattr(onnxruntime, "InferenceSession", AlwaysHalf)
    with pytest.raises(MeltpointError, match=r"does not answer as the model does.*differ by"):
        export_model(model_folder, "onnx", tmp_path / "onnx")
    assert not list(tmp_path.iterdir())


def test_only_models_that_classify_are_written(tmp_path):
    handed = SimpleNamespace(trained=SimpleNamespace(config=SimpleNamespace(task="tag")))
    with pytest.raises(InputError, match="writes models that classify; this one has learned the task 'tag'"):
        onnx_model.OnnxModel().write(handed, tmp_path)
