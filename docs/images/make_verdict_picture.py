"""Draws docs/images/verdict.svg: the verdict of a run, as the terminal shows it."""

import argparse
import io
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from meltpoint.report import render_verdict
from meltpoint.run import Run

COLUMNS = 118
PICTURE = Path(__file__).with_name("verdict.svg")
# Rich's own picture names a web font; a picture that opens offline does with what is there.
FONTS = '"Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace'


def main() -> None:
    """Draws the picture of the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    run = Run.open(parser.parse_args().run)
    console = Console(record=True, width=COLUMNS, highlight=False, file=io.StringIO(), force_terminal=True)
    console.print(render_verdict(run.verdict, run.costs, needed_minutes=run.needed_minutes))
    # The same run gives the same bytes: the ids in the picture are made from its name, not from chance.
    svg = console.export_svg(title="meltpoint report", theme=MONOKAI, unique_id="verdict")
    PICTURE.write_text(_without_web_fonts(svg), encoding="utf-8")


def _without_web_fonts(svg: str) -> str:
    """Takes the fonts out that a viewer would fetch from the web."""
    while (start := svg.find("@font-face")) >= 0:
        svg = svg[:start] + svg[svg.index("}", start) + 1 :].lstrip()
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


if __name__ == "__main__":
    main()
