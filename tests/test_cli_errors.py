"""Wrong input: one clear paragraph on standard error, exit code 2, and nothing left behind."""

import sys

import pytest

from meltpoint.cli import main

CUES = {"good": ["great", "fine", "lovely", "warm"], "bad": ["dull", "weak", "poor", "awful"]}
NOUNS = ["film", "plot", "scene", "actor", "music", "story"]
ROWS = [(f"a {cue} {noun}", label) for label, cues in CUES.items() for cue in cues for noun in NOUNS]
FAST = ("--policy", "fine-tuned", "--search", "1", "--repeats", "2", "--workers", "0", "--folds", "2")


def csv(rows, header="text,label"):
    return "\n".join([header, *(f"{text},{label}" for text, label in rows)]) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with sound data and sound small vectors in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sound.csv").write_text(csv(ROWS))
    words = sorted({word for text, _ in ROWS for word in text.split()})
    lines = [f"{word} {number} 1 {number % 3}" for number, word in enumerate(words)]
    (tmp_path / "small.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def meltpoint(monkeypatch, capsys):
    """Calls the command line in this process: (exit code, standard output, standard error)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


def assert_refused(answer, folder, *expected):
    """One paragraph, which says what was expected of it, and no new file."""
    code, out, err = answer
    assert (code, out) == (2, "")
    (paragraph,) = [line for line in err.splitlines() if line.startswith("meltpoint:")]
    assert err.endswith(paragraph + "\n")
    assert "Traceback" not in err
    for text in expected:
        assert text in paragraph
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (None, (), ["There is no file data.csv"]),
        ("", (), ["data.csv", "empty"]),
        ("text,label\n", (), ["data.csv"]),
        (csv(ROWS), ("--text", "txt"), ["no column 'txt'", "'text', 'label'", "Did you mean 'text'?"]),
        (csv(ROWS), ("--label", "stars"), ["no column 'stars'", "'text', 'label'"]),
        (csv(ROWS), ("--group", "film"), ["no column 'film' (--group)", "'text', 'label'"]),
        (csv((text, "good") for text, _ in ROWS), (), ["of one class, 'good'"]),
        (csv((text, row) for row, (text, _) in enumerate(ROWS)), ("--label", "label"), ["48 classes in 48"]),
        (csv([*ROWS, ("a film", "so-so")]), (), ["every class needs at least", "'so-so' has 1"]),
        (csv([*ROWS, ("", "good"), ("  ", "bad")]), (), ["2 of 50 texts are empty", "data.csv:50", "--empty drop"]),
        (csv(ROWS[:6] + ROWS[-6:]), ("--folds", "7"), ["at least 7 rows", "7 folds", "'good' has 6", "at least 14"]),
    ],
    ids=[
        "missing",
        "empty file",
        "no rows",
        "text column",
        "label column",
        "group column",
        "one class",
        "as many classes as rows",
        "small class",
        "empty texts",
        "12 rows",
    ],
)
def test_data_that_cannot_be_used(content, options, expected, folder, meltpoint):
    if content is not None:
        (folder / "data.csv").write_text(content)
    answer = meltpoint("study", "data.csv", "--vectors", "small.txt", *FAST, *options, "--out", "run")
    assert_refused(answer, folder, *expected)


def test_text_that_is_not_utf8_is_placed(folder, meltpoint):
    (folder / "data.csv").write_bytes(csv(ROWS).encode() + b"caf\xe9,good\n")
    answer = meltpoint("study", "data.csv", "--vectors", "small.txt", *FAST, "--out", "run")
    assert_refused(answer, folder, "data.csv:50", "UTF-8", "byte")


def test_empty_texts_can_be_dropped(folder, meltpoint):
    (folder / "data.csv").write_text(csv([*ROWS, ("", "good")]))
    code, _, err = meltpoint("profile", "data.csv", "--vectors", "small.txt", "--empty", "drop")
    assert code == 0
    assert err == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ragged 1 2", ["vectors.txt:4", "fields"]),
        ("hole 1 nan 2", ["vectors.txt:4", "nan", "'hole'"]),
        ("huge 1 2 inf", ["vectors.txt:4", "inf", "'huge'"]),
        ("wide 1 2 3 4", ["vectors.txt:4"]),
    ],
)
def test_vectors_that_cannot_be_used(line, expected, folder, meltpoint):
    (folder / "vectors.txt").write_text(f"the 1 2 3\nfilm 4 5 6\nplot 7 8 9\n{line}\n")
    answer = meltpoint("study", "sound.csv", "--vectors", "vectors.txt", *FAST, "--out", "run")
    assert_refused(answer, folder, *expected)


@pytest.mark.parametrize(
    ("content", "expected"), [("", "vectors.txt"), ("0 3\n", "vectors.txt")], ids=["empty", "zero rows"]
)
def test_vectors_without_vectors(content, expected, folder, meltpoint):
    (folder / "vectors.txt").write_text(content)
    assert_refused(meltpoint("study", "sound.csv", "--vectors", "vectors.txt", *FAST, "--out", "run"), folder, expected)


def test_a_vectors_name_that_does_not_exist_brings_the_near_ones(folder, meltpoint):
    answer = meltpoint("study", "sound.csv", "--vectors", "glove-6b-5d", *FAST, "--out", "run")
    assert_refused(answer, folder, "glove-6b-5d", "Did you mean glove-6b-50d or ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--size", "many"), ["--size must be 'auto' or numbers", "found 'many'"]),
        (("--size", "100000"), ["--size must lie between 10", "found 100000"]),
        (("--size", "0"), ["--size must lie between 10", "found 0"]),
        (("--budget", "soon"), ["--budget must be a time such as 90s, 10m or 1h", "found 'soon'"]),
        (("--budget", "0"), ["--budget must be a time"]),
        (("--budget", "-5m"), ["--budget must be a time"]),
        (("--policy", "fine-tune"), ["No policy is called 'fine-tune'", "Did you mean 'fine-tuned'?", "anchored"]),
        (("--policy", "frozen"), ["--policy needs at least one policy to compare with 'frozen'"]),
        (("--policy", ","), ["--policy names nothing"]),
        (("--architecture", "averge"), ["No architecture is called 'averge'", "Did you mean 'average'?", "cnn"]),
        (("--architecture", "average:99"), ["depth", "'99'"]),
        (("--architecture", "no_such_module:build"), ["Cannot import", "no_such_module", "PYTHONPATH"]),
        (("--architecture", "json:no_such"), ["has no callable 'no_such'"]),
        (("--tokenizer", "bert"), ["no tokenizer named 'bert'", "treebank-lower"]),
        (("--repeats", "1"), ["--repeats must be at least 2, found 1"]),
        (("--search", "0"), ["--search must be at least 1, found 0"]),
        (("--folds", "1"), ["--folds must be at least 2, found 1"]),
        (("--max-tokens", "0"), ["--max-tokens must be at least 1, found 0"]),
        (("--workers", "-1"), ["--workers must be at least 0", "found -1"]),
        (("--rope", "-1"), ["--rope is in points", "found -1"]),
        (("--rope", "nan"), ["--rope is in points", "found nan"]),
        (("--unknown", "magic"), ["--unknown must be one of", "'magic'"]),
        (("--resume",), ["Nothing to resume: run holds no study.db"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be(options, expected, folder, meltpoint):
    answer = meltpoint("study", "sound.csv", "--vectors", "small.txt", *FAST, "--out", "run", *options)
    assert_refused(answer, folder, *expected)


@pytest.mark.parametrize("options", [("--repeats", "few"), ("--no-such-option",), ("--empty", "guess")])
def test_options_that_are_not_even_read(options, folder, meltpoint):
    code, out, err = meltpoint("study", "sound.csv", "--vectors", "small.txt", "--out", "run", *options)
    assert (code, out) == (2, "")
    assert options[0] in err
    assert not (folder / "run").exists()


def test_a_folder_that_holds_something_else_is_left_alone(folder, meltpoint):
    (folder / "run").mkdir()
    (folder / "run" / "thesis.tex").write_text("years of work")
    code, _, err = meltpoint("study", "sound.csv", "--vectors", "small.txt", *FAST, "--out", "run")
    assert code == 2
    assert "run holds something else (thesis.tex)" in err
    assert [path.name for path in (folder / "run").iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_left_alone(folder, meltpoint):
    (folder / "run").write_text("a file")
    code, _, err = meltpoint("study", "sound.csv", "--vectors", "small.txt", *FAST, "--out", "run")
    assert code == 2
    assert "--out run is a file" in err
    assert (folder / "run").read_text() == "a file"


def test_an_architecture_that_fails_leaves_nothing_behind(folder, meltpoint, monkeypatch):
    (folder / "faulty.py").write_text("def build(embedding, num_outputs):\n    raise ValueError('too deep')\n")
    monkeypatch.syspath_prepend(folder)
    answer = meltpoint(
        "study", "sound.csv", "--vectors", "small.txt", *FAST, "--architecture", "faulty:build", "--out", "run/deep"
    )
    assert_refused(answer, folder, "faulty:build failed at", "faulty.py:2: ValueError: too deep")


def test_coverage_near_zero_warns_loudly_and_goes_on(folder, meltpoint):
    rows = [(f"{text} [/b] [bold]", ("good", "bad")[(row + row // 6) % 2]) for row, (text, _) in enumerate(ROWS)]
    (folder / "data.csv").write_text(csv(rows))
    (folder / "vectors.txt").write_text("ein 1 2 3\nder 4 5 6\nund 7 8 9\n")
    code, out, err = meltpoint(
        "study",
        "data.csv",
        "--vectors",
        "vectors.txt",
        *FAST,
        "--tokenizer",
        "whitespace",
        "--size",
        "10",
        "--out",
        "run",
    )
    assert code == 0
    assert "Warning: Only 0% of the running words have a vector" in err
    assert "'[/b]'" in err
    assert "Only 0% of the running words" in " ".join(out.split())
    assert (folder / "run" / "verdict.json").is_file()


def test_the_trace_is_shown_on_demand(folder, meltpoint):
    code, _, err = meltpoint("study", "absent.csv", "--vectors", "small.txt", "--traceback")
    assert code == 2
    assert "Traceback (most recent call last)" in err
    assert err.rstrip().splitlines()[-1].startswith("meltpoint: There is no file absent.csv")


def test_a_defect_of_ours_says_so(folder, meltpoint, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("meltpoint.cli.data_commands.read_material", fail)
    code, _, err = meltpoint("profile", "sound.csv", "--vectors", "small.txt")
    assert code == 1
    assert "ZeroDivisionError" in err
    assert "this is a defect of meltpoint, not of your input" in " ".join(err.split())


def test_ctrl_c_says_so(folder, meltpoint, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("meltpoint.cli.data_commands.read_material", interrupt)
    code, _, err = meltpoint("profile", "sound.csv", "--vectors", "small.txt")
    assert (code, err) == (3, "meltpoint: interrupted.\n")
