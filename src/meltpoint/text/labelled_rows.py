"""Raw cells of labelled rows, and where each stands: what targets and texts are read from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meltpoint.errors import DataFileError

_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Raw cells of some rows, and where each stands (``file:line``), for the texts of errors."""

    texts: Sequence[object]
    labels: Sequence[object]
    groups: Sequence[object] | None
    places: Sequence[str]
    second_texts: Sequence[object] | None = None

    def only(self, kept: Sequence[int]) -> "LabelledRows":
        """Returns the rows of those numbers."""
        return LabelledRows(
            texts=[self.texts[row] for row in kept],
            labels=[self.labels[row] for row in kept],
            groups=None if self.groups is None else [self.groups[row] for row in kept],
            places=[self.places[row] for row in kept],
            second_texts=None if self.second_texts is None else [self.second_texts[row] for row in kept],
        )

    def label_of(self, row: int) -> str:
        """Returns the one label of a row.

        Raises:
            DataFileError: There is none, or more than one.
        """
        label = self.labels[row]
        if is_null(label) or (isinstance(label, str) and not label.strip()):
            raise DataFileError(f"{self.places[row]} has no label; every row needs one. Label it or take it out.")
        if isinstance(label, list | dict | tuple | set):
            raise DataFileError(f"{self.places[row]}: expected one label, found {type(label).__name__} {label!r}.")
        return str(label).strip()

    def examples(self, rows: Sequence[int]) -> str:
        """Names the places of the first few of these rows."""
        more = ", ..." if len(rows) > _EXAMPLES else ""
        return ", ".join(self.places[row] for row in rows[:_EXAMPLES]) + more


def text_of(cell: object, place: str) -> str:
    """Returns the text in a cell; one of blanks alone is empty.

    Raises:
        DataFileError: It holds no text.
    """
    match cell:
        case null if is_null(null):
            return ""
        case str(text):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise DataFileError(
                    f"{place}: the text holds half of a surrogate pair at character {error.start}, which "
                    "is not Unicode text; the program that wrote it cut a character in two."
                ) from error
            return text if text.strip() else ""
        case bool() | int() | float() as number:
            return str(number)
        case other:
            raise DataFileError(f"{place}: expected a text, found {type(other).__name__}.")


def is_null(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
