"""The verdict in the terminal, in words for the person who decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from meltpoint.counts import counted
from meltpoint.report.needed import needed_sentence
from meltpoint.report.plots import IntervalPlot, IntervalRow, sparkline
from meltpoint.report.schema import Document
from meltpoint.report.tables import plain_table
from meltpoint.report.wording import told_gain

MAX_REASONS = 3
"""The first reasons fit a terminal; verdict.json has them all."""
# From so many columns on, the table of policies has room for everything.
MIN_WIDTH = 75

_STYLES = {"fine-tune": "green", "freeze": "cyan", "equivalent": "cyan", "undecided": "yellow"}


def render_verdict(
    document: Document, costs: Document | None = None, *, needed_minutes: float | None = None
) -> RenderableType:
    """Renders a verdict.

    Args:
        document: As in ``verdict.json``.
        costs: Median seconds of a training by policy, as in ``run.json``; they differ between machines.
        needed_minutes: How long the repeats take that would decide, likewise.
    """
    parts: list[RenderableType] = [
        Panel(
            Text.from_markup(f"[bold]{headline(document)}[/bold]\n{_explanation(document, needed_minutes)}"),
            title="verdict",
            title_align="left",
            border_style=_STYLES[document["decision"]],
        )
    ]
    if document["policies"]:
        parts += [
            _Fitted(lambda options: _policy_table(document, costs or {}, options)),
            *_interval_plot(document),
            _Fitted(lambda options: _size_table(document, options)),
        ]
    if len(document["architectures"]) > 1:
        parts.append(_architecture_table(document))
    if document.get("depth"):
        parts.append(Text("By depth", style="bold"))
        parts += [Text(f"  {effect['family']}: {effect['sentence']}") for effect in document["depth"]]
    if reasons := document.get("explanation"):
        parts.append(Text("Why", style="bold"))
        parts += [Text(f"  - {reason['sentence']}") for reason in reasons[:MAX_REASONS]]
        parts += [Text(f"  - {one['sentence']}") for one in reasons[MAX_REASONS:] if one["cause"] == "next rows"]
    if document["caveats"]:
        parts.append(Text("Know before you rely on it", style="bold"))
        parts += [Text(f"  - {caveat}") for caveat in document["caveats"]]
    return Group(*parts)


def headline(document: Document) -> str:
    """Returns the answer in one sentence; a control that does better comes first."""
    better = [control for control in document["controls"] if control["credibly_better"]]
    lead = ""
    if better:
        best = max(better, key=lambda control: float(control["score"]))
        gain = best["gain_over_recommendation"]
        name = "TF-IDF + logistic regression" if best["control"] == "tf-idf" else "a random start, trained,"
        lead = (
            f"You may not need these vectors: {name} is better by {gain['points']:.1f} points "
            f"(95% interval {gain['low']:+.1f} to {gain['high']:+.1f}). Among the policies: "
        )
    policy, gain = document["policy"], document["gain"]
    spoken, aside = (_spoken(gain, document["metric"], inside=inside) for inside in (False, True))
    match document["decision"]:
        case "fine-tune":
            answer = f"fine-tune the embedding, policy '{policy}': it gains {spoken} over a frozen one."
        case "freeze":
            answer = f"freeze the embedding: the best other policy, '{gain['policy']}', loses ({aside})."
        case "equivalent":
            answer = (
                f"freeze the embedding: nothing gains the {document['rope']:g} points that would matter "
                f"(best: '{gain['policy']}', {aside})."
            )
        case _ if not document["policies"]:
            answer = "undecided: not one repeat was completed. Give it more time: --resume goes on."
        case _ if policy == gain["policy"]:
            answer = f"undecided; the better bet is '{policy}' (gain over frozen: {aside})."
        case _:
            answer = f"undecided; the better bet is '{policy}' (best gain over frozen: '{gain['policy']}', {aside})."
    return lead + (answer if lead else answer[:1].upper() + answer[1:])


def _explanation(document: Document, needed_minutes: float | None) -> str:
    lines = []
    if document["expected_regret"] is not None:
        lines.append(
            f"Choosing '{document['policy']}' costs {document['expected_regret']:.2f} points in expectation against "
            "the best choice, were it known."
        )
    if needed := needed_sentence(document, needed_minutes):
        lines.append(needed)
    lines.append(document["melting_point"]["sentence"])
    for control in document["controls"]:
        gain = control["gain_over_recommendation"]
        if gain["low"] is None:
            continue
        name = {"tf-idf": "TF-IDF + logistic regression", "scratch": "A random start, trained"}[control["control"]]
        lines.append(
            f"{name}: {control['score']:.1f}%, {_against(gain)} the recommendation by "
            f"{abs(gain['points']):.1f} points ({gain['low']:+.1f} to {gain['high']:+.1f})."
        )
    return "\n".join(lines)


def _against(gain: Document) -> str:
    return "ahead of" if gain["points"] > 0 else "behind"


def _spoken(gain: Document, metric: str, *, inside: bool) -> str:
    """Tells a gain with its interval: that in parentheses, unless the whole stands inside some."""
    if gain["points"] is None:
        return "not measured"
    told = f"{gain['points']:+.1f} points of {metric}"
    if gain["low"] is None:
        return f"{told}, no interval yet"
    interval = f"95% interval {gain['low']:+.1f} to {gain['high']:+.1f}"
    return f"{told}, {interval}" if inside else f"{told} ({interval})"


@dataclass(frozen=True)
class _Fitted:
    """What looks otherwise in a narrow terminal, or in one that knows ASCII only."""

    make: Callable[[ConsoleOptions], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.make(options)


def _interval_plot(document: Document) -> list[RenderableType]:
    """Draws every policy's gain with its interval, the largest first, against the ROPE."""
    cells = [cell for cell in document["sizes"][-1]["policies"] if cell["gain"] is not None]
    cells.sort(key=lambda cell: -cell["gain"]["points"])
    spoken_of = document["gain"]["policy"]
    rows = [
        IntervalRow(
            name=cell["policy"],
            style="bold" if cell["policy"] == spoken_of else "default",
            points=cell["gain"]["points"],
            low=_reachable(cell["gain"]["low"]),
            high=_reachable(cell["gain"]["high"]),
        )
        for cell in cells
    ]
    if not rows:
        return []
    title = Text("Gain over frozen, in points; the stripe is what would not matter (ROPE)", style="bold")
    return [title, IntervalPlot(rows, document["rope"]), Text()]


def _reachable(end: float | None) -> float | None:
    """Cuts an interval where no gain can be: few repeats give ends beyond 100 points."""
    return None if end is None else max(-100.0, min(100.0, end))


def _policy_table(document: Document, costs: Document, options: ConsoleOptions) -> Table:
    largest, metric, unit = document["sizes"][-1], document["metric"], document["unit"]
    table = plain_table(
        f"{document['architecture']}, {counted(largest['size'], 'training ' + unit)}, "
        f"{counted(largest['repeats'], 'repeat')}, {counted(largest['test_rows'], unit)} tested"
    )
    # What a narrow terminal has no room for is in the report.
    extra = ["train", "parameters", "seconds"][: 3 if options.max_width >= MIN_WIDTH else 0]
    table.add_column("policy", no_wrap=True)
    for heading in (metric, "gain over frozen", *extra):
        table.add_column(heading, justify="right", no_wrap=True)
    for policy in document["policies"]:
        recommended = policy["policy"] == document["policy"]
        facts = (
            f"{policy['train_score']:.1f}",
            f"{policy['trainable_parameters']:,}",
            _seconds(costs, document["architecture"], policy["policy"]),
        )
        table.add_row(
            policy["policy"] + (" *" if recommended else ""),
            f"{policy['score']:.1f}",
            _cell(policy["gain"]),
            *facts[: len(extra)],
            style="bold" if recommended else None,
        )
    for control in document["controls"]:
        if control["control"] == "tf-idf":
            row = next(one for one in largest["policies"] if one["policy"] == "tf-idf")
            rest = ("", "", _seconds(costs, "tf-idf", "tf-idf"))[: len(extra)]
            table.add_row("tf-idf", f"{control['score']:.1f}", _cell(row["gain"]), *rest, style="dim")
    table.caption = (
        f"* recommended. {metric[:1].upper()}{metric[1:]} in percent, gains in points with 95% intervals that hold for "
        f"all policies and all looks at once."
        + (f" Train: {metric} on the training {unit}s. Seconds: one training, median." if extra else "")
    )
    table.caption_justify = "left"
    return table


def _size_table(document: Document, options: ConsoleOptions) -> Table:
    """Every policy at every size; the small bars show how its gain goes from size to size, all on one scale."""
    sizes = document["sizes"]
    table = plain_table(f"By training {document['unit']}s: {document['metric']} (gain over frozen)")
    table.add_column("policy", no_wrap=True)
    for size in sizes:
        table.add_column(counted(size["size"], document["unit"]), justify="right")
    gains = [
        [None if cell["gain"] is None else cell["gain"]["points"] for cell in cells]
        for cells in zip(*(size["policies"] for size in sizes), strict=True)
    ]
    known = [gain for row in gains for gain in row if gain is not None]
    drawn = len(sizes) > 1 and bool(known) and not options.ascii_only
    if drawn:
        table.add_column("gain", no_wrap=True)
    for position, policy in enumerate(sizes[-1]["policies"]):
        cells = [size["policies"][position] for size in sizes]
        table.add_row(
            policy["policy"],
            *(
                f"{cell['score']:.1f}" + ("" if cell["gain"] is None else f" ({cell['gain']['points']:+.1f})")
                for cell in cells
            ),
            *([sparkline(gains[position], min(known), max(known))] if drawn else []),
        )
    return table


def _architecture_table(document: Document) -> Table:
    table = plain_table("By architecture")
    for heading in ("architecture", "decision", "policy", document["metric"], "gain over frozen"):
        table.add_column(heading)
    for one in document["architectures"]:
        table.add_row(one["architecture"], one["decision"], one["policy"], f"{one['score']:.1f}", _cell(one["gain"]))
    return table


def _cell(gain: Any) -> str:
    return "" if gain is None else told_gain(gain)


def _seconds(costs: Document, architecture: str, policy: str) -> str:
    seconds = costs.get(architecture, {}).get(policy)
    return "" if seconds is None else f"{seconds:.1f}"
