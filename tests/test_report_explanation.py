"""Why, and what would change it: sentences that hold only what a verdict holds."""

import json
import re
from copy import deepcopy

import pytest

from meltpoint.report.explanation import explain


def sized(size, points):
    policies = [{"policy": "frozen", "gain": None}, {"policy": "anchored", "gain": {"points": points}}]
    return {"size": size, "policies": policies}


def fitted(name, train, test):
    return {"policy": name, "train_score": train, "score": test}


VERDICT = {
    "architecture": "average",
    "unit": "row",
    "rope": 0.5,
    "gain": {"policy": "anchored", "points": 2.0, "low": 1.0, "high": 3.0},
    "melting_point": {"kind": "between", "low": 700, "high": 1500, "estimate": 1000, "sentence": ""},
    "sizes": [sized(500, -1.0), sized(2000, 2.0)],
    "policies": [fitted("frozen", 79.0, 78.0), fitted("anchored", 95.0, 80.0)],
    "controls": [{"control": "scratch", "gain_over_recommendation": {"points": -9.0, "low": -12.0, "high": -6.0}}],
    "vectors": {"coverage": {"by_token": 0.987, "by_type": 0.9}},
    "needed": {"repeats": None, "test_rows": None},
    "next_rows": None,
    "architectures": [{"architecture": "average", "policy": "anchored", "score": 80.0}],
}
MATCH = {"agreement": 0.41, "low": 0.38, "high": 0.44, "halves": 0.7, "words": 900}


def growth(policy, points, low, high):
    return {"policy": policy, "points": points, "low": low, "high": high, "model": "logarithmic"}


def explained(**changes):
    return {one["cause"]: one for one in explain({**deepcopy(VERDICT), **changes})}


def test_only_what_was_measured_is_said():
    assert list(explained()) == ["size", "overfitting", "pretraining", "coverage"]
    assert explain({**VERDICT, "policies": []}) == []


@pytest.mark.parametrize(
    ("changes", "cause", "direction", "sentence"),
    [
        (
            {"unit": "question", "melting_point": {**VERDICT["melting_point"], "kind": "above", "low": 900}},
            "size",
            "neither",
            "Size: with 2,000 training questions the melting point is above 900 questions, and may be behind. The gain "
            "of 'anchored' goes from -1.0 points at 500 questions to +2.0 at 2,000.",
        ),
        (
            {},
            "size",
            "fine-tune",
            "Size: with 2,000 training rows the melting point is behind. The gain of 'anchored' goes from -1.0 points "
            "at 500 rows to +2.0 at 2,000.",
        ),
        (
            {"melting_point": {"kind": "above", "low": 2000, "high": None}},
            "size",
            "freeze",
            "the melting point is not reached",
        ),
        (
            {"melting_point": {"kind": "above", "low": 900, "high": None}},
            "size",
            "neither",
            "the melting point is above 900 rows, and may be behind",
        ),
        ({"melting_point": {"kind": "unknown", "low": None, "high": None}}, "size", "neither", "is not resolved"),
        ({"melting_point": {"kind": "none", "low": None, "high": None}}, "size", "neither", "no melting point"),
        (
            {},
            "overfitting",
            "fine-tune",
            "Overfitting: frozen scores 79.0 on training rows and 78.0 on test rows (a gap of 1.0), 'anchored' 95.0 "
            "and 80.0 (15.0): frozen fits even its training rows worse than the other fits new ones.",
        ),
        (
            {"policies": [fitted("frozen", 85.0, 80.0), fitted("anchored", 99.0, 79.0)]},
            "overfitting",
            "freeze",
            "(20.0): what is learned in addition does not carry over.",
        ),
        (
            {"policies": [fitted("frozen", 85.0, 80.0), fitted("anchored", 99.0, 81.0)]},
            "overfitting",
            "neither",
            "'anchored' 99.0 and 81.0 (18.0).",
        ),
        ({}, "pretraining", "neither", "better than a random start (+9.0 points, 95% interval +6.0 to +12.0)"),
        (
            {"controls": [{"control": "scratch", "gain_over_recommendation": {"points": 2, "low": 1, "high": 3}}]},
            "pretraining",
            "fine-tune",
            "worse than a random start (-2.0 points, 95% interval -3.0 to -1.0)",
        ),
        (
            {"controls": [{"control": "scratch", "gain_over_recommendation": {"points": 0, "low": -1, "high": 1}}]},
            "pretraining",
            "neither",
            "not told apart from a random start",
        ),
        ({}, "coverage", "neither", "Coverage: 98.7% of the running words and 90.0% of the different ones have"),
        ({"profile": {"semantic_match": MATCH}}, "semantic match", "neither", "agrees by 0.41 (95% interval 0.38 to"),
        (
            {
                "depth": [
                    {"family": "lstm", "sentence": "It shrinks.", "difference": {"points": -1, "low": -2, "high": 0}}
                ]
            },
            "depth",
            "neither",
            "It shrinks.",
        ),
        (
            {"next_rows": {"size": 2000, "rows": 1000, "policies": [growth("frozen", 0.2, -0.1, 0.5)]}},
            "next rows",
            "neither",
            "1,000 more rows would bring 'frozen' +0.2 points (-0.1 to +0.5).",
        ),
        (
            {
                "next_rows": {
                    "size": 2000,
                    "rows": 1000,
                    "policies": [growth("frozen", 0.2, -0.1, 0.5), growth("anchored", 0.9, 0.6, 1.2)],
                }
            },
            "next rows",
            "more rows",
            "(-0.1 to +0.5) and 'anchored' +0.9 points (+0.6 to +1.2).",
        ),
        ({"needed": {"repeats": 7, "test_rows": None}}, "precision", "more repeats", "about 7 further repeats would"),
        ({"needed": {"repeats": 1, "test_rows": None}}, "precision", "more repeats", "about one further repeat would"),
        (
            {"needed": {"repeats": 7, "test_rows": 9000}},
            "precision",
            "more rows",
            "7 further repeats and 9,000 rows to test on would decide",
        ),
        (
            {
                "architectures": [
                    {"architecture": "average", "policy": "anchored", "score": 80.0},
                    {"architecture": "cnn", "policy": "frozen", "score": 83.0},
                ]
            },
            "architecture",
            "another architecture",
            "cnn with 'frozen' scores 83.0, average with 'anchored' 80.0.",
        ),
    ],
)
def test_each_cause_is_told_with_its_numbers(changes, cause, direction, sentence):
    found = explained(**changes)[cause]
    assert found["direction"] == direction
    assert sentence in found["sentence"]
    assert json.loads(json.dumps(found["evidence"], allow_nan=False)) == found["evidence"]


@pytest.mark.parametrize("control", [{"points": -9.0, "low": None, "high": None}])
def test_what_has_no_interval_is_left_out(control):
    assert "pretraining" not in explained(controls=[{"control": "scratch", "gain_over_recommendation": control}])
    assert "pretraining" not in explained(controls=[{"control": "tf-idf", "gain_over_recommendation": control}])


def test_drift_is_told_where_it_is_at_hand():
    splits = {"seen": {"words": 90, "mean_cosine": 0.912}, "rare": None, "unseen": {"words": 5, "mean_cosine": 1.0}}
    found = explain(VERDICT, drift={"policy": "anchored", "splits": splits})
    (drift,) = [one for one in found if one["cause"] == "drift"]
    assert drift["sentence"] == (
        "Drift: mean cosine to the pretrained vector after training with 'anchored': seen words 0.91, unseen "
        "words 1.00."
    )
    assert drift["evidence"] == {"policy": "anchored", "seen": 0.912, "unseen": 1.0}


def test_every_number_of_a_sentence_is_evidence():
    for one in explain(VERDICT):
        numbers = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", one["sentence"])]
        text = json.dumps(one["evidence"])
        known = [abs(float(number)) for number in re.findall(r"-?\d+\.?\d*", text)] + [95.0]
        known += [100 * number for number in known if number <= 1]
        assert all(any(abs(number - other) < 0.06 for other in known) for number in numbers), one
