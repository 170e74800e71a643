"""Whole studies of every task but the plain one, from the command line to the answers of the model."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from meltpoint.cli import main
from meltpoint.randomness import generator

FILLER = ["the", "film", "plot", "scene", "music", "story", "camera", "actor"]
ABOUT = {
    "sport": ["football", "goal", "team"],
    "money": ["bank", "price", "market"],
    "law": ["court", "judge", "crime"],
}
PLACES, PEOPLE = ["London", "Paris", "Berlin", "Madrid"], ["Mary Smith", "John", "Peter Brown"]
OPTIONS = (
    *("--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--search", "1", "--repeats", "2", "--folds", "2"),
    *("--workers", "0", "--json"),
)


def words(random, *chosen):
    drawn = [*random.choice(FILLER, 3).tolist(), *chosen]
    return " ".join(drawn[place] for place in random.permutation(len(drawn)))


# There is little to learn: many labels are wrong, so that validation soon ends the training by its patience.


def label_sets(random):
    for row in range(40):
        about = [name for number, name in enumerate(ABOUT) if row >> number & 1]
        held = [name for name in ABOUT if (name in about) != (random.random() < 0.4)]
        yield {"text": words(random, *(str(random.choice(ABOUT[name])) for name in about)), "label": held}


def questions(random):
    """Three candidates a question, of which one is right; the last question has no right answer."""
    for number in range(40):
        asked, *others = random.permutation(list(ABOUT)).tolist()
        for about in (asked, *others):
            yield {
                "question": words(random, str(random.choice(ABOUT[asked]))),
                "answer": words(random, str(random.choice(ABOUT[about]))),
                "label": int(about == (asked if number % 3 else others[0]) and number < 39),
                "qid": f"q{number}",
            }


def sentences(random):
    for number in range(40):
        person = PEOPLE[number % 3].split()
        tokens = [*person, "was", "in", str(random.choice(PLACES)), *random.choice(FILLER, number % 4).tolist()]
        kinds = ["PER", "LOC"] if random.random() < 0.6 else ["LOC", "PER"]
        tags = [f"B-{kinds[0]}", *[f"I-{kinds[0]}"] * (len(person) - 1), "O", "O", f"B-{kinds[1]}"]
        yield {"tokens": tokens, "tags": tags + ["O"] * (number % 4)}


RANKED = ("--second-text", "answer", "--label", "label", "--group", "qid", "--text", "question")
CASES = {
    "multilabel": (label_sets, (), 16, {"text": "the bank and the judge"}),
    "rank": (questions, RANKED, 16, {"question": "which bank", "answers": ["the judge", "the market", "a goal"]}),
    "tag": (sentences, (), 16, {"text": "Mary Smith was in Paris"}),
}


@pytest.fixture
def meltpoint(monkeypatch, capsys):
    def call(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def write(tmp_path):
    def to_file(name):
        path = tmp_path / f"{name}.jsonl"
        rows = CASES[name][0](generator(0, name))
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
        return path

    return to_file


def unwrapped(text):
    return " ".join(text.split())


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "verdict-json.md").read_text(encoding="utf-8")
# Their keys are names of data, of policies, of sizes, or those of the numbers that a sentence rests on.
NAMES = ("classes", "trainable_parameters", "configuration", "repeats", "evidence")


def keys_of(document):
    for key, value in document.items():
        yield key
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and key not in NAMES:
                yield from keys_of(one)


def assert_described(verdict):
    top = PAGE.partition("## Top level")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", top, re.MULTILINE)) == set(verdict)
    assert {key for key in keys_of(verdict) if f"`{key}`" not in PAGE and f"`{key}[]`" not in PAGE} == set()
    assert f"`{verdict['schema']}`" in PAGE


UNITS = {"multilabel": "row", "rank": "question", "tag": "sentence"}
GUESSES = {
    "multilabel": "always naming the most frequent label: micro-f1",
    "rank": "putting the candidates in any order: map 61.1%",  # (1 + 1/2 + 1/3) / 3
    "tag": "always giving the most frequent tag: entity-f1 0.0%",
}


@pytest.mark.parametrize("task", CASES)
def test_a_study_of_each_task_ends_in_a_model_that_answers(task, write, meltpoint, tmp_path, glove):
    data, (_, columns, size, asked) = write(task), CASES[task]
    options = (*columns, *OPTIONS, "--size", size, "--out", tmp_path / "run")
    code, out, err = meltpoint("study", data, "--task", task, *options)
    assert code == 0, err
    verdict = json.loads(out)
    assert_described(verdict)
    assert (verdict["task"], verdict["unit"]) == (task, UNITS[task])
    assert verdict["ended"] in ("repeats", "decided")
    # Half of the questions, sentences or rows is tested in each repeat, all but those without a right answer.
    assert verdict["sizes"][-1]["test_rows"] == {"multilabel": 40, "rank": 39, "tag": 40}[task]
    assert [policy["policy"] for policy in verdict["policies"]] == ["frozen", "fine-tuned"]
    assert all(0 <= policy["score"] <= 100 for policy in verdict["policies"])
    assert f"{size} training {UNITS[task]}s" in verdict["explanation"][0]["sentence"]
    assert f"Only {verdict['sizes'][-1]['test_rows']} {UNITS[task]}s were tested on" in " ".join(verdict["caveats"])

    code, out, err = meltpoint("report", tmp_path / "run")
    assert code == 0, err
    assert f"{size} training {UNITS[task]}s, 2 repeats" in out
    drift = json.loads((tmp_path / "run" / "drift.json").read_text())
    assert drift["unseen_rows"]["unit"] == UNITS[task]

    code, out, err = meltpoint("predict", tmp_path / "run" / "model", stdin=json.dumps(asked) + "\n")
    assert code == 0, err
    answer = json.loads(out)
    if task == "multilabel":
        assert set(answer["probabilities"]) == set(ABOUT)
        assert answer["labels"] == [name for name, value in answer["probabilities"].items() if value > 0.5]
    elif task == "rank":
        assert sorted(one["given"] for one in answer["answers"]) == [1, 2, 3]
        scores = [one["score"] for one in answer["answers"]]
        assert scores == sorted(scores, reverse=True)
    else:
        assert answer["tokens"] == ["Mary", "Smith", "was", "in", "Paris"]
        assert len(answer["tags"]) == 5
        assert set(answer["tags"]) <= {"O", "B-LOC", "I-LOC", "B-PER", "I-PER"}


@pytest.mark.parametrize("task", CASES)
def test_a_profile_says_what_needs_no_reading(task, write, meltpoint, glove):
    code, out, err = meltpoint("profile", write(task), "--task", task, *CASES[task][1], "--vectors", "glove-6b-50d")
    assert code == 0, err
    shown = unwrapped(out)
    assert GUESSES[task] in shown
    assert ("120 rows (40 questions) for training" in shown) == (task == "rank")


def test_a_size_that_cannot_be_is_said_in_questions(write, meltpoint, tmp_path, glove):
    arguments = ("study", write("rank"), "--task", "rank", *RANKED, *OPTIONS, "--size", "60", "--out", tmp_path / "run")
    code, _, err = meltpoint(*arguments)
    assert code == 2
    assert "between 10 (five questions per class) and 20 (the questions that are left for training" in unwrapped(err)
