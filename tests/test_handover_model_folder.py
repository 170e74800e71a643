"""The model folder: the same predictions to the bit after saving and loading, and damage that is told."""

import copy
import json

import pytest
import torch
from tokenizers import Tokenizer as Pieces
from tokenizers import models, normalizers, pre_tokenizers

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.handover import Predictor, load_model, save_model
from meltpoint.run import StudyOptions, prepare_material, train_policy
from meltpoint.text import OWN_TOKENIZER, corpus_from_lists, tokenizer_for

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]
FILES = ["README.md", "config.json", "model.safetensors", "vocabulary.json"]


@pytest.fixture(scope="module")
def trained(glove, tmp_path_factory):
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))
    options = StudyOptions(search_trials=1, num_folds=2)
    return train_policy(material, options, "fine-tuned", tmp_path_factory.mktemp("model") / "model").trained


@pytest.fixture
def folder(trained, tmp_path):
    save_model(trained, tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_predicts_the_same_to_the_bit(trained, folder, glove):
    loaded = load_model(folder)
    assert loaded.config == trained.config
    assert loaded.vocabulary.to_list() == trained.vocabulary.to_list()
    assert not loaded.model.training
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)
    texts = ["a great film", "excellent", "", "zzzz dull"]
    before, after = (list(Predictor(model, glove).predict(texts)) for model in (trained, loaded))
    assert before == after


@pytest.mark.parametrize("policy", ["gradual", "partial", "two-channel", "low-rank", "projected"])
def test_what_a_policy_learned_is_folded_into_the_table(policy, glove, tmp_path):
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))
    options = StudyOptions(search_trials=1, num_folds=2)
    trained = train_policy(material, options, policy, tmp_path / "model").trained
    loaded = load_model(tmp_path / "model")
    assert loaded.embedding.adaptation is None
    assert (loaded.embedding.unseen_map is not None) == (policy in ("two-channel", "projected"))
    texts = ["a great film", "excellent", "zzzz dull"]
    before, after = (list(Predictor(model, glove).predict(texts)) for model in (trained, loaded))
    assert before == after


@pytest.fixture
def own_folder(glove, tmp_path):
    """A model over pieces of words, which its vectors' own tokenizer makes."""
    pieces = Pieces(
        models.WordPiece({word: row for row, word in enumerate(["[UNK]", *CUES, *NOUNS, "##s"])}, unk_token="[UNK]")
    )
    pieces.normalizer, pieces.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    path = tmp_path / "brought.json"
    path.write_text(pieces.to_str())
    vectors = copy.copy(glove)
    vectors._store = glove._store._replace(attachments={OWN_TOKENIZER: str(path)})
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), vectors, tokenizer_for(vectors))
    options = StudyOptions(search_trials=1, num_folds=2)
    train_policy(material, options, "frozen", tmp_path / "own")
    path.unlink()
    return tmp_path / "own"


def test_the_tokenizer_of_the_vectors_travels_with_the_model(own_folder, glove):
    assert sorted(path.name for path in own_folder.iterdir()) == sorted([*FILES, OWN_TOKENIZER])
    loaded = load_model(own_folder)
    assert loaded.vocabulary.tokenizer("Great films") == ["great", "film", "##s"]
    assert loaded.config.tokenizer == OWN_TOKENIZER
    save_model(loaded, own_folder.with_name("again"))
    texts = ["great films", "dull plot"]
    first, second = (Predictor(load_model(own_folder.with_name(name)), glove) for name in ("own", "again"))
    assert list(first.predict(texts)) == list(second.predict(texts))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"Cannot read .*own/tokenizer\.json"),
        (lambda path: path.write_text("{}"), r"damaged .*own/tokenizer\.json: expected the tokenizer\.json of"),
    ],
)
def test_a_damaged_tokenizer_is_told(damage, message, own_folder):
    damage(own_folder / OWN_TOKENIZER)
    with pytest.raises(RunFolderError, match=message):
        load_model(own_folder)


def test_the_folder_holds_four_files_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert (config["schema"], config["policy"], config["classes"]) == (
        "meltpoint/model/2",
        "fine-tuned",
        ["bad", "good"],
    )


def test_a_folder_is_replaced_as_a_whole(trained, folder):
    (folder / "stale.txt").touch()
    save_model(trained, folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_no_space_leaves_what_stood_there(trained, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("meltpoint.handover.model_folder.save_file", full)
    with pytest.raises(DiskError, match=r"Cannot write the model folder .*No space left.*Nothing half-written"):
        save_model(trained, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_the_parent_may_not_be_a_file(trained, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="Cannot write the model folder"):
        save_model(trained, tmp_path / "file" / "model")


def changed(**values):
    def change(folder):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "is not a model folder: it holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "Cannot read .*config.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), "is not the config of a model of this version"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe"), "Cannot read .*config.json"),
        (lambda folder: (folder / "vocabulary.json").unlink(), "Cannot read .*vocabulary.json"),
        (lambda folder: (folder / "vocabulary.json").write_text('[["a", 1]]'), "damaged .*needs distinct words"),
        (lambda folder: (folder / "vocabulary.json").write_text("[1, 2]"), r"damaged .*pair \(word, count\)"),
        (lambda folder: (folder / "vocabulary.json").write_text("7"), "damaged"),
        (lambda folder: (folder / "model.safetensors").unlink(), "Cannot read .*model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"short"), "Cannot read .*model.safetensors"),
        # Version 1 held the weights of other layers.
        (changed(schema="meltpoint/model/1"), r"of this version \(meltpoint/model/2\)"),
        (changed(schema="meltpoint/model/99"), r"of this version \(meltpoint/model/2\)"),
        (changed(surprise=1), "damaged .*surprise"),
        (changed(classes=["one"]), "damaged"),
        (changed(classes=None), "damaged"),
        (changed(embedding_dim="wide"), "damaged"),
        (changed(embedding_dim=7), "damaged"),
        (changed(architecture="lost"), "damaged .*No architecture is called 'lost'"),
        (changed(policy="lost"), "damaged .*No policy is called 'lost'"),
        (changed(tokenizer="lost"), "damaged .*no tokenizer named 'lost'"),
        (changed(vectors={}), "damaged .*source and a digest"),
    ],
)
def test_damage_is_told(damage, message, folder):
    damage(folder)
    with pytest.raises(RunFolderError, match=message):
        load_model(folder)


def test_a_truncated_file_of_weights_is_told(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunFolderError, match=r"Cannot read .*model\.safetensors"):
        load_model(folder)


def test_a_run_folder_is_taken_for_its_model_with_a_hint(folder):
    with pytest.raises(RunFolderError, match=r"Did you mean .*model\?"):
        load_model(folder.parent)
