"""The compiled parser of vectors as text: about a gigabyte of lines in a second on one core.

It takes lines that are as they should be. A line that it is not sure of it leaves *doubtful*, and the slow reader in
``faults`` decides: so what is wrong, and every exotic spelling, is judged in one place. What it does convert has
the bits of ``float32(float(text))``; its loops, and why that is so, are in ``loops``.

The loops are compiled once per machine, which takes a second or two; loading them takes some hundredths. So this module
is imported only for files that are worth it.
"""

import numpy as np
from numpy.typing import NDArray

from meltpoint.vectors.formats.machine_code import load_loops

_LF = ord("\n")
_NEAR_BYTES = (1 << 12, 1 << 16)
_FOLDER = "meltpoint.vectors.formats.text_files"
_PARSING = load_loops(
    f"{_FOLDER}.parsing_loops", {"count_lines": 2, "parse_lines": 8}, built_on=(f"{_FOLDER}.addresses",)
)
_count_lines, _parse_lines = _PARSING["count_lines"], _PARSING["parse_lines"]


def parse_lines(
    data: NDArray[np.uint8], num_bytes: int, dim: int
) -> tuple[bytes, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Parses lines of a word and ``dim`` numbers, each after a space; see the module's text.

    Args:
        data: Bytes.
        num_bytes: How many of them are complete lines, each ended by LF, CR LF or either after a space. At least 64
            bytes follow them.
        dim: Numbers a line: D.

    Returns:
        The n words, each with an LF after it: what stands before the D-th space from the right, or nothing where there
        are fewer spaces. The numbers, shape (n, D). Where the lines start and the last one ends, shape (n + 1,). The
        positions of the doubtful lines, ascending: their numbers mean nothing.
    """
    address = data.ctypes.data
    middle = _find_middle(data[:num_bytes])
    num_first = _count_lines(address, address + middle)
    num_lines = num_first + _count_lines(address + middle, address + num_bytes)
    matrix = np.empty((num_lines, dim), dtype=np.float32)
    starts = np.empty(num_lines + 1, dtype=np.int64)
    word_ends = np.empty(num_lines, dtype=np.int64)
    is_doubtful = np.zeros(num_lines, dtype=np.bool_)
    words = np.empty(num_bytes, dtype=np.uint8)  # more than enough: what is not written to takes no memory
    starts[0], starts[num_first] = address, address + middle
    filled = (array.ctypes.data for array in (matrix, starts, word_ends, is_doubtful, words))
    num_word_bytes = _parse_lines(num_first, num_lines, dim, *filled)
    return words[:num_word_bytes].tobytes(), matrix, starts - address, np.flatnonzero(is_doubtful)


def _find_middle(data: NDArray[np.uint8]) -> int:
    """Returns where a line near the middle starts; the end, where none does."""
    half = len(data) // 2
    for num_bytes in _NEAR_BYTES:
        is_end = data[half : half + num_bytes] == _LF
        if is_end.any():
            return half + int(is_end.argmax()) + 1
    return len(data)
