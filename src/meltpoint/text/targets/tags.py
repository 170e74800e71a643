"""A tag for each token, in the BIO scheme."""

import re
from collections.abc import Sequence

import numpy as np

from meltpoint.errors import DataFileError, InputError
from meltpoint.text.conll import CONLL_SUFFIXES
from meltpoint.text.labelled_rows import LabelledRows, is_null
from meltpoint.text.targets.base import NO_LABEL, TargetReader, Targets, rarest_label

OUTSIDE = "O"
_LEAST_STRATUM = 10


class Tags(TargetReader):
    """Reads tags: as many as the row has tokens; ``O``, ``B-type`` or ``I-type`` (IOB2).

    Tokens and tags are lists, or texts with blanks between them.
    """

    task = "tag"
    pairs = False
    grouped = False

    def read(self, name: str, train: LabelledRows, test: LabelledRows | None, *, label_column: str) -> Targets:
        """Reads the tags of every row and checks that every ``I-`` goes on with something."""
        parts = [part for part in (train, test) if part is not None]
        tags = [_tags_of(part, row) for part in parts for row in range(len(part.labels))]
        num_train = len(train.labels)
        types = sorted({tag[2:] for found in tags[:num_train] for tag in found if tag != OUTSIDE})
        if not types:
            raise InputError(
                f"Every token of the training rows of {name} is tagged {OUTSIDE!r} (column {label_column!r}): there is "
                "nothing to find. Name the column of the tags with --label."
            )
        unseen = sorted({tag[2:] for found in tags[num_train:] for tag in found if tag != OUTSIDE} - set(types))
        types += unseen
        # Both tags of every type, whether or not they occur: a model may say either.
        classes = (OUTSIDE, *(f"{mark}-{kind}" for kind in types for mark in "BI"))
        numbers = {tag: number for number, tag in enumerate(classes)}
        label_ids = np.full((len(tags), max(map(len, tags))), NO_LABEL, dtype=np.int64)
        for row, found in enumerate(tags):
            label_ids[row, : len(found)] = [numbers[tag] for tag in found]
        held = np.stack([(label_ids == numbers[f"B-{kind}"]).any(axis=1) for kind in types], axis=1)
        train_ids = label_ids[:num_train]
        notes = []
        if unseen:
            notes.append(
                f"entity types that only test rows have, so that no model can find them, count as missed: "
                f"{', '.join(map(repr, unseen))}"
            )
        return Targets(
            label_ids=label_ids,
            classes=classes,
            counts=np.bincount(train_ids[train_ids != NO_LABEL], minlength=len(classes)),
            strata=rarest_label(held, num_train, enough=_LEAST_STRATUM),
            notes=tuple(notes),
        )

    def text_of(self, rows: LabelledRows, row: int) -> str:
        """Returns the tokens with a blank between them: as they are, tokens are separated by blanks."""
        tokens = _items(rows.texts[row], rows.places[row], "tokens")
        for number, token in enumerate(tokens):
            if token.split() != [token]:
                raise DataFileError(
                    f"{_token_place(rows, row, number)}: a token is a word without blanks; found {token!r}."
                )
        return " ".join(tokens)


TAGS = Tags()


def _tags_of(rows: LabelledRows, row: int) -> Sequence[str]:
    tags = _items(rows.labels[row], rows.places[row], "tags")
    tokens = _items(rows.texts[row], rows.places[row], "tokens")
    if len(tags) != len(tokens):
        raise DataFileError(
            f"{rows.places[row]} has {len(tokens)} tokens and {len(tags)} tags; every token needs one tag."
        )
    for number, tag in enumerate(tags):
        if tag != OUTSIDE and not re.fullmatch(r"[BI]-.+", tag):
            raise DataFileError(
                f"{_token_place(rows, row, number)}: a tag is O, B-TYPE or I-TYPE (the scheme IOB2); found {tag!r}. "
                "Schemes with other marks (BILOU, BIOES) must be converted first."
            )
        before = tags[number - 1] if number else OUTSIDE
        if tag.startswith("I-") and before[2:] != tag[2:]:
            begin = "at the beginning of the sentence" if not number else f"after {before!r}"
            raise DataFileError(
                f"{_token_place(rows, row, number)}: {tag!r} goes on with nothing {begin} (token {tokens[number]!r}): "
                f"in the scheme IOB2 an entity begins with 'B-{tag[2:]}'. If the file is in IOB1, where B- only "
                f"separates neighbours, convert it: every I- that follows no tag of its type becomes B-."
            )
    return tags


def _items(cell: object, place: str, what: str) -> Sequence[str]:
    if isinstance(cell, str):
        items: Sequence[object] = cell.split()
    elif isinstance(cell, list | tuple):
        items = cell
    else:
        found = "nothing" if is_null(cell) else type(cell).__name__
        raise DataFileError(
            f"{place}: expected the {what} of a sentence, as a list or with blanks between; found {found}."
        )
    if not items:
        raise DataFileError(f"{place}: expected the {what} of a sentence, found none.")
    wrong = next((item for item in items if not isinstance(item, str)), None)
    if wrong is not None:
        raise DataFileError(f"{place}: expected {what} that are texts, found {wrong!r}.")
    return [str(item) for item in items]


def _token_place(rows: LabelledRows, row: int, number: int) -> str:
    """Names the line of a token where each has one, else the row and the token's number."""
    place = rows.places[row]
    file, _, line = place.rpartition(":")
    if file.endswith(CONLL_SUFFIXES) and line.isdecimal():
        return f"{file}:{int(line) + number}"
    return f"{place}, token {number + 1}"
