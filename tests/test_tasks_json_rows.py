"""Columns as JSON objects: written as dictionaries would be."""

import json

import msgspec
import pytest
import torch

from meltpoint.tasks import Query, find_task, json_rows
from meltpoint.tasks.answers import Queries, TextQueries
from meltpoint.tasks.json_rows import probability_rows

NAMES = ["plain", "with blank", "sci/tech", "caf\u00e9", "", "class", 'a"b', "back\\slash", "line\nbreak"]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_written_as_dictionaries_are(name):
    columns = {name: [1, "x", None], "other": [[1.5], {"k": 1}, 1e-6]}
    expected = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    written = msgspec.json.encode(json_rows(columns))
    assert written == msgspec.json.encode(expected)
    assert json.loads(written) == expected


def test_probabilities_are_rounded():
    (row,) = probability_rows(torch.tensor([[0.12345649, 0.8765435]]), ["no", "yes"])
    assert msgspec.to_builtins(row) == {"no": 0.123456, "yes": 0.876544}


def test_queries_that_are_a_text_each_are_those_of_their_task():
    texts = ["great film", ""]
    some, same = find_task("classify").text_queries(texts), Queries([find_task("classify").query(t) for t in texts])
    assert isinstance(some, TextQueries)
    for queries in (some, same):
        assert list(queries) == [Query(asked={"text": text}, rows=((text,),)) for text in texts]
        assert (queries.asked, list(queries.texts), queries.num_rows.tolist()) == ({"text": texts}, texts, [1, 1])
        assert list(queries[1:]) == [queries[1]]
    assert Queries([]).asked == {}


def test_lines_say_what_predictions_say():
    with torch.inference_mode():
        scores = torch.linspace(-3, 3, 12).view(4, 3)
    queries = TextQueries(["a b", "c", "d e f", ""])
    for name in ("classify", "multilabel"):
        task, counts = find_task(name), queries.num_rows
        said = [one.to_dict() for one in task.answers(queries, scores, counts, ["x", "y", "z"])]
        columns = task.output_columns(queries, scores, counts, ["x", "y", "z"])
        assert [{"text": text, **one} for text, one in zip(queries.texts, said, strict=True)] == msgspec.to_builtins(
            json_rows(columns)
        )
