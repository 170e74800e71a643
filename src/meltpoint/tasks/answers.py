"""What a trained model is asked, and what it answers."""

from dataclasses import dataclass
from typing import Any

import msgspec

PROBABILITY_DIGITS = 6


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One line of input. As a struct it is made in a quarter of the time of a dataclass: there may be millions.

    Attributes:
        asked: What the line of output repeats of it.
        rows: The texts of each row that the model reads for it: one text, or two where it reads pairs.
    """

    asked: dict[str, Any]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One line of output.

    Attributes:
        label: The answer: a class; a tuple of labels; the best candidate; a tuple of tags.
        probabilities: Of classes or labels, by name; empty where the task has none.
        details: What else the line says.
    """

    label: Any
    probabilities: dict[str, float]
    details: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what one line of output says."""
        if self.details is not None:
            return self.details
        return {
            "label": self.label,
            "probabilities": {name: round(value, PROBABILITY_DIGITS) for name, value in self.probabilities.items()},
        }
