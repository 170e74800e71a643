"""Training under one policy: an honest score, all rows, and a folder that is never overwritten."""

from dataclasses import replace

import pytest

from meltpoint.errors import DivergedError, InputError, RunFolderError
from meltpoint.handover import load_model
from meltpoint.run import StudyOptions, prepare_material, train_policy, training
from meltpoint.text import corpus_from_lists, tokenizer_for

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]
OPTIONS = StudyOptions(search_trials=2, num_folds=2)


@pytest.fixture(scope="module")
def material(glove):
    return prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))


def test_the_model_is_trained_on_all_rows_and_scored_on_held_out_ones(material, tmp_path):
    tried = []
    training = train_policy(material, OPTIONS, "frozen", tmp_path / "a" / "model", watch=tried.append)
    assert len(tried) == 2
    assert training.trained.config.rows == 24
    assert len(training.chosen.result.predicted) == 12
    assert load_model(tmp_path / "a" / "model").config == training.trained.config


def test_a_final_training_that_diverges_leaves_no_model(material, tmp_path, monkeypatch):
    recipe = training.final_recipe

    def too_fast(*given):
        found = recipe(*given)
        return replace(found, spec=replace(found.spec, learning_rate=1e38))

    monkeypatch.setattr(training, "final_recipe", too_fast)
    with pytest.raises(DivergedError, match=r"final training of average / fine-tuned diverged\. The learning rate may"):
        train_policy(material, OPTIONS, "fine-tuned", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused(material, tmp_path):
    with pytest.raises(RunFolderError, match="exists already; give the name of a folder that does not"):
        train_policy(material, OPTIONS, "frozen", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_policy_is_refused_before_anything_is_made(material, tmp_path):
    with pytest.raises(InputError, match="No policy is called 'thawed'"):
        train_policy(material, OPTIONS, "thawed", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
