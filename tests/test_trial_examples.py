"""Batches over the rows that occur in them, against plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.text import PackedTexts
from meltpoint.trial import Examples

TOKENS = 9
texts = st.lists(st.lists(st.integers(0, TOKENS - 1), max_size=6), min_size=1, max_size=8)


def examples_of(texts, table_rows, max_tokens):
    return Examples(
        packed=PackedTexts(
            lexicon=tuple("abcdefghi"),
            ids=np.array([token for text in texts for token in text], dtype=np.int32),
            offsets=np.cumsum([0, *map(len, texts)]).astype(np.int64),
        ),
        rows=np.arange(len(texts))[::-1].copy(),
        label_ids=np.zeros(len(texts), dtype=np.int64),
        table_rows=np.array(table_rows, dtype=np.int64),
        max_tokens=max_tokens,
    )


def numbered(texts, table_rows, max_tokens):
    """The rows of each text by the order in which they first occur; the pad row comes first."""
    read = [[table_rows[token] for token in text[:max_tokens]] or [1] for text in texts]
    rows = [0]
    for row in (row for text in read for row in text):
        if row not in rows:
            rows.append(row)
    length = max(map(len, read))
    return [[rows.index(row) for row in text] + [0] * (length - len(text)) for text in read], rows


@settings(deadline=None)
@given(
    texts=texts,
    # Several tokens may share a row: all unknown words have row 1.
    table_rows=st.lists(st.integers(1, 12), min_size=TOKENS, max_size=TOKENS),
    max_tokens=st.integers(1, 7),
    data=st.data(),
)
def test_rows_are_numbered_as_they_come(texts, table_rows, max_tokens, data):
    examples = examples_of(texts, table_rows, max_tokens)
    for _ in range(3):  # what one batch has left behind must not show in the next
        chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=8, unique=True))
        batch = examples.local(np.array(chosen))
        ids, rows = numbered([texts[::-1][position] for position in chosen], table_rows, max_tokens)
        assert batch.ids.tolist() == ids
        assert batch.rows.tolist() == rows
        assert np.array_equal(batch.rows[batch.ids], examples.ids(np.array(chosen)).numpy())


def test_batches_for_scoring_are_made_once_and_hold_every_text():
    examples = examples_of([[1, 2, 3], [], [4], [5, 5]], range(1, TOKENS + 1), 4)
    assert examples.local_by_length is examples.local_by_length
    (positions,), (batch,) = examples.by_length, examples.local_by_length
    assert positions.tolist() == [2, 1, 0, 3]
    assert np.array_equal(batch.rows[batch.ids], examples.ids(positions).numpy())
