"""The command that says which policies there are."""

from typing import TYPE_CHECKING

from rich.table import Table

from meltpoint.cli import options as shared
from meltpoint.cli.output import print_json, results

if TYPE_CHECKING:
    from meltpoint.embedding import Policy


def policies(as_json: shared.JsonOption = False) -> None:
    """List the ways in which an embedding may change, with what a study tries of each."""
    from meltpoint.embedding import POLICIES  # noqa: PLC0415
    from meltpoint.studies import DEFAULT_POLICIES  # noqa: PLC0415

    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "summary": policy.summary,
                    "search_values": {knob: list(values) for knob, values in policy.search_values.items()},
                    "standard": name in DEFAULT_POLICIES,
                }
                for name, policy in POLICIES.items()
            ]
        )
        return
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for heading in ("policy", "what happens to the embedding", "a study tries"):
        table.add_column(heading)
    for name, policy in POLICIES.items():
        table.add_row(f"{name} *" if name in DEFAULT_POLICIES else name, policy.summary, _knobs_of(policy))
    results.print(table)
    results.print("* tried by 'meltpoint study' unless --policy says otherwise; --policy all tries every one.")


def _knobs_of(policy: "type[Policy]") -> str:
    found = policy.search_values.items()
    return "; ".join(f"{knob} {', '.join(f'{value:g}' for value in sorted(values))}" for knob, values in found)
