"""The drift of a model and of a study, by command."""

import io
import json
import sys

import numpy as np
import pytest

from meltpoint.cli import main
from meltpoint.embedding.drift import cosines
from meltpoint.handover import load_model, tuned_space, tuned_vectors
from meltpoint.handover.benchmarks import installed_benchmarks

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" + " the" * (row % 4) for noun in NOUNS for row, cue in enumerate(CUES)]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]
SETTINGS = ("--vectors", "glove-6b-50d", "--search", "1", "--seed", "3")


def call(patch, *arguments):
    out = io.StringIO()
    patch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
    patch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, out.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory, glove):
    """A data file, the run of a study that hands over ``frozen``, and models."""
    folder = tmp_path_factory.mktemp("drift")
    data = folder / "reviews.csv"
    data.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in zip(TEXTS, LABELS, strict=True)))
    study = ("--policy", "scaled", "--repeats", "2", "--folds", "2", "--size", "10", "--workers", "0", "--json")
    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, "study", data, *SETTINGS, *study, "--out", folder / "run")[0] == 0
        for policy in ("fine-tuned", "scratch"):
            train = ("train", data, *SETTINGS, "--policy", policy, "--out", folder / policy, "--json")
            assert call(patch, *train)[0] == 0
    return folder


def test_the_drift_of_a_model(made, glove, monkeypatch):
    code, out = call(monkeypatch, "drift", made / "fine-tuned", "--json", "--word", "film", "--word", "excellent")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "meltpoint/drift/1"
    assert (document["policy"], document["recommended"], document["overfitting"]) == ("fine-tuned", True, None)
    # Only words that occur are met, and "the" five times or more.
    assert document["splits"]["seen"]["words"] + document["splits"]["rare"]["words"] == 11
    assert [(one["word"], one["split"]) for one in document["asked"]] == [("film", "seen"), ("excellent", "unseen")]
    trained = load_model(made / "fine-tuned")
    row = trained.embedding.weight.detach().numpy()[trained.vocabulary.index("film")]
    assert document["asked"][0]["cosine"] == pytest.approx(cosines(glove["film"][None], row[None])[0], abs=1e-4)
    assert document["asked"][1]["cosine"] == 1
    assert [one["name"] for one in document["benchmarks"]] == [path.name for path in installed_benchmarks()]
    distances = [one["distance"] for one in document["words"]]
    assert distances == sorted(distances, reverse=True)
    assert len(document["map"]) == 11


def test_the_drift_of_a_model_in_words(made, shared_data, monkeypatch):
    rated = shared_data / "word_similarity" / "rg65.csv"
    code, out = call(monkeypatch, "drift", made / "fine-tuned", "--benchmark", rated, "-k", "2")
    assert code == 0
    assert "'fine-tuned' moved 11 of 11 words" in " ".join(out.split())
    assert "The words that moved furthest" in out
    assert "rg65.csv" in out
    assert "simlex999" not in out


def test_a_study_keeps_the_drift_beside_its_verdict(made, monkeypatch):
    document = json.loads((made / "run" / "drift.json").read_text())
    verdict = json.loads((made / "run" / "verdict.json").read_text())
    assert document["recommended"] == (verdict["policy"] != "frozen")
    # Whether or not it is the recommendation, what moves is shown.
    assert document["policy"] == "scaled"
    assert document["overfitting"].keys() == {"frozen", "scaled"}
    assert document["unseen_rows"]["policy"] == "scaled"
    code, out = call(monkeypatch, "drift", made / "run")
    assert code == 0
    assert "Learned by heart" in out
    assert json.loads(call(monkeypatch, "drift", made / "run", "--json")[1]) == document


def test_the_space_that_a_user_has(made, glove):
    trained = load_model(made / "fine-tuned")
    space, vectors = tuned_space(trained, glove), tuned_vectors(trained, glove)
    assert len(set(space.words)) == len(space.words)
    np.testing.assert_array_equal(vectors.gather(space.words)[0], space.after)
    np.testing.assert_array_equal(glove.gather(space.words)[0], space.before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scratch",), "starts from random rows"),
        (("fine-tuned", "--word", "zzqqzz"), "found none for 'zzqqzz'"),
        (("fine-tuned", "--vectors", "no-such-file.txt"), "The pretrained vectors of this model cannot be opened"),
        (("fine-tuned", "--benchmark", "no-such-pairs.csv"), "no-such-pairs.csv"),
        (("nothing-here",), "is not a model folder"),
    ],
)
def test_what_cannot_be_compared(arguments, message, made, monkeypatch, capsys):
    name, *options = arguments
    code, out = call(monkeypatch, "drift", made / name, *options)
    assert (code, out) == (2, "")
    assert message in capsys.readouterr().err


def test_other_vectors_under_the_same_name_are_refused(made, tmp_path, monkeypatch, capsys):
    path = tmp_path / "other.txt"
    path.write_text("film 1 2\n")
    assert call(monkeypatch, "drift", made / "fine-tuned", "--vectors", path)[0] == 2
    assert "are not those the model was made with (glove-6b-50d, digest" in capsys.readouterr().err
