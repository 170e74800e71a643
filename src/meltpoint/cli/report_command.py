"""The command that shows a run again, and what a study does with its report at its end."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.output import TRACE_OPTION, print_json, results, warn
from meltpoint.errors import MeltpointError

if TYPE_CHECKING:
    from meltpoint.run import Run
    from meltpoint.text import Corpus


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    form: Annotated[
        Literal["html", "md", "json"] | None,
        typer.Option("--format", help="Write report.html or report.md only, or print verdict.json."),
    ] = None,
    charts: Annotated[
        Path | None, typer.Option("--charts", metavar="DIR", help="Also write every chart there, as SVG and PNG.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open report.html in the browser.")] = False,
    as_json: shared.JsonOption = False,
) -> None:
    """Show the verdict of a run again, and write its report.html."""
    from meltpoint.run import Run  # noqa: PLC0415
    from meltpoint.run.reporting import open_in_browser, write_charts  # noqa: PLC0415

    opened = Run.open(run)
    if as_json or form == "json":
        print_json(opened.verdict)
        return
    if form is None:
        from meltpoint.report import render_verdict  # noqa: PLC0415

        results.print(render_verdict(opened.verdict, opened.costs, needed_minutes=opened.needed_minutes))
    written = opened.report(form or "html")
    results.print(f"report   {written}", markup=False, soft_wrap=True)
    if charts is not None:
        files = write_charts(opened.folder, opened.verdict, charts)
        results.print(f"charts   {charts}: {len(files)} files", markup=False, soft_wrap=True)
    if show:
        page = written if written.suffix == ".html" else opened.report("html")
        if not open_in_browser(page):
            warn(f"no browser could be started; open {page} yourself.")


def write_report(run: "Run", corpus: "Corpus", *, keep_examples: bool) -> Path | None:
    """Writes the report of a study that has ended. The study stands, whatever becomes of it.

    Args:
        run: The study.
        corpus: Its texts.
        keep_examples: Keep the texts on which the policies differ in the run folder, and show them.

    Returns:
        The file; None where it could not be written, which is said in one line.
    """
    from meltpoint.run.examples import keep_changed_examples  # noqa: PLC0415

    try:
        if keep_examples:
            keep_changed_examples(run.folder, run.verdict, corpus)
        return run.report()
    except MeltpointError as error:
        warn(f"no report.html: {error}")
    except Exception as error:
        # Hours of training must not end in a traceback about a picture.
        if TRACE_OPTION in sys.argv:
            raise
        warn(
            f"no report.html: a defect of meltpoint ({type(error).__name__}: {error}). The study is whole; please "
            f"report what `meltpoint report {run.folder}` prints."
        )
    return None
