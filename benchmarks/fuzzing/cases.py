"""A case: a small tree of files, what to open in it, and what must come of it; kept as JSON when it finds a defect."""

import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Link:
    """A symbolic link in place of a file."""

    to: str


@dataclass(frozen=True, kw_only=True)
class Pipe:
    """A named pipe in place of a file: whoever opens it to read waits for ever."""


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder in place of a file."""


Entry = bytes | Link | Pipe | Folder


@dataclass(frozen=True, kw_only=True)
class Table:
    """The vectors that an unharmed file holds: V words and V x D numbers as little-endian float32."""

    words: list[str]
    numbers: bytes


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attempt.

    Attributes:
        reader: The reader that is meant to be tried.
        target: What to open, relative to the case's folder.
        entries: What lies in that folder, by relative path.
        options: Further arguments of ``open_vectors``.
        block_bytes: Where not 0, the files are also read as files of gigabytes are, in blocks of so many bytes.
        expected: What must be read, where nothing was harmed; else anything consistent or an error is right.
    """

    reader: str
    target: str
    entries: dict[str, Entry]
    options: dict[str, object] = field(default_factory=dict)
    block_bytes: int = 0
    expected: Table | None = None

    def lay_out(self, folder: Path) -> Path:
        """Writes the entries below ``folder`` and returns what to open."""
        for name, entry in self.entries.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            match entry:
                case Link(to=to):
                    path.symlink_to(to)
                case Pipe():
                    os.mkfifo(path)
                case Folder():
                    path.mkdir(exist_ok=True)
                case bytes():
                    path.write_bytes(entry)
        return folder / self.target

    def to_json(self) -> str:
        """Returns the case as text, every byte of it."""
        expected = self.expected and [self.expected.words, _encoded(self.expected.numbers)]
        entries = {name: _entry_to_json(entry) for name, entry in self.entries.items()}
        content = {
            "reader": self.reader,
            "target": self.target,
            "options": self.options,
            "block_bytes": self.block_bytes,
            "expected": expected,
            "entries": entries,
        }
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Case":
        """Returns the case that :meth:`to_json` wrote."""
        content = json.loads(text)
        expected = content["expected"] and Table(
            words=content["expected"][0], numbers=base64.b64decode(content["expected"][1])
        )
        entries = {name: _entry_from_json(*entry) for name, entry in content["entries"].items()}
        return cls(
            reader=content["reader"],
            target=content["target"],
            entries=entries,
            options=content["options"],
            block_bytes=content["block_bytes"],
            expected=expected,
        )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _entry_to_json(entry: Entry) -> tuple[str, str]:
    match entry:
        case Link(to=to):
            return "link", to
        case Pipe():
            return "pipe", ""
        case Folder():
            return "folder", ""
        case bytes():
            return "file", _encoded(entry)


def _entry_from_json(kind: str, content: str) -> Entry:
    if kind == "file":
        return base64.b64decode(content)
    return Link(to=content) if kind == "link" else Pipe() if kind == "pipe" else Folder()
