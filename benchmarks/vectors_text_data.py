"""Files of vectors for ``vectors_text.py``: large ones out of seeded numbers, and a small one of quirks."""

import json
from pathlib import Path

import numpy as np

ROWS_AT_ONCE = 4000
DECIMALS = 5
WORDS_WANTED = 15_000

QUIRKS = [
    ("the", "0.5 -1 0.25"),
    (". . .", "1 2 3"),
    ("at name@domain.com", "4 5 6"),
    ("1\u00a01/2", "1 0 1"),
    ("\u0085", "1 0 2"),
    ("a\u2028b", "1 0 3"),
    ('"', "1 0 4"),
    ('"quoted"', "1 0 5"),
    ("'s", "1 0 6"),
    ("#", "1 0 7"),
    ("#hash", "1 0 8"),
    ("", "1 0 9"),
    ("nan", "1 1 0"),
    ("null", "1 1 1"),
    ("2008", "1 1 2"),
    ("e\u0301", "1 1 3"),
    ("\u00e9", "1 1 4"),
    ("\U0001f600", "1 1 5"),
    ("tab\tword", "1 1 6"),
    ("cr\rword", "1 1 7"),
    ("exponents", "1e-5 2E3 -3e+1"),
    ("digits", "0.12345678901234567890 16777217.00000000001 1.000000178813934326171876"),
    ("<unk>", "-0.0 .5 5."),
]
"""Words and numbers that readers stumble over; ``the`` comes again below, and the first one is right."""
REPEATED = ("the", "9 9 9")


def write_vectors(path: Path, num_rows: int, dim: int) -> None:
    """Writes ``num_rows`` words with ``dim`` normal numbers each, as GloVe writes them; the same bytes every time."""
    generator = np.random.default_rng(20_140_101)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        for start in range(0, num_rows, ROWS_AT_ONCE):
            shape = (min(ROWS_AT_ONCE, num_rows - start), dim)
            numbers = np.clip(generator.normal(0, 0.4, shape), -9.9, 9.9)
            file.write(b"".join(_lines(np.rint(numbers * 10**DECIMALS).astype(np.int64), start)))
    unfinished.replace(path)


def _lines(scaled: np.ndarray, first_row: int) -> list[bytes]:
    """Spells integers as decimals: an array of characters, out of which the plus signs are taken."""
    digits = np.abs(scaled)[..., np.newaxis] // 10 ** np.arange(DECIMALS, -1, -1) % 10 + ord("0")
    spelt = np.empty((*scaled.shape, DECIMALS + 4), dtype=np.uint8)
    spelt[..., 0] = ord(" ")
    spelt[..., 1] = np.where(scaled < 0, ord("-"), 0)
    spelt[..., 2] = digits[..., 0]
    spelt[..., 3] = ord(".")
    spelt[..., 4:] = digits[..., 1:]
    return [
        word_of(first_row + row).encode() + characters[characters != 0].tobytes() + b"\n"
        for row, characters in enumerate(spelt.reshape(len(scaled), -1))
    ]


def word_of(row: int) -> str:
    """Returns the word of a row: letters, the more the rarer, as in real files."""
    word = ""
    row += 1
    while row:
        row, letter = divmod(row - 1, 26)
        word = chr(ord("a") + letter) + word
    return word


def write_wanted(path: Path, num_rows: int) -> int:
    """Writes the words of rows from all over a file, one a line, and returns how many."""
    generator = np.random.default_rng(7)
    rows = generator.choice(num_rows, size=min(WORDS_WANTED, num_rows // 4), replace=False)
    path.write_text("\n".join(map(word_of, rows.tolist())))
    return len(rows)


def write_quirks(path: Path) -> Path:
    """Writes the quirks as text, and what is right about them as JSON beside it; returns the path of the latter."""
    rows = [*QUIRKS[:-1], REPEATED, QUIRKS[-1]]
    path.write_bytes("".join(f"{word} {numbers}\n" for word, numbers in rows).encode())
    right = [[word, [float(number) for number in numbers.split(" ")]] for word, numbers in QUIRKS]
    answers = path.with_suffix(".json")
    answers.write_text(json.dumps(right))
    return answers
