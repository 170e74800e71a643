"""Numbers the rows of the table that occur in a batch, compiled: the cost does not depend on the size of the table."""

import numba
import numpy as np
from numpy.typing import NDArray

from meltpoint.embedding import UNKNOWN_INDEX

Integers = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def number_rows(
    tokens: NDArray[np.int32],
    offsets: Integers,
    texts: Integers,
    table_rows: Integers,
    marks: Integers,
    tick: int,
    ids: Integers,
    rows: Integers,
) -> int:
    """Fills a batch with numbers of rows, in the order of their first occurrence; a text without tokens is one unknown.

    Args:
        tokens: The tokens of all texts, one after another.
        offsets: ``(N + 1,)`` where each text starts.
        texts: ``(B,)`` the texts of the batch.
        table_rows: ``(L,)`` the row of each token.
        marks: ``(rows of the table, 2)`` scratch: the last batch in which a row occurred, and its number there.
        tick: The number of this batch, above those of all batches before.
        ids: ``(B, T)`` zeros; receives the numbers. Texts are cut at T tokens.
        rows: Receives the row of each number; the first is the pad row, 0.

    Returns:
        How many rows there are, U.
    """
    rows[0] = 0
    count = 1
    for text in range(len(texts)):
        start, stop = offsets[texts[text]], offsets[texts[text] + 1]
        length = min(stop - start, ids.shape[1])
        for place in range(max(1, length)):
            row = table_rows[tokens[start + place]] if length else UNKNOWN_INDEX
            if marks[row, 0] != tick:
                marks[row, 0] = tick
                marks[row, 1] = count
                rows[count] = row
                count += 1
            ids[text, place] = marks[row, 1]
    return count
