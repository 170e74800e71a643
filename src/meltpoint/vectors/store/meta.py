"""What reading a source came to: ``meta.json`` of a store, read by those who ask for it."""

import json
from typing import NamedTuple, Self


class SubwordMeta(NamedTuple):
    """What n-grams a store has vectors of.

    Attributes:
        min_n: The fewest characters of an n-gram.
        max_n: The most characters of an n-gram.
    """

    min_n: int
    max_n: int


class StoreMeta(NamedTuple):
    """The content of ``meta.json``.

    Attributes:
        file_format: What the source was read as.
        rows_read: Rows in the source, repeated words and skipped rows among them.
        duplicates: Rows left out because their word had come before.
        skipped: Rows left out because they could not be used.
        skipped_places: Where the first of these stand.
        lowercase: Whether lower-casing changes no word.
        digest: Hex BLAKE3-128 over dimension, words and matrix, and over subwords and attachments where there are any.
        subwords: What n-grams there are vectors of, if any.
    """

    file_format: str
    rows_read: int
    duplicates: int
    skipped: int
    skipped_places: list[str]
    lowercase: bool
    digest: str
    subwords: SubwordMeta | None

    def to_json(self) -> bytes:
        """Returns the content of ``meta.json``."""
        subwords = None if self.subwords is None else self.subwords._asdict()
        return (json.dumps(self._asdict() | {"subwords": subwords}, indent=1) + "\n").encode("ascii")

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Reads what :meth:`to_json` has written."""
        facts = json.loads(content)
        if facts["subwords"] is not None:
            facts["subwords"] = SubwordMeta(**facts["subwords"])
        return cls(**facts)
