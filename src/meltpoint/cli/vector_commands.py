"""The commands that say which vectors there are, and that get them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meltpoint.cli import options as shared
from meltpoint.cli.output import errors, print_json, results
from meltpoint.errors import InputError

if TYPE_CHECKING:
    from meltpoint.vectors.catalogue import CatalogueEntry

FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="Where to keep the files; by default beside the stores.")
]


def list_(as_json: shared.JsonOption = False) -> None:
    """List the vectors that can be opened by name."""
    from meltpoint.cli.vector_facts import entry_facts, render_catalogue  # noqa: PLC0415
    from meltpoint.vectors.catalogue import CATALOGUE  # noqa: PLC0415

    if as_json:
        print_json([entry_facts(entry) for entry in CATALOGUE])
    else:
        results.print(render_catalogue(CATALOGUE, results))


def info(
    source: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A catalogue name, or vectors on this machine.")],
    member: shared.MemberOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Show what is known of vectors: of a name from the catalogue, of a file from what is in it."""
    from meltpoint.cli.vector_facts import content_facts, entry_facts, render_contents, render_entry  # noqa: PLC0415
    from meltpoint.vectors import open_vectors  # noqa: PLC0415
    from meltpoint.vectors.catalogue import find_entry  # noqa: PLC0415
    from meltpoint.vectors.catalogue.places import state_of  # noqa: PLC0415

    entry = find_entry(source)
    is_here = entry is None or state_of(entry) in {"downloaded", "installed"}
    vectors = open_vectors(source, member=member) if is_here else None
    if as_json:
        document: dict[str, Any] = {} if entry is None else {"catalogue": entry_facts(entry)}
        print_json(document if vectors is None else document | {"vectors": content_facts(vectors)})
        return
    if entry is not None:
        results.print(render_entry(entry))
    if vectors is not None:
        results.print(str(vectors.report), markup=False, soft_wrap=True)
        results.print(render_contents(vectors))


def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A catalogue name; see: meltpoint vectors list.")],
    folder: FolderOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Download a set of the catalogue and open it once; an interrupted download goes on at the next call."""
    from meltpoint.cli.download_progress import following  # noqa: PLC0415
    from meltpoint.cli.vector_facts import content_facts, licence_text, size_text, words_text  # noqa: PLC0415
    from meltpoint.vectors import open_vectors  # noqa: PLC0415
    from meltpoint.vectors.download import get_vectors  # noqa: PLC0415

    entry = _entry_named(name)
    if not as_json:
        errors.print(
            f"{entry.name}: {words_text(entry)} words x {entry.dim}, {size_text(entry)}, licence {licence_text(entry)}",
            markup=False,
            soft_wrap=True,
        )
    try:
        with following(errors) as watch:
            place = get_vectors(entry, folder, watch=watch)
    except KeyboardInterrupt:
        errors.print("what has arrived is kept: the same command goes on from there.")
        raise
    vectors = open_vectors(entry.name)
    if as_json:
        print_json({"name": entry.name, "path": str(place), "vectors": content_facts(vectors)})
    else:
        results.print(f"{place}\n{vectors.report}", markup=False, soft_wrap=True)


def _entry_named(name: str) -> "CatalogueEntry":
    from meltpoint.vectors.catalogue import CATALOGUE, find_entry  # noqa: PLC0415

    entry = find_entry(name)
    if entry is not None:
        return entry
    import difflib  # noqa: PLC0415 - only where a name is wrong

    near = difflib.get_close_matches(name.lower(), [entry.name for entry in CATALOGUE], cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"expected a name of the catalogue, found {name!r}.{hint} For all of them: meltpoint vectors list")
