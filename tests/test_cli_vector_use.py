"""meltpoint vectors search | analogy | evaluate | convert."""

import json
import sys

import numpy as np
import pytest

from meltpoint.cli import main
from meltpoint.vectors import open_vectors

GLOVE = ("--vectors", "glove-6b-50d")


@pytest.fixture
def vectors(monkeypatch, capsys):
    """Calls ``meltpoint vectors`` in this process: (exit code, standard output, standard error)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["meltpoint", "vectors", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def small(tmp_path):
    """A file of four words; one looks like markup of the terminal."""
    path = tmp_path / "small.txt"
    path.write_text("man 1 0 0\nwoman 0 1 0\nking 1 0 1\nqueen 0 1 1\n[bold] 1 1 0\n", encoding="utf-8")
    return path


def test_search(vectors, glove):
    code, out, err = vectors("search", "paris", *GLOVE, "-k", 3)
    assert (code, err) == (0, "")
    assert out.split()[:2] == ["word", "cosine"]
    assert len([line for line in out.splitlines() if "0." in line]) == 3
    code, out, err = vectors("search", "paris", *GLOVE, "-k", 3, "--json")
    document = json.loads(out)
    assert (document["word"], document["vectors"], len(document["neighbours"])) == ("paris", "glove-6b-50d", 3)
    assert document["neighbours"][0]["cosine"] >= document["neighbours"][1]["cosine"]


def test_words_are_no_markup(vectors, small):
    _, out, _ = vectors("search", "man", "--vectors", small)
    assert "[bold]" in out


def test_an_unknown_word_names_near_ones(vectors, glove):
    code, out, err = vectors("search", "meltng", *GLOVE)
    assert (code, out) == (2, "")
    assert "expected a word of glove-6b-50d, found 'meltng'" in err
    assert "Near it are: " in err
    assert "'melting'" in err


@pytest.mark.parametrize(("objective", "score"), [("add", "cosine"), ("mul", "score")])
def test_analogy(objective, score, vectors, glove):
    code, out, _ = vectors("analogy", "man", "king", "woman", *GLOVE, "--objective", objective, "--json")
    document = json.loads(out)
    assert (code, document["a"], document["b"], document["c"]) == (0, "man", "king", "woman")
    assert document["answers"][0]["word"] == "queen"
    assert score in document["answers"][0]
    assert "queen" in vectors("analogy", "man", "king", "woman", *GLOVE)[1]


def test_evaluate_tells_kinds_by_looking(vectors, small, tmp_path):
    pairs, questions = tmp_path / "pairs.csv", tmp_path / "questions.txt"
    pairs.write_text("word1,word2,score\nman,king,9\nman,queen,1\nking,queen,5\nman,lost,3\n")
    questions.write_text(": royal\nman woman king queen\n: gram1-none\nman lost king queen\n")
    code, out, err = vectors("evaluate", pairs, questions, "--vectors", small)
    assert (code, err) == (0, "")
    for text in ("pairs.csv", "25.0%", "Spearman", "analogies: questions.txt", "royal", "100.0%", "syntactic", "total"):
        assert text in out
    document = json.loads(vectors("evaluate", pairs, questions, "--vectors", small, "--json")[1])
    (similarity,), (analogies,) = document["similarity"], document["analogies"]
    assert (similarity["num_pairs"], similarity["num_unknown"], similarity["oov_percent"]) == (4, 1, 25.0)
    assert similarity["spearman"] == pytest.approx(1.0)
    assert analogies["total"]["accuracy"] == 1.0
    assert [section["name"] for section in analogies["sections"]] == ["royal", "gram1-none"]
    counted = json.loads(vectors("evaluate", questions, "--vectors", small, "--count-unknown", "--json")[1])
    assert counted["analogies"][0]["total"]["accuracy"] == 0.5
    restricted = vectors("evaluate", pairs, "--vectors", small, "--restrict-vocab", 1)
    assert restricted[0] == 2
    assert vectors("evaluate", pairs, "--vectors", small, "--restrict-vocab", 0, "--case-sensitive")[0] == 0


def test_a_bad_file_is_named_by_line(vectors, small, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("man,king,9\nman,queen\n")
    code, out, err = vectors("evaluate", path, "--vectors", small)
    assert (code, out) == (2, "")
    assert "bad.csv:2: expected two words and a number" in err
    assert "lost.csv: expected a file" in vectors("evaluate", tmp_path / "lost.csv", "--vectors", small)[2]


@pytest.mark.parametrize("name", ["out.vec", "out.bin", "out.safetensors", "out.npy", "out.txt.gz"])
def test_convert_keeps_words_and_bits(name, vectors, small, tmp_path):
    code, out, err = vectors("convert", small, tmp_path / name)
    assert (code, err) == (0, "")
    assert "5 words x 3" in out
    before, after = open_vectors(small), open_vectors(tmp_path / name)
    assert list(after.words) == list(before.words)
    assert np.array_equal(after.matrix, before.matrix)


def test_convert_some_words(vectors, small, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("queen\nlost\n\nman\nqueen\n")
    code, out, _ = vectors("convert", small, tmp_path / "few.txt", "--words", words)
    assert code == 0
    assert "2 words x 3; 1 of the words asked for have no vector" in out
    assert (tmp_path / "few.txt").read_text().splitlines()[0].startswith("queen ")
    out = vectors("convert", small, tmp_path / "few.vec", "--to", "glove", "--words", words, "--json")[1]
    assert json.loads(out) == {"files": [str(tmp_path / "few.vec")], "words": 2, "dim": 3, "absent_words": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lost\n", r"words.txt: expected words of small.txt, found none among 1 that has a vector"),
        (b"man\n\xff\n", "words.txt:2: expected a word in UTF-8, found byte 0xff"),
        (None, "words.txt: expected a file with one word a line, found none that can be read"),
    ],
)
def test_bad_lists_of_words(words, message, vectors, small, tmp_path):
    path = tmp_path / "words.txt"
    if words is not None:
        path.write_bytes(words if isinstance(words, bytes) else words.encode())
    code, out, err = vectors("convert", small, tmp_path / "out.txt", "--words", path)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "out.txt").exists()


def test_an_unknown_format_lists_those_there_are(vectors, small, tmp_path):
    code, _, err = vectors("convert", small, tmp_path / "out.txt", "--to", "pickle")
    assert code == 2
    assert "glove, word2vec, word2vec-binary, safetensors, npy" in err


def test_words_asked_for_in_a_profile_of_the_wrong_tokenizer(monkeypatch, capsys, tmp_path, glove):
    path = tmp_path / "data.csv"
    rows = [
        f"The {cue} Film of Paris is {cue},{label}" for label in ("good", "bad") for cue in ("great", "Dull", "fine")
    ]
    path.write_text("\n".join(["text,label", *rows * 3]) + "\n")
    monkeypatch.setattr(sys, "argv", ["meltpoint", "profile", str(path), *GLOVE, "--tokenizer", "treebank"])
    with pytest.raises(SystemExit):
        main()
    err = capsys.readouterr().err
    assert "Warning: The vectors seem to hold words in lower case" in err
    assert "Use --tokenizer treebank-lower." in err
