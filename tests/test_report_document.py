"""The verdict as data: its keys, its caveats, and nothing that varies between machines."""

import json
import re
from contextlib import closing
from copy import deepcopy
from types import SimpleNamespace

import pytest

from meltpoint.randomness import generator
from meltpoint.report import verdict_document
from meltpoint.report.caveats import find_caveats
from meltpoint.run import StudyOptions, make_plan, prepare_material
from meltpoint.studies import Findings, InProcess, Ledger, conduct
from meltpoint.text import corpus_from_lists, tokenizer_for

CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]


@pytest.fixture(scope="module")
def studied(glove, tmp_path_factory):
    """A small study with every kind of control, of real trials: its findings and its document."""
    random = generator(0, "reviews")
    labels = [("good", "bad")[row % 2] for row in range(100)]
    cues = [label if row % 3 else "good" for row, label in enumerate(labels)]
    texts = [" ".join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)]) for cue in cues]
    options = StudyOptions(policies=("fine-tuned", "scratch"), search_trials=1, max_repeats=2, sizes=(40, 60))
    material = prepare_material(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    plan = make_plan(options, material.corpus, glove, material.tokenizer.name, material.data)
    findings = Findings(plan, material.data, {})
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        conclusion = conduct(findings, ledger, lambda: InProcess(material.data), num_workers=1)
    return findings, verdict_document(conclusion, material.corpus, glove, material.coverage)


def test_the_document_has_the_keys_that_were_promised(studied):
    _, document = studied
    assert document["schema"] == "meltpoint/verdict/2"
    promised = {"schema", "decision", "policy", "metric", "gain", "melting_point", "sizes", "policies", "controls"}
    assert promised | {"caveats"} <= document.keys()
    assert {"points", "low", "high"} <= document["gain"].keys()
    assert document["decision"] in {"fine-tune", "freeze", "equivalent", "undecided"}
    assert [size["size"] for size in document["sizes"]] == [40, 60]
    assert [policy["policy"] for policy in document["policies"]] == ["frozen", "fine-tuned", "scratch"]
    assert [control["control"] for control in document["controls"]] == ["scratch", "tf-idf"]


def test_the_document_is_plain_json_without_nan(studied):
    _, document = studied
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_nothing_in_it_varies_between_machines(studied):
    _, document = studied
    text = json.dumps(document)
    assert not re.search(r'"[^"]*(seconds|elapsed|started|host|cores|version|torch)[^"]*":', text)
    assert "/" not in text.replace("meltpoint/verdict/2", "")


def test_gains_and_scores_agree(studied):
    """On rotating folds of equal size the gain is the difference of the means."""
    _, document = studied
    frozen = document["policies"][0]
    assert frozen["gain"] is None
    for policy in document["policies"][1:]:
        assert policy["gain"]["points"] == pytest.approx(policy["score"] - frozen["score"], abs=2e-4)
        assert policy["gain"]["low"] <= policy["gain"]["points"] <= policy["gain"]["high"]
        assert sum(chosen["times"] for chosen in policy["chosen"]) == document["sizes"][-1]["repeats"]


QUIET = {
    "ended": "decided",
    "decision": "fine-tune",
    "architecture": "average",
    "unit": "row",
    "rope": 0.5,
    "needed": {"repeats": None, "test_rows": None},
    "controls": [
        {"control": "scratch", "gain_over_recommendation": {"points": -9.0, "low": -12.0, "high": -6.0}},
        {"control": "tf-idf", "gain_over_recommendation": {"points": -5.0, "low": -8.0, "high": -2.0}},
    ],
    "guess": {"what": "always naming the most frequent class", "score": 50.0},
    "data": {"notes": []},
    "policies": [{"policy": "frozen", "score": 80.0, "tried": []}],
    "sizes": [{"test_rows": 5000}],
    "vectors": {"coverage": {"by_token": 0.99}, "unknown": [{"word": "zzz"}]},
    "design": {"repeats": {}},
}


def caveats(findings, **changes):
    return find_caveats({**deepcopy(QUIET), **changes}, findings)


@pytest.mark.parametrize("ended", ["decided", "repeats", "budget"])
def test_where_nothing_is_wrong_nothing_is_said(ended, studied):
    assert caveats(studied[0], ended=ended) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ended": "interrupted"}, "The study was interrupted"),
        ({"ended": "budget", "decision": "undecided"}, "The time budget ended the study before it was decided"),
        ({"decision": "undecided", "needed": {"repeats": 7, "test_rows": 14000}}, "About 14,000 would be needed"),
        (
            {
                "controls": [
                    {"control": "scratch", "gain_over_recommendation": {"points": 0.25, "low": -1.0, "high": 1.5}}
                ]
            },
            r"The worth of pretraining is not shown .*\(\+0\.2 points, 95% interval -1\.0 to \+1\.5\)",
        ),
        (
            {
                "controls": [
                    {"control": "tf-idf", "gain_over_recommendation": {"points": 0.5, "low": -1.0, "high": 2.0}}
                ]
            },
            r"The worth of vectors is not shown .*TF-IDF .*\(\+0\.5 points, 95% interval -1\.0 to \+2\.0\)",
        ),
        ({"guess": {"what": "guessing", "score": 80.0}}, r"No policy does better than .*\(80\.0%\)"),
        (
            {"vectors": {"coverage": {"by_token": 0.5}, "unknown": [{"word": "xyzzy"}]}},
            r"Only 50% of the running words have .*'xyzzy'",
        ),
        ({"sizes": [{"test_rows": 120}]}, "Only 120 rows were tested on"),
        ({"data": {"notes": ["3 rows were dropped"]}}, r"^3 rows were dropped\.$"),
    ],
    ids=[
        "interrupted",
        "budget",
        "more rows",
        "scratch",
        "tf-idf",
        "guessing",
        "coverage",
        "few test rows",
        "notes",
    ],
)
def test_each_caveat_is_said_where_it_applies(changes, expected, studied):
    (caveat,) = caveats(studied[0], **changes)
    assert re.search(expected, caveat)


def chosen_by(converged):
    """Findings of which only the convergence of three repeats is looked at."""
    plan = SimpleNamespace(sizes=(60,), architectures=("average",), policies=("frozen",))
    results = [SimpleNamespace(result=SimpleNamespace(converged=one)) for one in converged]
    return SimpleNamespace(plan=plan, chosen=lambda *where: results[where[2]])


@pytest.mark.parametrize(
    ("converged", "expected"),
    [
        ((True, True, True, True), []),
        ((True, True, True, False), []),
        ((True, True, False, False), ["frozen (average) in 2 of 4 repeats"]),
    ],
)
def test_under_training_is_said(converged, expected):
    found = caveats(chosen_by(converged), design={"repeats": {"60": 4}})
    assert len(found) == len(expected)
    for caveat, text in zip(found, expected, strict=True):
        assert caveat.startswith("At 60 rows the step limit cut training off")
        assert text in caveat


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        ((78.0, 80.0, 79.0), False),
        ((78.0, 79.0, 79.4), False),  # within the ROPE of its neighbour: flat, not rising
        ((78.0, 79.0, 79.6), True),
        ((79.6, 79.0, 78.0), True),
        ((79.6, 79.0, None), False),  # two rates left: no inside to compare the ends with
    ],
)
def test_a_learning_rate_at_the_edge_is_said(accuracies, said):
    tried = [
        {"configuration": {"learning_rate": rate}, "validation_score": accuracy}
        for rate, accuracy in zip((0.001, 0.01, 0.1), accuracies, strict=True)
    ]
    policies = [{"policy": "frozen", "score": 80.0, "tried": tried}]
    found = caveats(chosen_by((True,) * 4), policies=policies)
    assert [("for frozen: a wider search" in caveat) for caveat in found] == [True] * said
