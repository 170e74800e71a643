"""The entry point: commands, and what an error looks like.

Exit codes: 0 done; 2 wrong input, one paragraph on standard error; 3 interrupted, resumable; 1 a defect of ours.
"""

import functools
import os
import sys
import traceback
from collections.abc import Callable

import typer

from meltpoint.cli.data_commands import profile
from meltpoint.cli.drift_command import drift
from meltpoint.cli.export_command import export
from meltpoint.cli.output import TRACE_OPTION, errors
from meltpoint.cli.policies_command import policies
from meltpoint.cli.predict_command import predict
from meltpoint.cli.report_command import report
from meltpoint.cli.results_command import results
from meltpoint.cli.study_commands import demo, study
from meltpoint.cli.train_command import train
from meltpoint.cli.vector_commands import get, info, list_
from meltpoint.cli.vector_use_commands import analogy, convert, evaluate, search
from meltpoint.errors import MeltpointError

EXIT_DEFECT, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 3


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turns what a command raises into a message and an exit code, before typer does so in its own way."""

    @functools.wraps(command)
    def guarded(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except MeltpointError as error:
            if TRACE_OPTION in sys.argv:
                traceback.print_exc()
            errors.print(f"meltpoint: {error}", markup=False, soft_wrap=True)
            sys.exit(EXIT_INPUT)
        except KeyboardInterrupt:
            errors.print("meltpoint: interrupted.", markup=False)
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output has gone (`| head`); Python must not try to flush to it again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception:  # noqa: BLE001 - the last place where a defect can be told from wrong input
            traceback.print_exc()
            errors.print(
                "meltpoint: this is a defect of meltpoint, not of your input. Please report it with the lines above.",
                markup=False,
            )
            sys.exit(EXIT_DEFECT)

    return guarded


app = typer.Typer(
    name="meltpoint",
    help="Should your pretrained word embeddings be frozen or fine-tuned? Measured on your data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, study, profile, train, predict, drift, export, policies, report, results):
    app.command()(_guarded(command))

vectors_app = typer.Typer(help="Find, get, look into and convert word vectors.", no_args_is_help=True)
VECTOR_COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "info": info,
    "get": get,
    "search": search,
    "analogy": analogy,
    "evaluate": evaluate,
    "convert": convert,
}
for name, vector_command in VECTOR_COMMANDS.items():
    vectors_app.command(name)(_guarded(vector_command))
app.add_typer(vectors_app, name="vectors")


def main() -> None:
    """Runs the command line and exits."""
    app([argument for argument in sys.argv[1:] if argument != TRACE_OPTION])
