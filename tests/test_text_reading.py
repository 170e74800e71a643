"""Reading: formats, columns, folders, and what every kind of bad file is told."""

import csv
import gzip
import io
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meltpoint.errors import DataFileError, InputError, MeltpointError
from meltpoint.text import corpus_from_lists, read_corpus

ROWS = [
    ("A good film.", "pos"),
    ('It says "no",\nand ends.', "neg"),
    ("caf\u00e9 \u2013 fine", "pos"),
    (" so\tso ", "neg"),
]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


def as_csv(rows, header=("text", "label"), delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def as_json(rows, header=("text", "label")):
    return "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows)


def many(*labels, count=6):
    return [(f"text number {number} of {label}", label) for number in range(count) for label in labels]


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"])
def test_every_format_gives_the_same_corpus(tmp_path, suffix, gz):
    if suffix == ".parquet":
        pl.DataFrame(ROWS, schema=["text", "label"], orient="row").write_parquet(buffer := io.BytesIO())
        content = buffer.getvalue()
    elif suffix in {".csv", ".tsv"}:
        content = as_csv(ROWS, delimiter="," if suffix == ".csv" else "\t").encode()
    else:
        content = as_json(ROWS).encode()
    path = tmp_path / f"reviews{suffix}{gz}"
    path.write_bytes(gzip.compress(content) if gz else content)
    corpus = read_corpus(path)
    assert corpus.texts == tuple(text for text, _ in ROWS)
    assert corpus.classes == ("neg", "pos")
    assert corpus.label_ids.tolist() == [1, 0, 1, 0]
    assert corpus.label_ids.dtype == np.int64
    assert (corpus.name, corpus.text_column, corpus.label_column) == ("reviews", "text", "label")
    assert (corpus.num_rows, corpus.num_train, corpus.has_test, corpus.groups) == (4, 4, False, None)
    assert corpus.class_counts == {"neg": 2, "pos": 2}
    assert corpus.digest == corpus_from_lists(*zip(*ROWS, strict=True)).digest
    assert len(corpus.digest) == 32


def test_byte_order_mark_crlf_and_blank_lines(tmp_path):
    path = write(tmp_path, "a.csv", "\ufefftext,label\r\ngood,1\r\n\r\nbad,0\r\nfine,1\r\npoor,0\r\n")
    assert read_corpus(path).texts == ("good", "bad", "fine", "poor")


def test_tsv_without_quoting_is_read_as_written(tmp_path):
    path = write(tmp_path, "a.tsv", 'sentence\tlabel\n"open\t1\nsay "hi" now\t0\nfine\t1\npoor\t0\n')
    corpus = read_corpus(path)
    assert corpus.texts[:2] == ('"open', 'say "hi" now')
    assert corpus.notes == ("a.tsv: quotation marks do not pair up as quoting, so they were read as part of the text",)


def test_very_long_texts_fit(tmp_path):
    long = "word " * 100_000
    path = write(tmp_path, "a.csv", as_csv([(long, "a"), ("x", "a"), ("y", "b"), ("z", "b")]))
    limit = csv.field_size_limit()
    assert read_corpus(path).texts[0] == long
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "01", "1"], ("01", "1", "9", "10")),
        (["b", "10", "a", "9"], ("10", "9", "a", "b")),
        ([True, False, True, False], ("False", "True")),
        ([0.5, 1.0, 0.5, 1.0], ("0.5", "1.0")),
        ([-1, 2, 10, 2], ("-1", "2", "10")),
        ([" a", "a ", "b", "b"], ("a", "b")),
    ],
)
def test_labels_of_any_type(tmp_path, labels, classes):
    rows = [(f"text {number}", label) for number, label in enumerate(labels * 2)]
    assert read_corpus(write(tmp_path, "a.jsonl", as_json(rows))).classes == classes
    assert corpus_from_lists([text for text, _ in rows], np.array(labels * 2)).classes == classes
    if all(isinstance(label, str) for label in labels):
        assert read_corpus(write(tmp_path, "a.csv", as_csv(rows))).classes == classes


@pytest.mark.parametrize(
    ("header", "options", "expected"),
    [
        (("Text", "Label"), {}, ("Text", "Label")),
        (("review", "sentiment"), {}, ("review", "sentiment")),
        (("question", "coarse"), {}, ("question", "coarse")),
        (("words", "kind"), {}, ("words", "kind")),
        (("a", "b"), {"text": "a", "label": "b"}, ("a", "b")),
        (("label", "text"), {"text": "label", "label": "text"}, ("label", "text")),
    ],
)
def test_finds_the_columns(tmp_path, header, options, expected):
    corpus = read_corpus(write(tmp_path, "a.csv", as_csv(many("x", "y"), header)), **options)
    assert (corpus.text_column, corpus.label_column) == expected
    assert corpus.classes == ("x", "y")


@pytest.mark.parametrize(
    ("header", "rows", "options", "text"),
    [
        (
            ("text", "label"),
            many("a", "b"),
            {"text": "txet"},
            r"no column 'txet' \(--text\); .* 'text', 'label'\. Did you mean 'text'",
        ),
        (("text", "label"), many("a", "b"), {"text": "label", "label": "label"}, "different columns"),
        (
            ("review", "question", "label"),
            [("one", "two", "a")] * 4,
            {},
            r"the text could be 'review' or 'question'\. Name it with --text",
        ),
        (
            ("p", "q", "label"),
            [(f"some text {i}", f"a text {i}", "ab"[i % 2]) for i in range(9)],
            {},
            "text could be 'p' or 'q'",
        ),
        (
            ("text", "x", "y"),
            [(f"some text {i}", i % 2, i % 3) for i in range(20)],
            {},
            "label could be 'x' or 'y'.*--label",
        ),
        (("text", "class", "category"), [("t", "a", "b")] * 4, {}, "label could be 'class' or 'category'"),
        (
            ("text", "id"),
            [(f"t {i}", i) for i in range(20)],
            {},
            "label is none of them for sure.*first line is a header",
        ),
        (("text;label",), [("a;1",), ("b;2",)], {}, "only one column: is the separator"),
    ],
)
def test_columns_that_cannot_be_told(tmp_path, header, rows, options, text):
    with pytest.raises(InputError, match=text):
        read_corpus(write(tmp_path, "a.csv", as_csv(rows, header)), **options)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", " \n", "is empty"),
        ("a.csv", "text,label\n", r"has columns \(text, label\) but no rows"),
        ("a.csv", "text,text\na,b\n", r"a\.csv:1 names a column twice \(text\)"),
        (
            "a.csv",
            'text,label\n"a\nb",1\nc,2,3\n',
            r"a\.csv:4 has 3 fields, but the header names 2 columns \(text, label\).*comma",
        ),
        ("a.csv", "text,label\na\n", r"a\.csv:2 has 1 fields"),
        ("a.csv", 'text,label\na,1\n"b,2\nc,1\n', r"begins at line 3 is malformed \(unexpected end of data\)"),
        ("a.csv", 'text,label\n"b"c,2\n', "begins at line 2 is malformed"),
        ("a.tsv", "text\tlabel\na\tb\tc\n", r"a\.tsv:2 has 3 fields.*tab"),
        (
            "a.csv",
            b"text,label\ngood,1\ncaf\xe9,1\n",
            r"a\.csv:3 is not UTF-8: byte 0xe9 at offset 21\..*iconv -f WINDOWS-1252",
        ),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": \n', r"a\.jsonl:2 is not JSON"),
        ("a.jsonl", "[1, 2]\n", r"a\.jsonl:1 should be one JSON object.*found list"),
        ("a.json", '[\n{"text": "a"}\n]', r"a\.json:1 is not JSON.*one object a line"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1 is not JSON"),
        ("a.parquet", b"PAR1 nonsense", "not a readable Parquet file"),
        ("a.csv.gz", b"text,label\na,1\n", "not a whole gzip file.*take the .gz off"),
        ("a.csv.gz", gzip.compress(b"text,label\n" + b"a,1\n" * 99)[:-9], "not a whole gzip file.*cut off"),
        ("a.xlsx", "x", r"ends in one of \.csv \.tsv .*its suffix is '\.xlsx'"),
        (
            "a.jsonl",
            '{"text": ["a"], "label": 1}\n{"text": "b", "label": 2}\n' * 3,
            r"a\.jsonl:1: expected a text, found list",
        ),
        (
            "a.jsonl",
            '{"text": "a", "label": [1]}\n{"text": "b", "label": 2}\n' * 3,
            r"a\.jsonl:1: expected one label, found list",
        ),
        ("a.jsonl", '{"text": "\\ud800", "label": 1}\n{"text": "b", "label": 2}\n' * 3, r"a\.jsonl:1: .*surrogate"),
        ("a.csv", 'text,label\n"a\nb",1\n\nc,\n', r"a\.csv:5 has no label"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": null}\n', r"a\.jsonl:2 has no label"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b"}\n', r"a\.jsonl:2 has no label"),
        ("a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b"}\n', r"a\.jsonl:1 has no label"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "bytes",
)
def test_files_that_cannot_be_read(tmp_path, name, content, text):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataFileError, match=text) as caught:
        read_corpus(path, label="label" if name == "a.jsonl" and "label" in str(content) else None)
    assert "\n" not in str(caught.value), "one paragraph"


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["a"] * 6, "All 6 training rows of a are of one class, 'a' .column 'label'.*--label"),
        (list("abcdef"), "6 classes in 6 training rows .*is this the right column"),
        (list("abcdea"), "5 classes in 6 training rows"),
    ],
)
def test_labels_that_make_no_task(tmp_path, labels, text):
    rows = [(f"text {number}", label) for number, label in enumerate(labels)]
    with pytest.raises(InputError, match=text):
        read_corpus(write(tmp_path, "a.csv", as_csv(rows)))


def test_missing_files(tmp_path):
    write(tmp_path, "reviews.csv", "x")
    with pytest.raises(DataFileError, match=r"no file .*review\.csv\. Did you mean reviews\.csv\?"):
        read_corpus(tmp_path / "review.csv")
    with pytest.raises(DataFileError, match=r"its folder .* does not exist either"):
        read_corpus(tmp_path / "nowhere" / "a.csv")


def test_empty_texts_are_an_error_unless_chosen(tmp_path):
    rows = [*many("a", "b"), ("", "a"), ("  ", "b")]
    path = write(tmp_path, "a.csv", as_csv(rows))
    with pytest.raises(
        InputError, match=r"2 of 14 texts are empty: .*a\.csv:14, .*a\.csv:15\. .*--empty drop.*--empty keep"
    ):
        read_corpus(path)
    dropped = read_corpus(path, empty="drop")
    assert dropped.num_rows == 12
    assert "2 rows with an empty text were dropped, the first at" in dropped.notes[0]
    kept = read_corpus(path, empty="keep")
    assert kept.texts[-2:] == ("", "")
    assert kept.notes == ()
    with pytest.raises(InputError, match=r"found 'skip'"):
        read_corpus(path, empty="skip")
    nulls = write(tmp_path, "a.jsonl", as_json([*many("a", "b"), (None, "a"), (float("nan"), "b")]))
    assert read_corpus(nulls, empty="keep").texts[-2:] == ("", "")


def test_a_folder(tmp_path):
    folder = tmp_path / "reviews"
    folder.mkdir()
    write(folder, "train.csv", as_csv(many("a", "b")))
    write(folder, "valid.jsonl.gz", as_json([("more of a", "a")]))
    write(folder, "test.tsv", as_csv([("text number 0 of a", "a"), ("new", "b")], delimiter="\t"))
    write(folder, "README.md", "x")
    corpus = read_corpus(folder)
    assert (corpus.name, corpus.num_rows, corpus.num_train, corpus.has_test) == ("reviews", 15, 13, True)
    assert corpus.is_test.tolist() == [False] * 13 + [True] * 2
    assert corpus.notes == (
        "1 rows of valid.jsonl.gz joined the training rows",
        "1 of 2 test texts also stand, word for word, among the training texts",
    )
    assert corpus.class_counts == {"a": 7, "b": 6}
    with pytest.raises(InputError, match=r"two test sets: .*test\.tsv and, with --test, .*other\.csv"):
        read_corpus(folder, test=folder / "other.csv")
    write(folder, "train.tsv", "x")
    with pytest.raises(InputError, match=r"more than one train file \(train\.csv, train\.tsv\)"):
        read_corpus(folder)


def test_a_folder_of_one_file(tmp_path):
    folder = tmp_path / "reviews"
    folder.mkdir()
    write(folder, "all.csv", as_csv(many("a", "b")))
    write(folder, "README.md", "x")
    corpus = read_corpus(folder)
    assert (corpus.name, corpus.num_rows, corpus.has_test) == ("reviews", 12, False)


@pytest.mark.parametrize(
    ("names", "listed"),
    [(["test.csv"], r"test\.csv"), (["all.csv", "more.csv"], r"all\.csv, more\.csv"), ([], "none of")],
)
def test_a_folder_without_training_file(tmp_path, names, listed):
    for name in names:
        write(tmp_path, name, "x")
    with pytest.raises(DataFileError, match=rf"should hold train\.csv .* one file alone; found {listed}"):
        read_corpus(tmp_path)


def test_a_test_file(tmp_path):
    train = write(tmp_path, "a.csv", as_csv(many("a", "b")))
    corpus = read_corpus(train, test=write(tmp_path, "b.jsonl", as_json([("new", "a")])))
    assert (corpus.num_train, corpus.num_rows) == (12, 13)
    unseen = write(tmp_path, "c.csv", as_csv([("new", "a"), ("newer", "c")]))
    with pytest.raises(InputError, match=r"labels that no training row has: 'c'; .*c\.csv:3\. .* are 'a', 'b'"):
        read_corpus(train, test=unseen)
    other = write(tmp_path, "d.csv", as_csv([("new", "a")], ("sentence", "label")))
    with pytest.raises(
        InputError, match=r"d\.csv has no column 'text', which .*a\.csv has; its columns are 'sentence', 'label'"
    ):
        read_corpus(train, test=other)


def test_groups(tmp_path):
    rows = [(f"text {number}", "ab"[number % 2], f"g{number // 3}") for number in range(9)]
    header = ("text", "label", "document")
    path = write(tmp_path, "a.csv", as_csv(rows, header))
    assert read_corpus(path).groups is None
    corpus = read_corpus(path, group="document")
    assert corpus.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert corpus.digest != read_corpus(path).digest
    tested = read_corpus(path, group="document", test=write(tmp_path, "t.csv", as_csv([("new", "a", "g2")], header)))
    assert tested.groups[-1] == 2
    assert tested.notes == ("1 groups have rows both in training and in the test set",)
    path = write(tmp_path, "b.csv", as_csv([*rows, ("x", "a", "")], header))
    with pytest.raises(DataFileError, match=r"b\.csv:11 has no group \(column 'document'\)"):
        read_corpus(path, group="document")


def test_lists():
    corpus = corpus_from_lists(
        ["a", "b", "c", "d"], [0, 1, 0, 1], groups=["x", "x", "y", "y"], test_texts=["e"], test_labels=[1], name="mine"
    )
    assert (corpus.name, corpus.classes, corpus.num_train) == ("mine", ("0", "1"), 4)
    assert corpus.groups.tolist() == [0, 0, 1, 1, 2]
    with pytest.raises(InputError, match=r"found 2 texts, 1 labels"):
        corpus_from_lists(["a", "b"], ["x"])
    with pytest.raises(InputError, match=r"found 1 test_texts, 0 test_labels"):
        corpus_from_lists(list("abcd"), list("xyxy"), test_texts=["a"])
    with pytest.raises(InputError, match=r"1 of 4 texts are empty: texts\[1\]"):
        corpus_from_lists(["a", "", "c", "d"], list("xyxy"))
    with pytest.raises(ValueError, match=r"read-only"):
        corpus.label_ids[0] = 1


def test_the_digest_knows_every_part():
    base = {"texts": ["a", "b", "c", "d"], "labels": list("xyxy")}
    variants = [
        base,
        base | {"texts": ["ab", "", "c", "d"]} | {"texts": ["a", "b", "cd", "e"]},
        base | {"labels": list("xyyx")},
        base | {"labels": list("uvuv")},
        base | {"groups": [0, 0, 1, 1]},
        base | {"test_texts": ["e"], "test_labels": ["x"]},
    ]
    assert len({corpus_from_lists(**variant).digest for variant in variants}) == len(variants)
    assert corpus_from_lists(**base, name="other").digest == corpus_from_lists(**base).digest


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(TEXT, min_size=4, max_size=8), st.sampled_from([".csv", ".tsv", ".jsonl"]))
def test_any_text_survives(tmp_path, texts, suffix):
    rows = [(text, "ab"[number % 2]) for number, text in enumerate(texts)]
    content = (
        as_json(rows)
        if suffix == ".jsonl"
        else "".join(
            (("\t" if suffix == ".tsv" else ",").join('"' + cell.replace('"', '""') + '"' for cell in row)) + "\n"
            for row in [("text", "label"), *rows]
        )
    )
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content.encode())
    assert read_corpus(path).texts == tuple(texts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.binary(max_size=80), st.sampled_from([".csv", ".tsv", ".jsonl", ".csv.gz"]))
@example(b"\x1c", ".tsv")  # blank as text, not as bytes
def test_any_bytes_are_read_or_refused_in_our_words(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"text,label\na,1\nb,2\nc,1\n" * (suffix == ".csv") + content)
    try:
        read_corpus(path)
    except MeltpointError as error:
        assert str(error)  # noqa: PT017
