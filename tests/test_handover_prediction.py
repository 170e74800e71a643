"""Predictions: what the study's tests would have read is what new texts are read by."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from meltpoint.embedding.carrying import fit_carrying
from meltpoint.errors import InputError
from meltpoint.handover import Predictor, make_predictor, prediction
from meltpoint.run import StudyOptions, prepare_material, train_policy
from meltpoint.tasks import json_rows
from meltpoint.text import corpus_from_lists, tokenizer_for

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]


@pytest.fixture(scope="module")
def train(glove, tmp_path_factory):
    """Trains a linear model over the mean of the word vectors under a policy."""
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))
    options = StudyOptions(architectures=("average:0",), search_trials=1, num_folds=2, max_tokens=4)
    models = {}

    def call(policy):
        if policy not in models:
            models[policy] = train_policy(material, options, policy, tmp_path_factory.mktemp(policy) / "model").trained
        return models[policy]

    return call


def probabilities(trained, rows):
    """The model's answer to word vectors ``(T, D)``, computed by hand: softmax(mean W + b)."""
    head = trained.model.output
    weight, bias = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    scores = np.mean(np.asarray(rows, dtype=np.float64), axis=0) @ weight + bias
    return np.exp(scores) / np.exp(scores).sum()


def predict_one(predictor, text):
    (prediction,) = predictor.predict([text])
    return list(prediction.probabilities.values())


@pytest.mark.parametrize("policy", ["frozen", "fine-tuned"])
def test_a_word_that_training_never_saw_is_read_by_its_pretrained_vector(policy, train, glove):
    trained = train(policy)
    assert "excellent" not in trained.vocabulary
    table = trained.embedding.weight.detach().numpy()
    by_hand = probabilities(trained, [glove["excellent"], table[trained.vocabulary.index("film")]])
    np.testing.assert_allclose(predict_one(Predictor(trained, glove), "Excellent film"), by_hand, rtol=1e-5)


def test_a_word_that_training_never_saw_can_be_carried_into_the_tuned_space(train, glove):
    trained = train("fine-tuned")
    table = trained.embedding.weight.detach().numpy()
    words = trained.vocabulary.words[2:]
    carrying = fit_carrying(np.array([glove[word] for word in words]), table[2:])
    by_hand = probabilities(trained, carrying.carry(glove["excellent"][None]))
    np.testing.assert_allclose(predict_one(Predictor(trained, glove, unseen="mapped"), "excellent"), by_hand, rtol=1e-5)
    frozen = train("frozen")
    plain, mapped = (predict_one(Predictor(frozen, glove, unseen=how), "excellent") for how in ("pretrained", "mapped"))
    assert plain == mapped


def test_what_a_policy_learned_for_all_words_is_not_mapped_twice(train, glove):
    trained = train("projected")
    plain, mapped = (
        predict_one(Predictor(trained, glove, unseen=how), "excellent") for how in ("pretrained", "mapped")
    )
    np.testing.assert_allclose(plain, mapped, rtol=1e-3)


def test_a_word_that_training_never_saw_can_be_taken_as_unknown(train, glove):
    trained = train("frozen")
    table = trained.embedding.weight.detach().numpy()
    by_hand = probabilities(trained, [table[1]])
    np.testing.assert_allclose(predict_one(make_predictor(trained, unseen="unknown"), "excellent"), by_hand, rtol=1e-5)
    with pytest.raises(InputError, match="one of pretrained, mapped, unknown; found 'guessed'"):
        Predictor(trained, glove, unseen="guessed")


def test_scratch_knows_no_pretrained_vectors(train, glove):
    trained = train("scratch")
    table = trained.embedding.weight.detach().numpy()
    by_hand = probabilities(trained, [table[1], table[trained.vocabulary.index("film")]])
    np.testing.assert_allclose(predict_one(Predictor(trained, glove), "excellent film"), by_hand, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "as_if"),
    [
        ("great film plot scene dull dull dull", "great film plot scene"),
        ("", "<unk>"),
        ("   ", "<unk>"),
        ("<pad>", "<unk>"),
        ("zzqqzz film", "<unk> film"),
    ],
    ids=["long texts are cut", "empty", "blank", "a word spelled like the pad", "unknown to all"],
)
def test_odd_texts(text, as_if, train):
    predictor = Predictor(train("frozen"), None)
    table = predictor._trained.embedding.weight.detach().numpy()
    vocabulary = predictor._trained.vocabulary
    rows = [table[vocabulary.index(word)] for word in as_if.split()]
    if text != "<pad>":
        np.testing.assert_allclose(
            predict_one(predictor, text), probabilities(predictor._trained, rows), rtol=1e-5, atol=1e-7
        )
    else:
        # The tokenizer cuts it into three; none of them is the pad row.
        assert sum(predict_one(predictor, text)) == pytest.approx(1)


def test_a_prediction_does_not_depend_on_its_batch(train, glove):
    predictor = Predictor(train("fine-tuned"), glove)
    texts = [TEXTS[row % 24] + " excellent" * (row % 3) for row in range(600)]
    together = list(predictor.predict(texts))
    for row in (0, 255, 256, 599):
        assert list(together[row].probabilities.values()) == pytest.approx(predict_one(predictor, texts[row]), rel=1e-5)


def test_many_texts_at_a_time_are_read_as_each_by_itself(train, glove):
    unseen = [word for word in glove.words[:3000] if word.isalpha()]
    texts = [f"{TEXTS[row % 24]} {unseen[row % len(unseen)]} zzqq{row % 7}" * (1 + row % 5) for row in range(3000)]
    texts[::100] = [""] * 30
    trained = train("fine-tuned")
    predictor = Predictor(trained, glove)
    together = list(predictor.predict(texts)) + list(predictor.predict(texts[:2000]))
    for row in (*range(0, 3000, 200), 1, 2999):
        alone = predict_one(Predictor(trained, glove), texts[row])
        assert list(together[row].probabilities.values()) == pytest.approx(alone, abs=1e-5)
        if row < 2000:
            assert together[3000 + row] == together[row]


def test_what_is_remembered_does_not_grow_without_end(train, glove, monkeypatch):
    monkeypatch.setattr(prediction, "_MAX_REMEMBERED", 50)
    predictor = Predictor(train("fine-tuned"), glove)
    words = [word for word in glove.words[:1000] if word.isalpha()][:300]
    in_parts = [predict_one(predictor, f"great {word}") for word in words]
    assert predictor._words.num_remembered <= 52
    together = Predictor(train("fine-tuned"), glove).predict([f"great {word}" for word in words])
    np.testing.assert_allclose(in_parts, [list(one.probabilities.values()) for one in together], atol=1e-5)


def test_columns_are_what_lines_of_output_say(train):
    predictor = Predictor(train("frozen"), None)
    said = [{"text": text, **one.to_dict()} for text, one in zip(TEXTS, predictor.predict(TEXTS), strict=True)]
    for queries in ([predictor._task.query(text) for text in TEXTS], predictor._task.text_queries(TEXTS)):
        columns = predictor.output_columns(predictor.read(queries))
        assert msgspec.to_builtins(json_rows(columns)) == said
    assert json_rows(predictor.output_columns(predictor.read([]))) == []


def test_predictions_come_as_batches_fill(train):
    asked = []

    def texts():
        for row in range(1000):
            asked.append(row)
            yield "great film"

    first = next(Predictor(train("frozen"), None).predict(texts()))
    assert first.label in {"good", "bad"}
    assert len(asked) == 256


def test_what_a_line_of_output_says(train):
    prediction = next(Predictor(train("frozen"), None).predict(["great film"]))
    said = prediction.to_dict()
    assert said["label"] == max(prediction.probabilities, key=prediction.probabilities.get)
    assert said["probabilities"] == {name: round(prediction.probabilities[name], 6) for name in ("bad", "good")}
    assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_the_vectors_of_the_model_are_opened_again(train, glove):
    trained = train("frozen")
    texts = ["excellent film", "great plot"]
    assert list(make_predictor(trained).predict(texts)) == list(Predictor(trained, glove).predict(texts))


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (
            {"name": "lost", "source": "no-such-vectors.txt", "digest": "0"},
            r"cannot be opened: .* Until then words that training never saw are taken as unknown",
        ),
        ({"name": "other", "source": "glove-6b-50d", "digest": "0"}, "are not those the model was made with"),
    ],
)
def test_without_its_vectors_unseen_words_are_unknown_and_a_warning_says_so(vectors, message, train):
    trained = train("frozen")
    with pytest.warns(UserWarning, match=message):
        predictor = make_predictor(replace(trained, config=replace(trained.config, vectors=vectors)))
    table = trained.embedding.weight.detach().numpy()
    np.testing.assert_allclose(predict_one(predictor, "excellent"), probabilities(trained, [table[1]]), rtol=1e-5)


def test_predicting_changes_no_weight(train, glove):
    trained = train("fine-tuned")
    before = {name: tensor.clone() for name, tensor in trained.model.state_dict().items()}
    list(Predictor(trained, glove).predict(["excellent film"]))
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(before[name], tensor)
