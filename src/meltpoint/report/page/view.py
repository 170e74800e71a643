"""What a page shows, taken from the parts of a run: words and tables, ready for a template."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from meltpoint.report.charts import CHARTS, Drawing
from meltpoint.report.charts.cost import training_megabytes
from meltpoint.report.drift import drift_sentence
from meltpoint.report.needed import needed_sentence
from meltpoint.report.page.drift_tables import DriftTable, drift_tables
from meltpoint.report.parts import ReportParts
from meltpoint.report.schema import Document
from meltpoint.report.terminal import headline

DECISIONS = {"fine-tune": "Fine-tune", "freeze": "Freeze", "equivalent": "No difference", "undecided": "Undecided"}
DIRECTIONS = {"fine-tune": "speaks for fine-tuning", "freeze": "speaks for freezing", "neither": ""}
MAX_CLASSES = 8


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart in the page: its words, its drawing, its table."""

    name: str
    title: str
    caption: str
    drawing: Drawing


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """One of the figures of the first screen.

    Attributes:
        label: What it is.
        value: The figure.
        note: What goes with it.
        span: The interval and the ROPE, in percent of the width of a bar; None for none.
    """

    label: str
    value: str
    note: str
    span: dict[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One thing that the verdict rests on.

    Attributes:
        subject: What it is about, as the sentence names it first.
        finding: The rest of the sentence.
        direction: What it speaks for; empty where it only informs.
    """

    subject: str
    finding: str
    direction: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report, ready to be written.

    Attributes:
        title: Of the window.
        decision: The decision word, as the verdict has it.
        decision_title: The same for people.
        headline: The answer in one sentence.
        scope: What it was measured on: short phrases.
        key_figures: Gain, melting point, expected regret.
        parts: What the page is made of, for what the templates show as it stands.
        figures: The charts that could be drawn, by name.
        facts: How the study was made: names and values.
        sources: Where the numbers are from: names and files.
        command: That repeats the study; empty where it is not known.
        words: For the search: by word, what is known of it.
        drift_tables: What moved, in numbers.
    """

    title: str
    decision: str
    decision_title: str
    headline: str
    scope: tuple[str, ...]
    key_figures: tuple[KeyFigure, ...]
    parts: ReportParts
    figures: dict[str, Figure]
    facts: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    command: str
    words: dict[str, Any]
    drift_tables: tuple[DriftTable, ...]

    @property
    def verdict(self) -> Document:
        """``verdict.json``."""
        return self.parts.verdict

    @property
    def suggestions(self) -> list[str]:
        """Words that the search offers: those whose neighbours are kept."""
        return [word["word"] for word in (self.parts.drift or {}).get("words", [])]

    @property
    def units(self) -> str:
        """What training sizes and tests count: rows, questions or sentences."""
        return _units(self.verdict)

    @property
    def reasons(self) -> list[Reason]:
        """Why the verdict is what it is, and what would change it."""
        # What further repeats would decide is told with the answer, with the time that they take.
        told = [one for one in self.verdict["explanation"] if one["cause"] != "precision" or not self.needed]
        return [_reason(one) for one in told]

    @property
    def needed(self) -> str:
        """What an undecided study would still take, in a sentence."""
        return needed_sentence(self.verdict, self.parts.run.get("needed_minutes"))

    @property
    def moved(self) -> str:
        """What moved, in a sentence."""
        return "" if self.parts.drift is None else drift_sentence(self.parts.drift)

    def megabytes(self, parameters: int) -> str:
        """Writes how much memory the training of so many numbers keeps."""
        return f"{training_megabytes(parameters):,.1f} MB"

    def figures_of(self, names: Iterable[str]) -> list[Figure]:
        """Returns those of the figures that could be drawn."""
        return [self.figures[name] for name in names if name in self.figures]


def make_page(parts: ReportParts) -> Page:
    """Takes from the parts of a run what its page shows."""
    verdict = parts.verdict
    drawings = [(chart, chart.draw(parts)) for chart in CHARTS]
    return Page(
        title=f"{verdict['data']['name']}: {DECISIONS[verdict['decision']].lower()}",
        decision=verdict["decision"],
        decision_title=DECISIONS[verdict["decision"]],
        headline=headline(verdict),
        scope=_scope(verdict),
        key_figures=(_gain(verdict), _melting_point(verdict), _regret(verdict)),
        parts=parts,
        figures={
            chart.name: Figure(name=chart.name, title=chart.title, caption=chart.caption, drawing=drawing)
            for chart, drawing in drawings
            if drawing is not None
        },
        facts=tuple(_facts(parts)),
        sources=tuple(_sources(parts)),
        command=_command(parts.run),
        words=_words(parts.drift),
        drift_tables=() if parts.drift is None else drift_tables(parts.drift),
    )


def _scope(verdict: Document) -> tuple[str, ...]:
    data, vectors = verdict["data"], verdict["vectors"]
    return (
        f"{data['name']}, {data['rows']:,} labelled rows",
        f"{vectors['name']}, {vectors['words']:,} words x {vectors['dim']}",
        f"architecture {verdict['architecture']}",
    )


def _gain(verdict: Document) -> KeyFigure:
    gain = verdict["gain"]
    if gain["points"] is None:
        return KeyFigure(label="Gain over frozen", value="not measured", note="No repeat was completed.")
    label = f"Gain of {gain['policy']} over frozen"
    value = f"{gain['points']:+.1f} points"
    if gain["low"] is None or gain["high"] is None:
        return KeyFigure(label=label, value=value, note="No interval yet: a single repeat shows no noise.")
    rope = verdict["rope"]
    ends = [gain["low"], gain["high"], -2 * rope, 2 * rope]
    width = (max(ends) - min(ends)) or 1.0

    def percent(points: float) -> float:
        return round(100 * (points - float(min(ends))) / float(width), 2)

    return KeyFigure(
        label=label,
        value=value,
        note=f"95% interval {gain['low']:+.1f} to {gain['high']:+.1f}; below {rope:g} points nothing matters",
        span={
            "low": percent(gain["low"]),
            "high": percent(gain["high"]),
            "points": percent(gain["points"]),
            "rope_low": percent(-rope),
            "rope_high": percent(rope),
            "zero": percent(0.0),
        },
    )


def _melting_point(verdict: Document) -> KeyFigure:
    point = verdict["melting_point"]
    values = {
        "between": "{low:,} to {high:,} {units}",
        "below": "at most {high:,} {units}",
        "above": "above {low:,} {units}",
        "none": "none found",
    }
    value = values.get(point["kind"], "not resolved").format(
        low=point["low"], high=point["high"], units=_units(verdict)
    )
    return KeyFigure(label="Melting point", value=value, note=point["sentence"])


def _regret(verdict: Document) -> KeyFigure:
    regret = verdict["expected_regret"]
    if regret is None:
        return KeyFigure(label="Price of being wrong", value="not measured", note=verdict["reason"])
    return KeyFigure(
        label="Price of being wrong",
        value=f"{regret:.2f} points",
        note=f"Expected regret of choosing {verdict['policy']}, against the best choice, were it known.",
    )


def _facts(parts: ReportParts) -> Iterable[tuple[str, str]]:
    verdict, run = parts.verdict, parts.run
    design, data, vectors = verdict["design"], verdict["data"], verdict["vectors"]
    repeats = ", ".join(f"{count} at {int(size):,} {_units(verdict)}" for size, count in design["repeats"].items())
    yield "Ended", _ENDINGS[verdict["ended"]]
    yield "Tested on", design["test"]
    yield "Complete repeats", f"{repeats or 'none'}; at most {design['max_repeats']}"
    yield "Search", f"{design['search_trials']} configurations for each policy, chosen on validation rows"
    if verdict["level"] is not None:
        yield "Error of this look", f"{verdict['level']:g}, of 0.05 over all looks"
    yield "ROPE", f"{verdict['rope']:g} points"
    yield "Unknown words", f"{design['unknown_words']}; texts are cut at {design['max_tokens']:,} words"
    yield "Master seed", str(design["seed"])
    yield "Data", f"{data['name']}, digest {data['digest']}"
    yield "Classes", _classes(data["classes"])
    licence = f", {vectors['licence']}" if vectors["licence"] else ""
    yield "Vectors", f"{vectors['name']}, digest {vectors['digest']}{licence}; tokenizer {vectors['tokenizer']}"
    if "started" in run:
        yield "Run", f"{run['started']}, {run['seconds']:,.0f} s, {run['trials']:,} trials"
    if machine := run.get("machine"):
        where = ", ".join(str(machine[key]) for key in ("processor", "system") if machine.get(key))
        yield "Machine", f"{where}, {machine.get('cores', '?')} cores"
    if versions := run.get("versions"):
        yield "Versions", ", ".join(f"{name} {version}" for name, version in versions.items())


_ENDINGS = {
    "decided": "it was decided",
    "out of reach": "a decision was out of reach of further repeats",
    "repeats": "all repeats were done",
    "budget": "the time budget was spent",
    "interrupted": "it was interrupted; --resume goes on",
}


def _classes(counts: dict[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:MAX_CLASSES]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _sources(parts: ReportParts) -> Iterable[tuple[str, str]]:
    yield "verdict.json", "the answer, gains and intervals, scores, controls, coverage, what was searched"
    yield "study.db", "learning curves and predictions: every trial (meltpoint results)"
    if parts.run:
        yield "run.json", "seconds, machine, versions, the command"
    if parts.drift is not None:
        yield "drift.json", "what moved: the map, neighbours, drift"
    if parts.examples is not None:
        yield "examples.json", "texts on which the policies differ"


def _command(run: Document) -> str:
    command: Sequence[str] = run.get("command") or ()
    return shlex.join(["meltpoint", *command[1:]]) if command else ""


def _words(drift: Document | None) -> dict[str, Any]:
    """What the search knows of a word: how often it was seen, how far it turned, its neighbours."""
    found: dict[str, Any] = {}
    for word in [*((drift or {}).get("map") or []), *((drift or {}).get("words") or [])]:
        known = found.setdefault(word["word"], {})
        known.update(count=word["count"], cosine=word["cosine"])
        if "neighbours_before" in word:
            known.update(before=word["neighbours_before"], after=word["neighbours_after"])
    return found


def _units(verdict: Document) -> str:
    return f"{verdict['unit']}s"


def _reason(told: Document) -> Reason:
    subject, _, finding = told["sentence"].partition(": ")
    direction = DIRECTIONS.get(told["direction"], f"speaks for {told['direction']}")
    # A sentence that names no subject first is told whole.
    return Reason(subject=subject if finding else "", finding=finding or subject, direction=direction)
