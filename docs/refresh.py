"""Runs the examples of README.md and docs/*.md and writes what they printed into the pages.

    python docs/refresh.py                      Python examples
    python docs/refresh.py --check              writes nothing; says where a page shows what is not printed
    python docs/refresh.py --commands FOLDER    also the commands, in FOLDER, which holds phrasebank.csv

A page's Python blocks run in one namespace, top to bottom; a ``text`` block right after one is its output. A block
whose title names a file of this repository shows that file, and runs alone, in a namespace of its own. A
``console`` block holds commands, each after ``$``, and their output; a block of commands alone shows usage and is left
as it is. A command that has been run in FOLDER before is not run again: its output is kept there.
"""

import argparse
import contextlib
import hashlib
import io
import os
import re
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WIDTH = "110"
PROMPT = "$ "
_FENCE = re.compile(r'^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# Where a line of a console block ends: a backslash goes on with the next.
_BREAK = re.compile(r"(?<!\\)\n")
# Lines that differ each time: how far a study has come.
_PROGRESS = re.compile(r"^\d[\d,]* of at most .*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: The word after the fence.
        body: What stands between the fences.
        start: Where the body starts in the page.
        line: Line number of its first line in the page, from 1.
        title: The file that it shows, where it shows one.
    """

    language: str
    body: str
    start: int
    line: int
    title: str | None = None


def pages() -> list[Path]:
    """Lists the pages that may hold examples."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str) -> list[Block]:
    """Finds the fenced blocks of a page, in order."""
    return [
        Block(
            language=found[1],
            title=found[2],
            body=found[3],
            start=found.start(3),
            line=page.count("\n", 0, found.start(3)) + 1,
        )
        for found in _FENCE.finditer(page)
    ]


def python_examples(page: str) -> list[tuple[Block, Block | None]]:
    """Pairs each Python block with the block of its output, or None where it shows none."""
    return [
        (block, after if after is not None and after.language == "text" else None)
        for block, after in pairwise([*blocks(page), None])
        if block is not None and block.language == "python"
    ]


def run_python(page: str, name: str) -> Iterator[tuple[Block, Block | None, str]]:
    """Runs a page's Python blocks in one namespace; yields each with its output block and what it printed."""
    namespace: dict[str, Any] = {"__name__": "__example__"}
    for block, shown in python_examples(page):
        printed = io.StringIO()
        if block.title is not None:
            with contextlib.redirect_stdout(printed):
                _run_file(ROOT / block.title)
            yield block, shown, printed.getvalue()
            continue
        # Blank lines before the code: a traceback then names the line of the page.
        code = compile("\n" * (block.line - 1) + block.body, name, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)  # noqa: S102 - the examples are ours
        yield block, shown, printed.getvalue()


def _run_file(path: Path) -> None:
    """Runs a script as ``python PATH`` would: it may import what stands beside it."""
    sys.path.insert(0, str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.path.remove(str(path.parent))


def commands(page: str) -> list[str]:
    """Lists the commands of a page's console blocks, continuation lines joined."""
    consoles = (block.body for block in blocks(page) if block.language == "console")
    lines = (line for body in consoles for line in _BREAK.split(body))
    return [line.removeprefix(PROMPT).replace("\\\n", " ") for line in lines if line.startswith(PROMPT)]


def refresh_python(path: Path) -> None:
    """Writes the outputs of a page's Python blocks into it."""
    page = path.read_text(encoding="utf-8")
    outputs = []
    for block, shown, printed in _ran(page, path):
        outputs += [(block, _file_shown(block))] if block.title is not None else []
        outputs += [(shown, printed)] if shown is not None else []
    _replace(path, page, outputs)


def check_python(path: Path) -> list[str]:
    """Runs a page's Python blocks and says where it shows something else than they print."""
    faults = []
    for block, shown, printed in _ran(path.read_text(encoding="utf-8"), path):
        if block.title is not None and block.body != _file_shown(block):
            faults.append(f"{path.name}:{block.line}: the page does not show what stands in {block.title}\n")
        expected = "" if shown is None else shown.body
        if printed != expected:
            faults.append(f"{path.name}:{block.line}: the page shows\n{expected}but the example prints\n{printed}")
    return faults


def _file_shown(block: Block) -> str:
    return (ROOT / str(block.title)).read_text(encoding="utf-8")


def _ran(page: str, path: Path) -> list[tuple[Block, Block | None, str]]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return list(run_python(page, path.name))


def refresh_commands(path: Path, folder: Path) -> None:
    """Writes the outputs of a page's commands into it."""
    page = path.read_text(encoding="utf-8")
    outputs = []
    for block in blocks(page):
        lines = _BREAK.split(block.body.rstrip("\n"))
        wanted = [line for line in lines if line.startswith(PROMPT)]
        if block.language == "console" and len(wanted) < len(lines):
            outputs.append((block, "".join(f"{line}\n{_output_of(line, folder)}" for line in wanted)))
    _replace(path, page, outputs)


def _output_of(line: str, folder: Path) -> str:
    """Runs a command in the folder, or returns what it printed when it was run before."""
    kept = folder / ".outputs" / f"{hashlib.blake2b(line.encode(), digest_size=8).hexdigest()}.txt"
    if not kept.is_file():
        environment = {**os.environ, "COLUMNS": WIDTH, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(  # noqa: S602 - the commands of our own pages, pipes among them
            line.removeprefix(PROMPT),
            shell=True,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        kept.parent.mkdir(exist_ok=True)
        printed = _PROGRESS.sub("", done.stderr) + done.stdout
        kept.write_text("".join(f"{row.rstrip()}\n" for row in printed.splitlines()), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def _replace(path: Path, page: str, outputs: list[tuple[Block, str]]) -> None:
    for block, output in reversed(outputs):
        page = page[: block.start] + output + page[block.start + len(block.body) :]
    path.write_text(page, encoding="utf-8")


def main() -> None:
    """Refreshes or checks the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--commands", type=Path, metavar="FOLDER")
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    chosen = parser.parse_args()
    faults: list[str] = []
    for path in [page.resolve() for page in chosen.pages] or pages():
        if chosen.check:
            faults += check_python(path)
            continue
        refresh_python(path)
        if chosen.commands is not None:
            refresh_commands(path, chosen.commands.resolve())
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
