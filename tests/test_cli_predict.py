"""``meltpoint predict`` as other programs use it: streams, bad lines, a reader that leaves, a quick start."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from meltpoint.cli import main


@pytest.fixture
def predict(monkeypatch, capsys, model_folder):
    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["meltpoint", "predict", str(model_folder), *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, [json.loads(line) for line in out.splitlines()], err

    return call


BAD = b"great film\n{broken\ndull plot\ncaf\xe9\n" + b'{"body": 1}\n["a"]\nfine actor'


def test_a_bad_line_stops_after_the_answers_to_those_before_it(predict):
    code, found, err = predict(stdin=BAD)
    assert code == 2
    assert [line["text"] for line in found] == ["great film"]
    assert "standard input, line 2: begins like a JSON object but is none" in err


def test_bad_lines_are_skipped_as_asked_and_numbered(predict):
    code, found, err = predict("--bad-lines", "skip", stdin=BAD)
    assert code == 0
    assert [(line["line"], line["text"]) for line in found] == [
        (1, "great film"),
        (3, "dull plot"),
        (6, '["a"]'),
        (7, "fine actor"),
    ]
    assert [line for line in err.splitlines() if "line " in line] == [
        line for line in err.splitlines() if any(f"line {n}:" in line for n in (2, 4, 5))
    ]
    assert err.splitlines()[-1] == "skipped  3 lines that cannot be read"


@pytest.mark.parametrize("name", ["new.jsonl", "new.ndjson"])
def test_json_lines_of_a_file_are_skipped_too(name, predict, tmp_path):
    (tmp_path / name).write_text('{"text": "great film"}\nplain\n[1]\n{"text": null}\n{"text": "dull plot"}\n')
    code, found, err = predict(tmp_path / name, "--bad-lines", "skip")
    assert (code, [line["line"] for line in found]) == (0, [1, 5])
    assert f"{name}, line 2: expected a JSON object, found none" in err
    assert f"{name}, line 3: expected a JSON object, found list" in err
    assert f"{name}, line 4: expected a text under 'text', found the keys text" in err


def test_the_key_of_json_lines_is_found_as_in_tables(predict, tmp_path):
    (tmp_path / "new.jsonl").write_text('{"id": 1, "sentence": "great film"}\n{"id": 2, "sentence": "dull plot"}\n')
    assert [line["text"] for line in predict(tmp_path / "new.jsonl")[1]] == ["great film", "dull plot"]
    assert len(predict(tmp_path / "new.jsonl", "--text", "sentence")[1]) == 2


@pytest.mark.parametrize("key", ['a"b', "a\\b", "caf\u00e9"])
def test_any_key_may_hold_the_text(key, predict, tmp_path):
    (tmp_path / "new.jsonl").write_text("\n".join(json.dumps({key: text}) for text in ("great film", "dull plot")))
    code, found, _ = predict(tmp_path / "new.jsonl", "--text", key)
    assert (code, [line["text"] for line in found]) == (0, ["great film", "dull plot"])


def test_a_long_file_is_answered_in_order(predict, tmp_path):
    lines = [f"great film {number} {'x' * (number % 50)}" for number in range(3000)]
    (tmp_path / "long.txt").write_text("\n".join(lines))
    code, found, _ = predict(tmp_path / "long.txt")
    assert (code, [line["text"] for line in found]) == (0, lines)


def test_lines_of_all_kinds_are_answered_in_order(predict):
    lines = [
        "great film",
        '{"text": "dull plot", "id": 1}',
        "",
        "fine actor\r",
        '{"text": "caf\u00e9"}',
        '{"text": ""}',
    ]
    code, found, _ = predict(stdin="\n".join(lines).encode())
    assert (code, [line["text"] for line in found]) == (
        0,
        ["great film", "dull plot", "", "fine actor", "caf\u00e9", ""],
    )


@pytest.mark.parametrize("good", ["great film", '{"text": "great film"}'], ids=["plain", "JSON"])
def test_a_bad_line_far_into_a_long_file_is_told_by_its_number(good, predict, tmp_path):
    lines = [good] * 12_000
    lines[9_998] = "{broken"
    (tmp_path / "long.txt").write_text("\n".join(lines))
    code, found, err = predict(tmp_path / "long.txt", "--bad-lines", "skip")
    assert (code, len(found), found[9_998]["line"], found[-1]["line"]) == (0, 11_999, 10_000, 12_000)
    assert "line 9999: begins like a JSON object but is none" in err
    code, found, _ = predict(tmp_path / "long.txt")
    assert (code, len(found)) == (2, 9_998)


def test_half_a_character_is_a_bad_line(predict):
    code, found, err = predict(
        "--bad-lines", "skip", stdin=b'{"text": "\\ud83d\\ude00"}\n{"text": "\\ud83d"}\ngreat film'
    )
    assert (code, [line["line"] for line in found]) == (0, [1, 3])
    assert "line 2: expected text, found '\\ud83d', half of a surrogate pair, which stands for no character." in err


def start(model_folder, *arguments, **options):
    command = [sys.executable, "-m", "meltpoint", "predict", str(model_folder), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **options)


def test_lines_are_answered_while_the_pipe_is_open_and_ctrl_c_ends_it(model_folder):
    with start(model_folder, stderr=subprocess.PIPE) as process:
        for text in ("great film", "dull plot"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 3
        assert process.stderr.read() == b"meltpoint: interrupted.\n"


def test_a_reader_that_leaves_is_no_error(model_folder, tmp_path):
    (tmp_path / "many.txt").write_text("great film\n" * 20_000)
    with start(model_folder, str(tmp_path / "many.txt"), stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


NOT_NEEDED = ("sklearn", "polars", "scipy.stats", "meltpoint.trial", "meltpoint.studies", "meltpoint.verdict", "pandas")


def test_what_predicting_does_not_need_is_not_imported(model_folder):
    script = (
        "import sys; from meltpoint.cli import main; sys.argv = sys.argv[1:]\n"
        "try: main()\n"
        f"finally: print([name for name in {NOT_NEEDED} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "meltpoint", "predict", str(model_folder)]
    done = subprocess.run(command, input=b"great film\n", capture_output=True, check=True)
    assert json.loads(done.stdout)["text"] == "great film"
    assert done.stderr == b"[]\n"


@pytest.mark.slow
def test_the_first_answer_comes_within_two_and_a_half_imports_of_torch(model_folder):
    def fastest(command, text):
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(command, input=text, capture_output=True, check=True)
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    predicting = fastest([sys.executable, "-m", "meltpoint", "predict", str(model_folder)], b"great film\n")
    assert predicting < 2.5 * fastest([sys.executable, "-c", "import torch"], b"")
