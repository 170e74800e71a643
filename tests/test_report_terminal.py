"""The verdict in words: each decision, the control that leads, the tables."""

import pytest
from rich.console import Console

from meltpoint.report import headline, render_verdict
from meltpoint.report.needed import needed_sentence

GAIN = {"policy": "anchored", "points": 2.0, "low": 1.0, "high": 3.0}
CELL = {"points": 2.0, "low": 1.0, "high": 3.0}


def verdict(**changes):
    """A whole document, as verdict.json holds it, written by hand."""
    policies = [
        {
            "policy": name,
            "score": accuracy,
            "gain": gain,
            "expected_regret": 0.1,
            "trainable_parameters": 5302,
            "train_score": 90.0,
            "validation_score": 80.0,
            "converged": 5,
            "chosen": [{"configuration": {"learning_rate": 0.003, "learning_rate_multiplier": 0.1}, "times": 5}],
        }
        for name, accuracy, gain in (("frozen", 78.0, None), ("anchored", 80.0, CELL))
    ]
    rows = [{key: policy[key] for key in ("policy", "score", "gain")} for policy in policies]
    rows.append({"policy": "tf-idf", "score": 75.0, "gain": {"points": -3.0, "low": None, "high": None}})
    document = {
        "schema": "meltpoint/verdict/2",
        "metric": "accuracy",
        "unit": "row",
        "decision": "fine-tune",
        "policy": "anchored",
        "architecture": "average",
        "gain": GAIN,
        "expected_regret": 0.12,
        "rope": 0.5,
        "melting_point": {"kind": "below", "low": None, "high": 500, "sentence": "Below 500 rows."},
        "policies": policies,
        "sizes": [{"size": size, "repeats": 5, "test_rows": 1000, "policies": rows} for size in (500, 2000)],
        "controls": [control("tf-idf", 75.0, -5.0, -7.0, -3.0), control("scratch", 70.0, -10.0, -12.0, -8.0)],
        "architectures": [one("average")],
        "caveats": [],
        "ended": "decided",
        "needed": {"repeats": None, "test_rows": None},
        "design": {"repeats": {"500": 5, "2000": 5}, "max_repeats": 10},
    }
    return {**document, **changes}


def one(architecture):
    return {
        "architecture": architecture,
        "decision": "fine-tune",
        "policy": "anchored",
        "score": 80.0,
        "gain": GAIN,
    }


def control(name, accuracy, points, low, high):
    gain = {"points": points, "low": low, "high": high}
    return {"control": name, "score": accuracy, "gain_over_recommendation": gain, "credibly_better": low > 0}


def rendered(document, costs=None, width=140, needed_minutes=None):
    console = Console(width=width, record=True, file=None, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(render_verdict(document, costs, needed_minutes=needed_minutes))
    return captured.get()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "Fine-tune the embedding, policy 'anchored': it gains +2.0 points of accuracy (95% interval +1.0 to +3.0) "
            "over a frozen one.",
        ),
        (
            {
                "decision": "freeze",
                "policy": "frozen",
                "gain": {"policy": "scaled", "points": -2.0, "low": -3.0, "high": -1.0},
            },
            "Freeze the embedding: the best other policy, 'scaled', loses (-2.0 points of accuracy, 95% interval -3.0 "
            "to -1.0).",
        ),
        (
            {
                "decision": "equivalent",
                "policy": "frozen",
                "gain": {"policy": "scaled", "points": 0.1, "low": -0.2, "high": 0.4},
            },
            "Freeze the embedding: nothing gains the 0.5 points that would matter (best: 'scaled', +0.1 points of "
            "accuracy, 95% interval -0.2 to +0.4).",
        ),
        (
            {"decision": "undecided", "policy": "frozen"},
            "Undecided; the better bet is 'frozen' (best gain over frozen: 'anchored', +2.0 points of accuracy, 95% "
            "interval +1.0 to +3.0).",
        ),
        (
            {
                "decision": "undecided",
                "policy": "anchored",
                "gain": {"policy": "anchored", "points": 2.0, "low": None, "high": None},
            },
            "Undecided; the better bet is 'anchored' (gain over frozen: +2.0 points of accuracy, no interval yet).",
        ),
        (
            {
                "decision": "undecided",
                "policy": "frozen",
                "policies": [],
                "controls": [],
                "gain": {"policy": None, "points": None, "low": None, "high": None},
            },
            "Undecided: not one repeat was completed. Give it more time: --resume goes on.",
        ),
    ],
    ids=["fine-tune", "freeze", "equivalent", "undecided", "no interval", "nothing"],
)
def test_every_decision_is_one_sentence(changes, sentence):
    assert headline(verdict(**changes)) == sentence
    assert sentence.split(":")[0] in " ".join(rendered(verdict(**changes)).split())


@pytest.mark.parametrize(
    ("controls", "lead"),
    [
        (
            [control("tf-idf", 85.0, 5.0, 3.0, 7.0), control("scratch", 70.0, -10.0, -12.0, -8.0)],
            "You may not need these vectors: TF-IDF + logistic regression is better by 5.0 points (95% interval +3.0 "
            "to +7.0). Among the policies: fine-tune the embedding",
        ),
        (
            [control("tf-idf", 85.0, 5.0, 3.0, 7.0), control("scratch", 87.0, 7.0, 5.0, 9.0)],
            "You may not need these vectors: a random start, trained, is better by 7.0 points",
        ),
        ([control("tf-idf", 85.0, 5.0, -1.0, 11.0)], "Fine-tune the embedding"),
    ],
    ids=["one", "the better of two", "not credibly"],
)
def test_a_control_that_is_credibly_better_leads(controls, lead):
    assert headline(verdict(controls=controls)).startswith(lead)


def test_the_tables_show_every_policy_control_and_size():
    text = rendered(verdict(), {"average": {"frozen": 1.25, "anchored": 2.5}, "tf-idf": {"tf-idf": 0.1}})
    assert "average, 2,000 training rows, 5 repeats, 1,000 rows tested" in text
    (recommended,) = [line for line in text.splitlines() if "anchored *" in line]
    for cell in ("80.0", "+2.0 (+1.0 to +3.0)", "90.0", "5,302", "2.5"):
        assert cell in recommended
    assert "500 rows" in text
    assert [line for line in text.splitlines() if line.split()[:1] == ["anchored"] and line.count("80.0 (+2.0)") == 2]
    assert "TF-IDF + logistic regression: 75.0%, behind the recommendation by 5.0 points (-7.0 to -3.0)." in text
    assert "By architecture" not in text
    assert "Know before you rely on it" not in text


def test_several_architectures_have_a_table_of_their_own():
    text = rendered(verdict(architectures=[one("average"), one("cnn")]))
    assert "By architecture" in text
    assert [line for line in text.splitlines() if "cnn" in line]


def test_depth_is_said_in_sentences():
    effect = {"family": "lstm", "sentence": "The gain of 'fine-tuned' changes by -1.0 points: it shrinks with depth."}
    text = rendered(verdict(depth=[effect]))
    assert "By depth" in text
    assert "  lstm: The gain of 'fine-tuned' changes by -1.0 points: it shrinks with depth." in text
    assert "By depth" not in rendered(verdict(depth=[]))


def test_caveats_are_text_and_no_markup():
    text = rendered(verdict(caveats=["Only 5% known ('[/b]', '[red]')."]))
    assert "  - Only 5% known ('[/b]', '[red]')." in text


def test_costs_may_be_missing():
    assert "anchored *" in rendered(verdict())


@pytest.mark.parametrize(
    ("needed", "minutes", "sentence"),
    [
        ((None, None), None, ""),
        ((None, 14000), None, ""),
        ((4, None), None, "By the noise measured, about 4 further repeats would decide: go on with --resume."),
        (
            (1, None),
            0.4,
            "By the noise measured, about one further repeat, less than a minute on this machine, would decide: go on "
            "with --resume.",
        ),
        (
            (7, None),
            1.2,
            "By the noise measured, about 7 further repeats, about 1 minute on this machine, would decide: go on with "
            "--resume --repeats 12.",
        ),
        (
            (70, None),
            300.0,
            "By the noise measured, about 70 further repeats, about 5 hours on this machine, would decide: go on with "
            "--resume --repeats 75.",
        ),
        (
            (5, 9000),
            12.4,
            "By the noise measured, about 5 further repeats, about 12 minutes on this machine, with 9,000 rows to test "
            "on would decide.",
        ),
    ],
)
def test_what_would_decide_is_said_with_its_time_and_the_way(needed, minutes, sentence):
    document = verdict(decision="undecided", needed=dict(zip(("repeats", "test_rows"), needed, strict=True)))
    assert needed_sentence(document, minutes) == sentence
    assert sentence in " ".join(rendered(document, width=400, needed_minutes=minutes).split())
