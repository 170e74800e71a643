"""Which column holds the text and which the label: by the option, else by name, else by content; never by a guess."""

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from meltpoint.errors import InputError
from meltpoint.text.tables import Table

# The first of each settles the matter alone; of the others there must be only one.
_TEXT_NAMES = (
    "text", "sentence", "review", "question", "content", "document", "comment", "tweet", "message", "body", "utterance",
    "query", "headline", "snippet", "phrase", "description", "title", "tokens",
)  # fmt: skip
_LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "target",
    "polarity",
    "intent",
    "topic",
    "tags",
    "ner_tags",
)

_MOST_CLASSES = 100


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns in use."""

    text: str
    label: str
    group: str | None
    second_text: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, without the absent."""
        return tuple(name for name in (self.text, self.label, self.group, self.second_text) if name is not None)


def choose_columns(
    table: Table, *, text: str | None, label: str | None, group: str | None, second_text: str | None = None
) -> Columns:
    """Finds the columns of text and label; a group column and a second text are used only where they are named.

    Raises:
        InputError: A named column does not exist or is named twice, or what is not named cannot be told.
    """
    named = {"text": text, "label": label, "group": group, "second-text": second_text}
    for role, name in named.items():
        _check_named(table, role, name)
    given = [name for name in named.values() if name is not None]
    if len(set(given)) < len(given):
        found = ", ".join(f"{role} {name!r}" for role, name in named.items() if name is not None)
        raise InputError(f"Text, label, group and second text are different columns of {table.path}; found {found}.")
    if text is None:
        labels = {name for name in table.columns if name.strip().lower() in _LABEL_NAMES}
        text = _settle(table, "text", _TEXT_NAMES, taken=given, by_content=lambda names: _longest(table, names, labels))
    if label is None:
        taken = [*given, text]
        label = _settle(table, "label", _LABEL_NAMES, taken=taken, by_content=lambda names: _repeated(table, names))
    return Columns(text=text, label=label, group=group, second_text=second_text)


def choose_text(table: Table, text: str | None) -> str:
    """Finds the column of the texts alone.

    Raises:
        InputError: The named column does not exist, or none is named and it cannot be told.
    """
    _check_named(table, "text", text)
    if text is not None:
        return text
    labels = {name for name in table.columns if name.strip().lower() in _LABEL_NAMES}
    return _settle(table, "text", _TEXT_NAMES, taken=(), by_content=lambda names: _longest(table, names, labels))


def _check_named(table: Table, role: str, name: str | None) -> None:
    if name is not None and name not in table.columns:
        near = difflib.get_close_matches(name, table.columns, n=1)
        raise InputError(
            f"{table.path} has no column {name!r} (--{role}); its columns are {_listed(table.columns)}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )


def _settle(
    table: Table,
    role: str,
    known: Sequence[str],
    *,
    taken: Collection[str],
    by_content: Callable[[list[str]], list[str]],
) -> str:
    free = [name for name in table.columns if name not in taken]
    candidates = [name for name in free if name.strip().lower() == known[0]]
    candidates = candidates or [name for name in free if name.strip().lower() in known] or by_content(free)
    if len(candidates) == 1:
        return candidates[0]
    found = f"could be {' or '.join(map(repr, candidates))}" if candidates else "is none of them for sure"
    hint = ""
    if len(table.columns) == 1:
        hint = " There is only one column: is the separator the one that the suffix promises (comma for .csv)?"
    raise InputError(
        f"The columns of {table.path} are {_listed(table.columns)}; the {role} {found}. Name it with --{role} "
        f"(or {role}= in Python), or check that the first line is a header.{hint}"
    )


def _longest(table: Table, names: Sequence[str], labels: Collection[str]) -> list[str]:
    """The column of strings that are mostly distinct and the longest in the mean, with all that come near it."""
    means: dict[str, float] = {}
    for name in names:
        cells = table.columns[name]
        strings = [cell for cell in cells if isinstance(cell, str)]
        only_strings = all(isinstance(cell, str | None) for cell in cells)
        if name not in labels and only_strings and len(set(strings)) > len(cells) / 2:
            means[name] = sum(map(len, strings)) / len(cells)
    longest = max(means.values(), default=0.0)
    return [name for name, mean in means.items() if mean > longest / 2]


def _repeated(table: Table, names: Sequence[str]) -> list[str]:
    """The columns with at least two values but few: each stands in five rows in the mean."""
    few = min(_MOST_CLASSES, max(2, len(table) // 5))
    return [name for name in names if 2 <= len({str(cell) for cell in table.columns[name]}) <= few]


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in names)
