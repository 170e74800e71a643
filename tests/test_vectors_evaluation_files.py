"""Evaluation files as they are found in the world, and what is wrong with others, by line."""

from pathlib import Path

import pytest

from meltpoint.errors import DataFileError
from meltpoint.vectors.evaluation.files import holds_analogies, read_analogies, read_similarity

PAIRS = [("old", "new", 1.58), ("smart", "clever", 9.2)]


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "set.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "old\tnew\t1.58\nsmart\tclever\t9.2\n",
        "# a comment\n# Word 1\tWord 2\tHuman (mean)\nold\tnew\t1.58\n\nsmart\tclever\t9.2",
        "word1,word2,score\nold,new,1.58\nsmart,clever,9.2\n",
        'word1,word2,score\r\n"old", "new", 1.58\r\nsmart,clever,9.2\r\n',
        "\ufeffold;new;1.58\nsmart;clever;9.2\n",
        "old new 1.58\nsmart   clever  9.20\n",
        "word1\tword2\tPOS\tSimLex999\tconc\nold\tnew\tA\t1.58\t2.72\nsmart\tclever\tA\t9.20\t1.75\n",
        "old\tnew\tA\t1.58\tNONE\nsmart\tclever\tA\t9.2\tSYNONYMS\n",
    ],
    ids=["tabs", "comments", "CSV", "quoted CSV", "semicolons", "blanks", "SimLex-999", "SimVerb-3500"],
)
def test_reads_what_is_distributed(content, write):
    path = write(content)
    assert [(pair.first, pair.second, pair.score) for pair in read_similarity(path)] == PAIRS
    assert not holds_analogies(path)


def test_a_quotation_mark_is_a_word_between_tabs(write):
    (pair,) = read_similarity(write("\"\t''\t3\n"))
    assert (pair.first, pair.second) == ('"', "''")


def test_reads_analogies(write):
    path = write(": capitals\nAthens Greece  Oslo Norway\n\n# none\nRome Italy Paris France\n: gram1-adverb\na b c d\n")
    assert holds_analogies(path)
    first, second = read_analogies(path)
    assert (first.name, second.name) == ("capitals", "gram1-adverb")
    assert first.questions == (("Athens", "Greece", "Oslo", "Norway"), ("Rome", "Italy", "Paris", "France"))


def test_questions_may_stand_without_a_section(write):
    path = write("a b c d\n")
    assert holds_analogies(path)
    (section,) = read_analogies(path)
    assert (section.name, section.questions) == ("", (("a", "b", "c", "d"),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "set.txt: expected pairs of words with a number, or analogy questions, found an empty file"),
        ("# nothing else\n", "found an empty file"),
        ("word1,word2,score\n", "set.txt:1: expected pairs of words with a number below this header, found none"),
        (
            "a\tb\t1\nc\td\thigh\n",
            r"set.txt:2: expected two words and a number, separated by tabs, found 'c\\td\\thigh'",
        ),
        ("a,b,1\n\nc,d\n", "set.txt:3: expected two words and a number, separated by commas, found 'c,d'"),
        ("a,b,N,1\nc,d,N,many\n", "set.txt:2: expected two words and a number in field 4"),
        ("a b 1\nc d nan\n", "set.txt:2: .* separated by spaces"),
        ("a,b,1\n,d,2\n", "set.txt:2"),
        (b"a\tb\t1\nc\t\xe9\t2\n", "set.txt:2: expected UTF-8, found byte 0xe9 at byte 3 of the line; .*iconv"),
    ],
)
def test_bad_pairs_are_named_by_line(content, message, write):
    with pytest.raises(DataFileError, match=message):
        read_similarity(write(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected questions of four words a line, found none"),
        (": capitals\n", "found none"),
        (": capitals\na b c d\na b c\n", "set.txt:3: expected four words, or a section .* found 3 words: 'a b c'"),
        (b": x\na b c \xff\n", "set.txt:2: expected UTF-8"),
    ],
)
def test_bad_questions_are_named_by_line(content, message, write):
    with pytest.raises(DataFileError, match=message):
        read_analogies(write(content))


def test_a_file_must_be_there(tmp_path):
    for read in (read_similarity, read_analogies, holds_analogies):
        with pytest.raises(DataFileError, match=r"lost.csv: expected a file .* \(No such file or directory\)"):
            read(tmp_path / "lost.csv")
        with pytest.raises(DataFileError, match="Is a directory"):
            read(tmp_path)
