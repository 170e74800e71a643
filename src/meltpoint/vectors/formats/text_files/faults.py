"""What is wrong with a line of vectors, said with its place. Slow and exact: asked only once something is wrong."""

import codecs
import re
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.rows import shown

# Digits are taken all and none given back: a million of them before a letter take a million steps. Groups are not
# repeated so: before Python 3.11.5 half of one, as the e of 1e, counts for the whole (CPython's issue 106052).
_SPELLING = rb"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?"

NUMBER = re.compile(_SPELLING)
"""A decimal number. Stricter than ``float()``, which also takes ``1_000``."""

HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,9})")
"""The first line of word2vec's text: rows and dimensions."""

_SPACE_BEFORE_NO_NUMBER = re.compile(rb" (?!" + _SPELLING + rb"(?: |\Z))")
_NOT_FINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def count_numbers(line: bytes) -> int:
    """Counts the numbers at the end of a line; its first field is its word, whatever it looks like."""
    if not _SPACE_BEFORE_NO_NUMBER.search(line):  # nearly every line: half the time
        return line.count(b" ")
    fields = line.split(b" ")[1:]
    for count, field in enumerate(reversed(fields)):
        if not (NUMBER.fullmatch(field) or _NOT_FINITE.fullmatch(field)):
            return count
    return len(fields)


def read_numbers(line: bytes, dim: int, *, place: str, spaced_numbers: bool) -> NDArray[np.float32]:
    """Reads the numbers of a line that a quick reader was not sure of, or says what is wrong with it.

    Args:
        line: The line without its end.
        dim: The numbers it should hold: D.
        place: How to call it.
        spaced_numbers: Whether a word may end in a space and a number (``call 911``).

    Returns:
        Shape (D,): ``float32(float(text))`` of each number.

    Raises:
        VectorFileError: The line is not a UTF-8 word and ``dim`` finite numbers; the message names the line, what was
            expected and what was found.
    """
    _check_line(line, dim, place=place, spaced_numbers=spaced_numbers)
    with np.errstate(over="ignore"):
        return np.array([float(field) for field in line.rsplit(b" ", dim)[1:]]).astype(np.float32)


def raise_no_vectors(lines: list[bytes], place: str) -> NoReturn:
    """Raises for a file whose first lines hold no vectors at all, and names what it seems to be.

    Raises:
        VectorFileError: Always.
    """
    start = b"\n".join(lines)
    if start.startswith(_UTF16_MARKS):
        hint = "It seems to be UTF-16: convert it, for example with iconv -f UTF-16 -t UTF-8."
    elif HEADER.fullmatch(lines[0]):
        hint = (
            "It seems to be word2vec's binary format: export it as text, for example with gensim: "
            "KeyedVectors.load_word2vec_format(PATH, binary=True).save_word2vec_format('vectors.txt')."
        )
    elif b"\0" in start:
        hint = "It is binary: export the vectors as text, or unpack the file first."
    elif b"\t" in lines[0]:
        hint = "Its fields are separated by tabs: replace them by single spaces."
    else:
        hint = "Is this the right file?"
    raise VectorFileError(
        f"{place}:1: expected lines of a word and its numbers, separated by single spaces, found {shown(lines[0])}. "
        f"{hint}"
    )


def _check_line(line: bytes, dim: int, *, place: str, spaced_numbers: bool) -> None:
    word, *fields = line.rsplit(b" ", dim)
    found = count_numbers(line)
    expected = f"{place}: expected a word and {dim} numbers"
    if len(fields) < dim:
        hint = ""
        if header := HEADER.fullmatch(line):
            hint = f" If this is a header, it should announce {dim} dimensions and not {int(header[2])}."
        raise VectorFileError(f"{expected} ({dim + 1} fields), found {len(fields) + 1} fields: {shown(line)}.{hint}")
    for position, field in enumerate(fields, start=1):
        if _NOT_FINITE.fullmatch(field) or (NUMBER.fullmatch(field) and not _is_finite(field)):
            raise VectorFileError(
                f"{place}: expected finite numbers, found {shown(field)} as number {position} of the word "
                f"{shown(word)}; repair the file, or open it with bad_rows='skip' to leave such rows out."
            )
        if not NUMBER.fullmatch(field):
            raise VectorFileError(
                f"{expected}, found {shown(field)} in place of number {position} of the word {shown(word)}; "
                f"{found} numbers end the line."
            )
    if b" " in word and NUMBER.fullmatch(word.rpartition(b" ")[2]) and not spaced_numbers:
        raise VectorFileError(
            f"{expected}, found {found} numbers: {shown(line)}. If its word ends in a number, say so with dim={dim}."
        )
    try:
        word.decode("utf-8")
    except UnicodeDecodeError as error:
        raise VectorFileError(
            f"{place}: expected a word in UTF-8, found byte 0x{word[error.start]:02x} at byte {error.start + 1} of the "
            f"line ({shown(word)}); convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
        ) from error


def _is_finite(number: bytes) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.float32(float(number))))
