"""What is wrong with a line of vectors, said with its place. Slow and exact: asked only once something is wrong."""

import codecs
import re
from typing import NoReturn

import numpy as np

from meltpoint.errors import VectorFileError

NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""A decimal number. Stricter than ``float()``, which also takes ``1_000``."""

HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,9})")
"""The first line of word2vec's text: rows and dimensions."""

_NOT_FINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_LARGEST = float(np.finfo(np.float32).max)
_LONGEST_SHOWN = 40
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def count_numbers(line: bytes) -> int:
    """Counts the numbers at the end of a line; its first field is its word, whatever it looks like."""
    fields = line.split(b" ")[1:]
    for count, field in enumerate(reversed(fields)):
        if not (NUMBER.fullmatch(field) or _NOT_FINITE.fullmatch(field)):
            return count
    return len(fields)


def shown(text: bytes) -> str:
    """Returns bytes of a file in quotes and cut to a readable length."""
    quoted = repr(text[:_LONGEST_SHOWN].decode("utf-8", "backslashreplace"))
    return quoted + "..." if len(text) > _LONGEST_SHOWN else quoted


def raise_first_fault(lines: list[bytes], dim: int, *, first_line: int, place: str, spaced_numbers: bool) -> None:
    """Raises for the first line that is not a word and ``dim`` finite numbers; returns if there is none.

    Args:
        lines: Lines without their ends.
        dim: The numbers each should hold: D.
        first_line: The line number of the first of them, counted from 1.
        place: How to call the file.
        spaced_numbers: Whether a word may end in a space and a number (``call 911``).

    Raises:
        VectorFileError: The message names the line, what was expected and what was found.
    """
    for line_number, line in enumerate(lines, start=first_line):
        _check_line(line, dim, place=f"{place}:{line_number}", spaced_numbers=spaced_numbers)


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
        if _NOT_FINITE.fullmatch(field) or (NUMBER.fullmatch(field) and abs(float(field)) > _LARGEST):
            raise VectorFileError(
                f"{place}: expected finite numbers, found {shown(field)} as number {position} of the word "
                f"{shown(word)}; remove the line or repair the file."
            )
        if not NUMBER.fullmatch(field):
            raise VectorFileError(
                f"{expected}, found {shown(field)} in place of number {position} of the word {shown(word)}; "
                f"{found} numbers end the line."
            )
    if found > dim and b" " in word and not spaced_numbers:
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
