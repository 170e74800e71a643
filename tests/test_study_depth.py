"""Depth in a study: which architectures are compared, and what the verdict says of them."""

from contextlib import closing

import numpy as np
import pytest
from rich.console import Console

from meltpoint.report import verdict_document
from meltpoint.report.terminal import render_verdict
from meltpoint.run import StudyOptions, prepare_material
from meltpoint.run.options import make_plan
from meltpoint.studies import Findings, InProcess, Ledger, conduct
from meltpoint.studies.depth import depth_groups
from meltpoint.text import corpus_from_lists, tokenizer_for

CUES, NOUNS = ["great", "fine", "lovely", "warm", "dull", "weak", "poor", "awful"], ["film", "plot", "scene"]
TEXTS = [f"{cue} {noun}" for cue in CUES for noun in NOUNS]
LABELS = [("good", "bad")[(row + row // len(NOUNS)) % 2] for row in range(len(TEXTS))]


@pytest.fixture(scope="module")
def studied(glove, tmp_path_factory):
    """A study of two depths on few rows, of real trials."""
    options = StudyOptions(
        architectures=("average:2", "average:0"), policies=("fine-tuned",), search_trials=1, max_repeats=2, num_folds=2,
        sizes=(10,), rope_points=0,
    )  # fmt: skip
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))
    plan = make_plan(options, material.corpus, glove, material.tokenizer.name, material.data)
    findings = Findings(plan, material.data, {})
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        conclusion = conduct(findings, ledger, lambda: InProcess(material.data), num_workers=1)
    return conclusion, verdict_document(conclusion, material.corpus, glove, material.coverage)


def test_the_verdict_compares_the_gains_of_two_depths(studied):
    conclusion, document = studied
    (effect,) = document["depth"]
    assert [effect[key] for key in ("family", "shallow", "deep", "policy")] == [
        "average", "average:0", "average:2", "fine-tuned",
    ]  # fmt: skip
    gains = {one["architecture"]: one["gain"] for one in effect["architectures"]}
    assert effect["difference"]["points"] == pytest.approx(gains["average:2"] - gains["average:0"], abs=2e-4)
    assert effect["difference"]["low"] <= effect["difference"]["points"] <= effect["difference"]["high"]
    findings, size = conclusion.findings, conclusion.findings.plan.sizes[-1]
    repeats = conclusion.judgement.num_repeats[size]
    for architecture, gain in gains.items():
        tuned, frozen = (findings.scores(architecture, policy, size, repeats) for policy in ("fine-tuned", "frozen"))
        assert gain == pytest.approx(100 * np.nanmean(tuned - frozen), abs=1e-3)


def test_the_terminal_says_it(studied):
    _, document = studied
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(render_verdict(document))
    assert "By depth" in captured.get()
    assert "average: The gain of 'fine-tuned' changes by" in captured.get()


@pytest.mark.parametrize(
    ("architectures", "groups"),
    [
        (("average",), {}),
        (("average", "average:1"), {}),
        (("average", "cnn"), {}),
        (("average:0", "own.module:build"), {}),
        (("average:0", "average:2"), {"average": {"average:0": 0, "average:2": 2}}),
        (("average:0", "cnn"), {"all": {"average:0": 0, "cnn": 1}}),
        (
            ("lstm:3", "average:0", "lstm", "cnn"),
            {
                "lstm": {"lstm:3": 3, "lstm": 1},
                "all": {"lstm:3": 3, "lstm": 1, "average:0": 0, "cnn": 1},
            },
        ),
    ],
)
def test_which_architectures_are_compared(architectures, groups):
    assert depth_groups(architectures) == groups
