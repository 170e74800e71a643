"""The reports of a run folder: what they are made of, read; and written."""

import json
import webbrowser
from pathlib import Path
from typing import Any

from meltpoint.errors import DiskError, InputError, RunFolderError
from meltpoint.report.parts import LearningCurve, ReportParts
from meltpoint.run.drifting import read_drift
from meltpoint.run.folder import EXAMPLES, REPORT, RUN, write_bytes, write_text
from meltpoint.run.results import chosen_trials

PICTURES = (".svg", ".png")


def read_parts(folder: Path, verdict: dict[str, Any]) -> ReportParts:
    """Reads what a report is made of; what is not there is left out.

    Args:
        folder: A run folder.
        verdict: What its ``verdict.json`` holds.

    Raises:
        RunFolderError: A part is there and cannot be read.
    """
    return ReportParts(
        verdict=verdict,
        run=_document(folder / RUN) or {},
        drift=read_drift(folder),
        examples=_document(folder / EXAMPLES),
        curves=_curves(folder, verdict),
    )


def write_report(folder: Path, verdict: dict[str, Any], *, form: str = "html") -> Path:
    """Writes ``report.html``, or ``report.md``, into a run folder.

    Args:
        folder: The run folder.
        verdict: What its ``verdict.json`` holds.
        form: ``html`` or ``md``.

    Returns:
        The file.

    Raises:
        RunFolderError: A part of the folder cannot be read.
        DiskError: The file cannot be written.
    """
    # Charts take a second to import: only where a report is drawn.
    from meltpoint.report.page import render_html, render_markdown  # noqa: PLC0415

    if form not in {"html", "md"}:
        raise InputError(f"A report is written as html or md; found {form!r}.")
    path = folder / REPORT.with_suffix(f".{form}")
    parts = read_parts(folder, verdict)
    write_text(path, render_html(parts) if form == "html" else render_markdown(parts))
    return path


def write_charts(folder: Path, verdict: dict[str, Any], to: Path) -> list[Path]:
    """Writes every chart as SVG and PNG, and ``report.md``, which shows them.

    Returns:
        The files.

    Raises:
        DiskError: A file cannot be written.
    """
    from meltpoint.report.charts import CHARTS  # noqa: PLC0415
    from meltpoint.report.charts.pictures import draw_png, draw_svg  # noqa: PLC0415
    from meltpoint.report.page import render_markdown  # noqa: PLC0415

    parts = read_parts(folder, verdict)
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"Cannot make the folder {to}: {error}. Choose another with --charts.") from error
    written = []
    for chart in CHARTS:
        drawing = chart.draw(parts)
        if drawing is None:
            continue
        written += [to / f"{chart.name}.svg", to / f"{chart.name}.png"]
        write_text(written[-2], draw_svg(drawing))
        write_bytes(written[-1], draw_png(drawing))
    written.append(to / REPORT.with_suffix(".md"))
    write_text(written[-1], render_markdown(parts, charts="."))
    return written


def open_in_browser(path: Path) -> bool:
    """Opens a file in the user's browser; says whether there was one."""
    return webbrowser.open(path.resolve().as_uri())


def _document(path: Path) -> dict[str, Any] | None:
    """Reads a document of the folder; None where there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"Cannot read {path}: {error}. Delete it, and the report does without it.") from error
    if not isinstance(document, dict):
        raise RunFolderError(f"{path} should hold a JSON object; found {type(document).__name__}.")
    return document


def _curves(folder: Path, verdict: dict[str, Any]) -> tuple[LearningCurve, ...]:
    """Reads the learning curves of the chosen models at the largest size that was compared."""
    if not verdict["sizes"]:
        return ()
    size, repeats = verdict["sizes"][-1]["size"], verdict["sizes"][-1]["repeats"]
    return tuple(
        LearningCurve(
            policy=chosen.spec.policy,
            repeat=chosen.spec.split.repeat,
            best_step=chosen.result.best_step,
            steps=tuple(look.step for look in chosen.result.looks),
            scores=tuple(100 * look.score for look in chosen.result.looks),
        )
        for chosen in chosen_trials(folder)
        if chosen.spec.split.size == size
        and chosen.spec.architecture == verdict["architecture"]
        and chosen.spec.split.repeat < repeats
    )
