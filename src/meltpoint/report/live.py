"""Live progress of a study: what is running, what is known so far, and how much time is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from meltpoint.counts import counted
from meltpoint.studies import Findings, Snapshot
from meltpoint.studies.plan import BASELINE

PLAIN_EVERY_SECONDS = 20.0


@contextmanager
def watching(console: Console, *, quiet: bool = False) -> Iterator[Callable[[Snapshot], None]]:
    """Shows a study while the block runs: redrawn in a terminal, a line now and then elsewhere, nothing if quiet."""
    if quiet:
        yield lambda _: None
        return
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda snapshot: live.update(render_snapshot(snapshot))
        return
    last = 0.0

    def tell(snapshot: Snapshot) -> None:
        nonlocal last
        if snapshot.elapsed_seconds - last >= PLAIN_EVERY_SECONDS:
            last = snapshot.elapsed_seconds
            console.print(f"{_progress(snapshot)}; {_known(snapshot.findings)}", highlight=False, soft_wrap=True)

    yield tell


def render_snapshot(snapshot: Snapshot) -> RenderableType:
    """Renders a study as it stands."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=snapshot.num_planned, completed=snapshot.num_done, width=30), Text(_progress(snapshot))
    )
    unit = snapshot.findings.task.unit
    running = [
        f"{spec.architecture} / {spec.policy} at {counted(spec.split.size, unit)}, repeat {spec.split.repeat + 1}"
        for spec, *_ in snapshot.running
    ]
    # A study in this process tells how far it is between two trials, when nothing runs.
    now = [Text(f"running: {'; '.join(running)}", style="dim", overflow="ellipsis", no_wrap=True)] if running else []
    return Group(
        bar,
        *now,
        Text(f"so far: {_known(snapshot.findings)}", overflow="ellipsis", no_wrap=True),
    )


def _progress(snapshot: Snapshot) -> str:
    left = "estimating" if snapshot.seconds_left is None else f"at most {_clock(snapshot.seconds_left)} left"
    return (
        f"{snapshot.num_done:,} of at most {snapshot.num_planned:,} trials, {_clock(snapshot.elapsed_seconds)}, {left}"
    )


def _known(findings: Findings) -> str:
    """Says the mean gain of each policy over frozen, in repeats where both are finished, at the largest size."""
    plan = findings.plan
    size = plan.sizes[-1]
    known = []
    for architecture in plan.architectures:
        gains = []
        for policy in plan.candidates:
            differences = []
            for repeat in range(plan.max_repeats):
                frozen = findings.chosen(architecture, BASELINE, repeat, size)
                other = findings.chosen(architecture, policy, repeat, size)
                if frozen is None or other is None:
                    break
                differences.append(100 * (other.test_score - frozen.test_score))
            if differences:
                gains.append(f"{policy} {fmean(differences):+.1f} ({len(differences)})")
        if gains:
            known.append(
                f"{architecture} at {counted(size, findings.task.unit)}, gain over frozen (repeats): "
                + ", ".join(gains)
            )
    return "; ".join(known) or "nothing yet"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
