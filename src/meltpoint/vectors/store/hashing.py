"""Hashes words that stand end to end: all of them at once, eight bytes at a time.

The hash only proposes rows (see ``index``), so it need not withstand an attack; it has to be the same on every machine,
unlike Python's own, and quick, since every word of a file is hashed.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_EIGHTS = 8
"""Of how many times eight bytes all words at once are hashed or compared: hardly any is longer."""
_U27, _U30, _U31, _U64 = (np.uint64(number) for number in (27, 30, 31, 64))
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def join_words(words: Sequence[bytes]) -> tuple[bytes, NDArray[np.int64]]:
    """Puts n words end to end.

    Returns:
        Their bytes; and where they stand, shape (n + 1,): word i is ``text[offsets[i]:offsets[i + 1]]``.
    """
    return b"".join(words), measure_words(words)


def measure_words(words: Sequence[Sized]) -> NDArray[np.int64]:
    """Returns where n words stand when they are put end to end, shape (n + 1,), int64."""
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, words), dtype=np.int64, count=len(words)), out=offsets[1:])
    return offsets


def hash_words(text: bytes, offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes the length of each word, its first 64 bytes, and its last eight where it is longer.

    Args:
        text: n words, end to end.
        offsets: Shape (n + 1,), where each starts, as from :func:`join_words`.

    Returns:
        Shape (n,), uint64.
    """
    starts, lengths = offsets[:-1], np.diff(offsets)
    hashes = _mix(lengths.astype(np.uint64))
    for start in range(0, 8 * MOST_EIGHTS, 8):
        longer = np.flatnonzero(lengths > start)
        if not len(longer):
            return hashes
        eights = eights_at(text, starts[longer] + start)
        hashes[longer] = _mix(hashes[longer] ^ first_bytes(eights, lengths[longer] - start))
    longer = np.flatnonzero(lengths > 8 * MOST_EIGHTS)
    hashes[longer] = _mix(hashes[longer] ^ eights_at(text, offsets[longer + 1] - 8))
    return hashes


def eights_at(text: bytes | memoryview, positions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Returns the eight bytes from each position on, as numbers of which the first byte is the lowest.

    Args:
        text: Bytes; beyond their end there are zeros.
        positions: Shape (n,), each within the text.

    Returns:
        Shape (n,), uint64.
    """
    if len(text) < 8:
        text = bytes(text) + bytes(8)
    eights: NDArray[np.uint64] = np.ndarray(len(text) - 7, dtype="<u8", buffer=text, strides=(1,))
    inside = np.minimum(positions, len(eights) - 1)
    return eights[inside] >> ((positions - inside) * 8).astype(np.uint64)


def first_bytes(eights: NDArray[np.uint64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Moves the first ``lengths[i]`` bytes of each number, at least one, to its upper end, and drops the others."""
    return eights << (_U64 - np.minimum(lengths, 8).astype(np.uint64) * np.uint64(8))


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spreads every bit over all; no two numbers become one (SplitMix64's last step, Steele, Lea and Flood 2014)."""
    mixed = (numbers ^ (numbers >> _U30)) * _FIRST_FACTOR
    mixed = (mixed ^ (mixed >> _U27)) * _SECOND_FACTOR
    result: NDArray[np.uint64] = mixed ^ (mixed >> _U31)
    return result
