"""The commands that make a model or use one: train, predict, report, profile."""

import io
import json
import sys

import pytest

from meltpoint.cli import main

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]
SETTINGS = ("--vectors", "glove-6b-50d", "--search", "1", "--seed", "3")


def call(monkeypatch, capsys, *arguments, stdin=b""):
    monkeypatch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, *capsys.readouterr()


@pytest.fixture
def meltpoint(monkeypatch, capsys):
    return lambda *arguments, stdin=b"": call(monkeypatch, capsys, *arguments, stdin=stdin)


@pytest.fixture(scope="module")
def data(tmp_path_factory, glove):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    rows = [f"{text},{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A finished run, with its model."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    options = ("--policy", "scaled", "--repeats", "2", "--folds", "2", "--size", "10", "--workers", "0", "--json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["meltpoint", "study", str(data), *SETTINGS, *options, "--out", str(folder)])
        patch.setattr(sys, "stdout", io.StringIO())
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code
    return folder


def predictions(out):
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    "stdin",
    [
        b"great film\nno such pl\xc3\xb6t\n\n",
        b"great film\r\nno such pl\xc3\xb6t\r\n\r\n",
        b'{"text": "great film"}\n{"id": 7, "text": "no such pl\\u00f6t"}\n{"text": ""}\n',
        b"\xef\xbb\xbfgreat film\nno such pl\xc3\xb6t\n\n",
        b"great film\n" + b'{"text": "no such pl\xc3\xb6t"}\n' + b"\n",
    ],
    ids=["lines", "windows lines", "JSON lines", "byte order mark", "both"],
)
def test_a_line_in_is_a_json_line_out(stdin, run, meltpoint):
    code, out, err = meltpoint("predict", run / "model", "-", stdin=stdin)
    assert (code, err) == (0, "")
    found = predictions(out)
    assert [line["text"] for line in found] == ["great film", "no such plöt", ""]
    for line in found:
        assert line.keys() == {"text", "label", "probabilities"}
        assert line["label"] in line["probabilities"].keys() == {"bad", "good"}


def test_standard_input_is_read_where_nothing_else_is_named(run, meltpoint):
    assert predictions(meltpoint("predict", run / "model", stdin=b"great film\n")[1])[0]["text"] == "great film"


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("new.csv", "id,text\n1,great film\n2,dull plot\n", ()),
        ("new.csv", "id,words\n1,great film\n2,dull plot\n", ("--text", "words")),
        ("new.tsv", "id\ttext\n1\tgreat film\n2\tdull plot\n", ()),
        ("new.jsonl", '{"text": "great film"}\n{"text": "dull plot"}\n', ()),
        ("new.txt", "great film\ndull plot\n", ()),
    ],
)
def test_files_are_read_by_their_kind(name, content, options, run, tmp_path, meltpoint):
    (tmp_path / name).write_text(content)
    code, out, err = meltpoint("predict", run / "model", tmp_path / name, *options)
    assert (code, err) == (0, "")
    assert [line["text"] for line in predictions(out)] == ["great film", "dull plot"]


@pytest.mark.parametrize(
    ("stdin", "expected"),
    [
        (b"great film\n{broken\n", "standard input, line 2: begins like a JSON object but is none"),
        (b'{"text": "a"}\n{"body": "b", "id": 1}\n', "line 2: expected a text under 'text', found the keys body, id"),
        (b'{"text": 7}\n', "line 1: expected a text under 'text'"),
        (b"great film\ncaf\xe9\n", "standard input, line 2: not UTF-8 at byte 3 of the line"),
    ],
)
def test_a_line_that_cannot_be_read_is_numbered(stdin, expected, run, meltpoint):
    code, _, err = meltpoint("predict", run / "model", stdin=stdin)
    assert code == 2
    assert err.startswith("meltpoint: ")
    assert expected in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("model", "source", "expected"),
    [
        ("", "-", "holds no config.json. Did you mean"),
        ("absent", "-", "is not a model folder"),
        ("model", "absent.txt", "There is no file absent.txt"),
    ],
)
def test_what_cannot_be_predicted_with(model, source, expected, run, meltpoint):
    code, out, err = meltpoint("predict", run / model, source)
    assert (code, out) == (2, "")
    assert expected in err
    assert len(err.splitlines()) == 1


def test_a_damaged_model_is_one_paragraph(run, tmp_path, meltpoint):
    for path in (run / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-30])
    code, out, err = meltpoint("predict", tmp_path, stdin=b"great film\n")
    assert (code, out) == (2, "")
    assert "Cannot read" in err
    assert "Traceback" not in err


def test_a_report_renders_the_verdict_again(run, meltpoint):
    code, out, err = meltpoint("report", run)
    assert (code, err) == (0, "")
    assert "verdict" in out
    assert "frozen" in out
    code, out, _ = meltpoint("report", run, "--json")
    assert json.loads(out) == json.loads((run / "verdict.json").read_text())


def test_a_report_needs_a_run(tmp_path, meltpoint):
    code, out, err = meltpoint("report", tmp_path)
    assert (code, out) == (2, "")
    assert "is not the folder of a finished study" in err


def test_train_makes_a_model_and_overwrites_none(data, tmp_path, meltpoint):
    out_folder = tmp_path / "model"
    arguments = ("train", data, *SETTINGS, "--policy", "frozen", "--out", out_folder)
    code, out, err = meltpoint(*arguments)
    assert code == 0, err
    assert "held-out rows; then trained on all 24." in out
    assert "tried    learning_rate" in err
    before = {path.name: path.read_bytes() for path in out_folder.iterdir()}
    code, out, err = meltpoint(*arguments)
    assert (code, out) == (2, "")
    assert "exists already; give the name of a folder that does not" in err
    assert {path.name: path.read_bytes() for path in out_folder.iterdir()} == before
    assert len(predictions(meltpoint("predict", out_folder, stdin=b"great film\n")[1])) == 1


def test_a_quiet_command_says_the_outcome_alone(data, tmp_path, meltpoint):
    code, out, err = meltpoint("train", data, *SETTINGS, "--policy", "frozen", "--out", tmp_path / "model", "--quiet")
    assert (code, [line for line in err.splitlines() if line and not line.startswith("Warning")]) == (0, [])
    assert [line.split(":")[0] for line in out.splitlines()] == ["frozen / average", "the model"]
    options = ("--policy", "scaled", "--repeats", "2", "--folds", "2", "--size", "10", "--workers", "0", "-q")
    code, out, err = meltpoint("study", data, *SETTINGS, *options, "--out", tmp_path / "run")
    assert code == 0
    assert [line for line in err.splitlines() if line and not line.startswith("Warning")] == []
    assert "verdict" in out


def test_train_prints_pure_json_whatever_the_architecture_prints(data, tmp_path, meltpoint, monkeypatch):
    (tmp_path / "talker.py").write_text(
        "from meltpoint.models import build_model\n"
        "def build(embedding, num_outputs):\n"
        "    print('hello')\n"
        "    return build_model('average', embedding, num_outputs)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings = (*SETTINGS, "--policy", "frozen", "--architecture", "talker:build", "--json")
    code, out, err = meltpoint("train", data, *settings, "--out", tmp_path / "model")
    assert code == 0, err
    document = json.loads(out)
    assert (document["policy"], document["trained_rows"]) == ("frozen", 24)
    assert "hello" in err
    assert predictions(meltpoint("predict", tmp_path / "model", stdin=b"great film\n")[1])[0]["text"] == "great film"


def test_a_profile_in_words_and_as_json(data, meltpoint):
    code, out, err = meltpoint("profile", data, "--vectors", "glove-6b-50d")
    assert (code, err) == (0, "")
    assert "reviews: 24 rows for training" in out
    code, out, err = meltpoint("profile", data, "--vectors", "glove-6b-50d", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["schema"], document["coverage"]["by_token"]) == ("meltpoint/profile/2", 1.0)
    assert document["prior"]["says"] == "freeze"
