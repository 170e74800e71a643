"""The table of one trial: the words of its training rows, restricted from the vectors' vocabulary.

Restricting is exact. A row that no training text touches has zero gradient and zero moments: under Adam it never
moves, so that leaving it out of the table changes no other row. (Not one bit, where the rows kept fill whole vector
registers; torch's fused Adam computes the last few numbers of a tensor in a scalar loop, which may round otherwise.)
"""

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy

from meltpoint.embedding import PADDING_INDEX, UNKNOWN_INDEX, PretrainedEmbedding, assemble_rows
from meltpoint.randomness import Generator
from meltpoint.trial.data import TrialData

FIRST_WORD = max(PADDING_INDEX, UNKNOWN_INDEX) + 1
Rows = NDArray[np.int64]


def trial_table(
    data: TrialData, train_rows: Rows, *, unknown: str, extend: bool, random: Generator
) -> tuple[PretrainedEmbedding, Rows, int]:
    """Builds the embedding of a trial.

    The vocabulary is that of the training rows. Words of other rows that have a pretrained vector are appended when
    ``extend``, for policies that move even these. All other words are unknown.

    Args:
        data: The study's data, L tokens.
        train_rows: Rows trained on, without the validation rows.
        unknown: Initialisation of words without a pretrained vector.
        extend: Whether words that are not trained on are in the table.
        random: Draws the unknown words.

    Returns:
        The embedding; ``(L,)`` int64, the row of the table for each token of the lexicon; and how many rows, the
        first ones, belong to the vocabulary.
    """
    counts = _count_tokens(data, train_rows)
    seen = np.flatnonzero(counts)
    table_rows = np.full(len(data.packed.lexicon), UNKNOWN_INDEX, dtype=np.int64)
    table_rows[seen] = FIRST_WORD + np.arange(len(seen))
    known = np.concatenate([np.zeros(FIRST_WORD, dtype=np.bool_), data.found[seen]])
    rows = assemble_rows(data.pretrained[seen[data.found[seen]]], known, unknown=unknown, random=random)
    num_words = len(rows)
    row_counts = np.concatenate([np.zeros(FIRST_WORD, dtype=np.int64), counts[seen]])
    if extend:
        table_rows, appended = append_unseen(data, table_rows, len(rows))
        rows = np.concatenate([rows, data.pretrained[appended]])
        known = np.concatenate([known, np.ones(len(appended), dtype=np.bool_)])
        row_counts = np.concatenate([row_counts, np.zeros(len(appended), dtype=np.int64)])
    embedding = PretrainedEmbedding(from_numpy(rows), from_numpy(known), counts=from_numpy(row_counts))
    return embedding, table_rows, num_words


def append_unseen(data: TrialData, table_rows: Rows, num_rows: int) -> tuple[Rows, Rows]:
    """Numbers the words that have a pretrained vector and no row of the table yet, from ``num_rows`` on.

    Returns:
        ``(L,)`` int64, the row for each token of the lexicon; and the tokens that were appended, ``(U,)``, in order.
    """
    appended = np.flatnonzero(data.found & (table_rows == UNKNOWN_INDEX))
    extended = table_rows.copy()
    extended[appended] = num_rows + np.arange(len(appended))
    return extended, appended


def vocabulary_tokens(data: TrialData, train_rows: Rows) -> Rows:
    """Returns the tokens of the lexicon that occur in the training rows, ascending.

    A token spelled like the names of the pad row or the unknown row is an unknown word.
    """
    return np.flatnonzero(_count_tokens(data, train_rows))


def _count_tokens(data: TrialData, train_rows: Rows) -> Rows:
    counts = data.packed.counts(train_rows)
    for token in data.reserved:
        counts[token] = 0
    return counts.astype(np.int64)
