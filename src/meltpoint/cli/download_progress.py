"""Live progress of a download, on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from meltpoint.vectors.download import Progress

PLAIN_EVERY_SECONDS = 20.0


@contextmanager
def following(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Shows a download while the block runs: a bar for each file in a terminal, a line now and then elsewhere."""
    follow = _bars if console.is_terminal else _lines
    with follow(console) as watch:
        yield watch


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[Progress], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        tasks = {}

        def watch(progress: Progress) -> None:
            if progress.name not in tasks:
                tasks[progress.name] = bars.add_task(progress.name, total=None)
            bars.update(tasks[progress.name], completed=progress.received_bytes, total=progress.total_bytes)
            if progress.note is not None:
                console.print(_note(progress), markup=False, soft_wrap=True)

        yield watch


@contextmanager
def _lines(console: Console) -> Iterator[Callable[[Progress], None]]:
    last_seconds = time.monotonic()

    def watch(progress: Progress) -> None:
        nonlocal last_seconds
        if progress.note is not None:
            console.print(_note(progress), markup=False, soft_wrap=True)
        elif time.monotonic() - last_seconds >= PLAIN_EVERY_SECONDS:
            last_seconds = time.monotonic()
            total = "" if progress.total_bytes is None else f" of {progress.total_bytes / 1e6:,.0f}"
            received = f"{progress.received_bytes / 1e6:,.0f}"
            console.print(f"{progress.name}: {received}{total} MB", markup=False, soft_wrap=True)

    yield watch


def _note(progress: Progress) -> str:
    return f"{progress.name}: {progress.note}"
