"""The loops of :mod:`meltpoint.text.chunks`, compiled: texts are cut at blanks, and chunks looked up by their bytes."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.compiled import compiled

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Codes = NDArray[np.uint64]

_BLANK = np.uint8(0x20)
# Fowler, Noll and Vo's hash (FNV-1a, 64 bits): a step for each byte, taken while the blank is looked for.
_START, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_HIGH, _LOW, _HALF = np.uint64(0xFFFFFFFF00000000), np.uint64(0xFFFFFFFF), np.uint64(32)
_DEPENDS = -1


@compiled
def _slot_of(code: np.uint64, slots: Codes) -> np.int64:
    return np.int64((code ^ (code >> _HALF)) & np.uint64(len(slots) - 1))


@compiled
def find_ends(text: Bytes, lengths: Longs, ends: Longs) -> None:
    """Fills ``ends`` (N,): where each of N texts ends in bytes.

    Args:
        text: UTF-8, all texts end to end.
        lengths: How many characters each has.
        ends: Receives the places.
    """
    place = 0
    for number in range(len(lengths)):
        for _ in range(lengths[number]):
            place += 1
            while place < len(text) and text[place] & 0xC0 == 0x80:  # goes on with the same character
                place += 1
        ends[number] = place


@compiled
def count_chunks(text: Bytes, ends: Longs, chunk_ends: Longs) -> None:
    """Fills ``chunk_ends`` (N,): how many chunks there are up to the end of each text; n blanks separate n + 1."""
    place, count = 0, 0
    for number in range(len(ends)):
        count += 1
        for byte in text[place : ends[number]]:
            count += byte == _BLANK
        place = ends[number]
        chunk_ends[number] = count


@compiled
def fill_slots(hashes: Codes, slots: Codes) -> None:
    """Puts chunks into slots that are all free, each into the first free one from that of its hash on."""
    for chunk in range(len(hashes)):
        slot = _slot_of(hashes[chunk], slots)
        while slots[slot]:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = (hashes[chunk] & _HIGH) | np.uint64(chunk + 1)


@compiled
def find_chunks(
    text: Bytes,
    ends: Longs,
    chunk_ends: Longs,
    first_text: int,
    num_known: int,
    slots: Codes,
    hashes: Codes,
    spelled: Bytes,
    offsets: Longs,
    chunks: Ints,
) -> tuple[int, int]:
    """Finds the number of each chunk, text by text; those that have none yet get the next ones.

    Args:
        text: UTF-8, all texts end to end.
        ends: ``(N,)``, where each ends.
        chunk_ends: ``(N,)``, from :func:`count_chunks`.
        first_text: To begin with.
        num_known: How many chunks have numbers.
        slots: ``(power of two,)``. A slot that is taken has the high half of a chunk's hash, so that few others need be
            looked at, and in its low half the chunk's number and one; a free one is 0.
        hashes: Of the chunks, with room for new ones, as the next two have.
        spelled: Their bytes, end to end.
        offsets: Chunk c is ``spelled[offsets[c]:offsets[c + 1]]``.
        chunks: Receives the numbers.

    Returns:
        How many chunks have numbers now, and the text for whose chunks there might be no room; N after the last.
    """
    place = ends[first_text - 1] if first_text else 0
    count = chunk_ends[first_text - 1] if first_text else 0
    for number in range(first_text, len(ends)):
        if num_known + chunk_ends[number] - count > len(hashes):
            return num_known, number
        end = ends[number]
        while True:
            start, code = place, _START
            while place < end and text[place] != _BLANK:
                code = (code ^ np.uint64(text[place])) * _PRIME
                place += 1
            slot, length = _slot_of(code, slots), place - start
            while True:
                taken = slots[slot]
                chunk = np.int64(taken & _LOW) - 1
                if chunk < 0:
                    chunk = np.int64(num_known)
                    num_known += 1
                    slots[slot] = (code & _HIGH) | np.uint64(num_known)
                    hashes[chunk] = code
                    first = offsets[chunk]
                    offsets[chunk + 1] = first + length
                    spelled[first : first + length] = text[start:place]
                    break
                if (taken ^ code) & _HIGH == 0:
                    # A hash only proposes; the bytes decide.
                    first, same = offsets[chunk], 0
                    if offsets[chunk + 1] - first == length:
                        while same < length and spelled[first + same] == text[start + same]:
                            same += 1
                        if same == length:
                            break
                slot = (slot + 1) & (len(slots) - 1)
            chunks[count] = chunk
            count += 1
            if place == end:
                break
            place += 1
    return num_known, len(ends)


@compiled
def count_words(chunks: Ints, chunk_ends: Longs, num_words: Ints, lengths: Longs) -> int:
    """Fills ``lengths`` (N,): how many words each text has, -1 where one of its chunks is said to have so many.

    Returns:
        How many words all of them have.
    """
    place, total = 0, 0
    for text in range(len(chunk_ends)):
        length = 0
        while place < chunk_ends[text]:
            found = num_words[chunks[place]]
            place += 1
            if found == _DEPENDS:
                length, place = _DEPENDS, chunk_ends[text]
            else:
                length += found
        lengths[text] = length
        total += max(length, 0)
    return total


@compiled
def gather_words(
    chunks: Ints, chunk_ends: Longs, starts: Longs, num_words: Ints, words: Ints, lengths: Longs, gathered: Ints
) -> None:
    """Fills ``gathered``: the words of all texts, one after another, but for those of a length of -1.

    Args:
        chunks: The chunks of all texts.
        chunk_ends: ``(N,)``, where those of each end.
        starts: Where the words of each chunk begin in ``words``.
        num_words: How many words each chunk has.
        words: Of all chunks.
        lengths: ``(N,)``, from :func:`count_words`.
        gathered: Receives the words.
    """
    place, filled = 0, 0
    for text in range(len(chunk_ends)):
        if lengths[text] != _DEPENDS:
            for chunk in chunks[place : chunk_ends[text]]:
                first = starts[chunk]
                for word in words[first : first + num_words[chunk]]:
                    gathered[filled] = word
                    filled += 1
        place = chunk_ends[text]
