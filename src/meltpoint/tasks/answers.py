"""What a trained model is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

PROBABILITY_DIGITS = 6


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One line of input. As a struct it is made in a quarter of the time of a dataclass: there may be millions.

    Attributes:
        asked: What the line of output repeats of it.
        rows: The texts of each row that the model reads for it: one text, or two where it reads pairs.
    """

    asked: dict[str, Any]
    rows: tuple[tuple[str, ...], ...]


class Queries(Sequence[Query]):
    """Many queries of one task, also by columns."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self._queries = queries

    def __len__(self) -> int:
        return len(self._queries)

    @overload
    def __getitem__(self, index: int) -> Query: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Query]: ...
    def __getitem__(self, index: int | slice) -> Query | Sequence[Query]:
        return self._queries[index]

    @property
    def asked(self) -> Mapping[str, Sequence[Any]]:
        """What each line of output repeats, by key."""
        keys = self._queries[0].asked if self._queries else ()
        return {key: [query.asked[key] for query in self._queries] for key in keys}

    @cached_property
    def texts(self) -> Sequence[str]:
        """The texts of all rows of all queries, one after another."""
        return list(chain.from_iterable(chain.from_iterable(query.rows for query in self._queries)))

    @cached_property
    def num_rows(self) -> NDArray[np.int64]:
        """How many rows each query has, ``(Q,)``."""
        return np.array([len(query.rows) for query in self._queries], dtype=np.int64)


class TextQueries(Queries):
    """Queries that are a text each. Of millions, most are only read and said again: none is made unless asked for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Query: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Query]: ...
    def __getitem__(self, index: int | slice) -> Query | Sequence[Query]:
        if isinstance(index, slice):
            return TextQueries(self._texts[index])
        text = self._texts[index]
        return Query(asked={"text": text}, rows=((text,),))

    @property
    def asked(self) -> Mapping[str, Sequence[Any]]:
        """The texts."""
        return {"text": self._texts}

    @property
    def texts(self) -> Sequence[str]:
        """The texts."""
        return self._texts

    @property
    def num_rows(self) -> NDArray[np.int64]:
        """One each."""
        return np.ones(len(self), dtype=np.int64)


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
