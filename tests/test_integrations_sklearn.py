"""The scikit-learn estimator: the library's own checks, and its tools: pipelines, searches, clones, joblib."""

import io
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import meltpoint as mp
from meltpoint.errors import InputError
from meltpoint.handover import load_model, make_predictor

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]
SMALL = {"search": 1, "folds": 2}


def classifier(**settings):
    return mp.EmbeddingClassifier("glove-6b-50d", **{"policy": "frozen", **SMALL, **settings})


# Checks on matrices of numbers are left out by scikit-learn itself: the tags say that this takes texts.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    checks = parametrize_with_checks([mp.EmbeddingClassifier(policy="frozen", **SMALL)])


@checks
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_the_checks_of_scikit_learn(estimator, check, glove):
    check(estimator)


@pytest.fixture(scope="module")
def fitted(glove):
    return classifier(policy="fine-tuned").fit(TEXTS, LABELS)


def test_it_predicts_labels_and_probabilities(fitted):
    assert fitted.classes_.tolist() == ["bad", "good"]
    probabilities = fitted.predict_proba(["great film", "dull plot", ""])
    assert probabilities.shape == (3, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    found = fitted.predict(TEXTS)
    np.testing.assert_array_equal(found, fitted.classes_[fitted.predict_proba(TEXTS).argmax(axis=1)])
    assert fitted.score(TEXTS, LABELS) == np.mean(found == np.array(LABELS))
    assert (fitted.policy_, fitted.verdict_) == ("fine-tuned", None)
    assert fitted.predict_proba([]).shape == (0, 2)


def test_the_same_seed_is_the_same_model_and_a_clone_starts_anew(fitted):
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        again.predict(TEXTS)
    np.testing.assert_array_equal(again.fit(TEXTS, LABELS).predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    other = clone(fitted).set_params(random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


@pytest.mark.parametrize("labels", [[10, 9], [True, False], np.array(["x", "y"], dtype=object), [2.0, 1.0]])
def test_labels_of_any_kind_come_back_as_they_were(labels, glove):
    y = np.asarray([labels[int(label == "good")] for label in LABELS], dtype=np.asarray(labels).dtype)
    fitted = classifier().fit(TEXTS, y)
    np.testing.assert_array_equal(fitted.classes_, np.unique(y))
    assert set(fitted.predict(TEXTS).tolist()) <= set(y.tolist())


@pytest.mark.parametrize("kind", ["list", "array", "objects", "column", "pandas", "polars"])
def test_texts_may_come_in_many_forms(kind, fitted):
    import pandas as pd
    import polars as pl

    given = {
        "list": TEXTS,
        "array": np.array(TEXTS),
        "objects": np.array(TEXTS, dtype=object),
        "column": np.array(TEXTS)[:, None],
        "pandas": pd.Series(TEXTS, index=range(100, 124)),
        "polars": pl.Series(TEXTS),
    }[kind]
    np.testing.assert_array_equal(fitted.predict(given), fitted.predict(TEXTS))


def test_it_works_in_pipelines_and_searches(glove):
    pipeline = make_pipeline(FunctionTransformer(lambda texts: [text.lower() for text in texts]), classifier())
    assert cross_val_score(pipeline, TEXTS, LABELS, cv=2).shape == (2,)
    search = GridSearchCV(classifier(), {"policy": ["frozen", "fine-tuned"]}, cv=2).fit(TEXTS, LABELS)
    assert set(search.best_params_) == {"policy"}
    assert len(search.predict(["great film"])) == 1


def test_opened_vectors_are_shared_by_clones(glove):
    first = mp.EmbeddingClassifier(glove, policy="frozen", **SMALL)
    assert clone(first).vectors is glove


@pytest.mark.parametrize("opened", [False, True])
def test_joblib_keeps_it(opened, fitted, glove):
    model = mp.EmbeddingClassifier(glove, policy="frozen", **SMALL).fit(TEXTS, LABELS) if opened else fitted
    texts = ["excellent film", "wretched plot"]
    before = model.predict_proba(texts)
    file = io.BytesIO()
    joblib.dump(model, file)
    assert file.tell() < 1_000_000  # the vectors stay where they are
    file.seek(0)
    np.testing.assert_array_equal(joblib.load(file).predict_proba(texts), before)


@pytest.mark.slow
def test_joblib_takes_it_to_other_processes(glove):
    alone, together = (cross_val_score(classifier(), TEXTS, LABELS, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    np.testing.assert_array_equal(alone, together)


def test_auto_runs_a_study_and_takes_its_recommendation(glove):
    model = classifier(policy="auto", repeats=2, budget="5m").fit(TEXTS, LABELS)
    assert model.verdict_["schema"].startswith("meltpoint/verdict/")
    assert model.policy_ == model.verdict_["policy"]
    assert model.predict(["great film"]).tolist() in (["good"], ["bad"])


def test_what_was_trained_can_be_saved(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    (found,) = make_predictor(load_model(tmp_path / "model")).predict(["great film"])
    assert list(found.probabilities) == ["bad", "good"]
    np.testing.assert_allclose(list(found.probabilities.values()), fitted.predict_proba(["great film"])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "texts", "labels", "message"),
    [
        ({}, "great film", ["good"], "Expected several texts, found the single string 'great film'"),
        ({}, [1, 2], [0, 1], r"found int in row 0 \(counted from 0\): 1"),
        ({}, np.zeros((4, 2)), [0, 1, 0, 1], r"found an array of shape \(4, 2\); choose one column"),
        ({}, TEXTS, LABELS[:-1], "one label for each text; found 24 texts and 23 labels"),
        ({}, TEXTS, ["good"] * 24, "at least 2 classes; found 1 class"),
        ({"policy": "freeze"}, TEXTS, LABELS, "No policy is called 'freeze'"),
        ({"architecture": "cnm"}, TEXTS, LABELS, "Did you mean 'cnn'"),
        ({"policy": "auto", "budget": "soon"}, TEXTS, LABELS, "budget must be a time such as 90s, 10m or 1h"),
        ({"vectors": "no-such.txt"}, TEXTS, LABELS, "no-such.txt"),
    ],
)
def test_what_cannot_be_fitted_is_told(settings, texts, labels, message, glove):
    with pytest.raises(InputError, match=message):
        classifier().set_params(**settings).fit(texts, labels)


def test_making_one_needs_no_torch():
    script = "import sys, meltpoint as mp; mp.EmbeddingClassifier(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
