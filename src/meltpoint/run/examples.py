"""Texts on which the policies differ: the few that a report shows, kept beside the ledger, which knows rows alone."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl

from meltpoint.report import Document
from meltpoint.run.folder import EXAMPLES, write_json
from meltpoint.run.results import prediction_frame
from meltpoint.studies.plan import BASELINE
from meltpoint.text import Corpus

EXAMPLES_SCHEMA = "meltpoint/examples/1"
NUM_EXAMPLES = 12
MAX_CHARACTERS = 400


def keep_changed_examples(folder: Path, verdict: Document, corpus: Corpus) -> None:
    """Writes ``examples.json`` into a run folder, or takes an older one away where there is nothing to show.

    Raises:
        RunFolderError: The ledger cannot be read.
        DiskError: The file cannot be written.
    """
    found = changed_examples(folder, verdict, corpus)
    if found is not None:
        write_json(folder / EXAMPLES, found)
    else:
        (folder / EXAMPLES).unlink(missing_ok=True)


def changed_examples(folder: Path, verdict: Document, corpus: Corpus) -> Document | None:
    """Chooses texts that the policy of the verdict got right and frozen wrong, and the other way round.

    A row counts as changed where one of them was right in more of the repeats that tested it than the other. Those that
    changed in most repeats come first; among equals the order is by digest of the text, so that it means nothing.

    Args:
        folder: The run folder: its ledger holds the predictions.
        verdict: Names the policy, the architecture, the largest size.
        corpus: Its texts.

    Returns:
        What ``examples.json`` holds; None where nothing was tested, or a task predicts something else than a class.
    """
    policy = verdict["gain"]["policy"]
    if policy is None or not verdict["sizes"]:
        return None
    size = verdict["sizes"][-1]["size"]
    found = prediction_frame(folder)
    # Of a task that predicts something else than one class, no row is simply right or wrong.
    if "right" not in found.columns or not isinstance(found.schema["predicted"], pl.Enum | pl.String):
        return None
    chosen = found.filter(
        (pl.col("size") == size)
        & (pl.col("architecture") == verdict["architecture"])
        & pl.col("policy").is_in([BASELINE, policy])
    )
    rows = _by_row(chosen, BASELINE, "frozen").join(_by_row(chosen, policy, "policy"), on="row")
    difference = pl.col("policy_right") - pl.col("frozen_right")
    rows = rows.with_columns(difference=difference)
    sides = {"gained": rows.filter(difference > 0), "lost": rows.filter(difference < 0)}
    return {
        "schema": EXAMPLES_SCHEMA,
        "policy": policy,
        "architecture": verdict["architecture"],
        "size": size,
        "tested": rows.height,
        **{f"num_{side}": frame.height for side, frame in sides.items()},
        **{side: _shown(frame, corpus) for side, frame in sides.items()},
    }


def _by_row(found: pl.DataFrame, policy: str, name: str) -> pl.DataFrame:
    """Sums a policy's predictions up by row: how often right, and what it said most often."""
    return (
        found.filter(pl.col("policy") == policy)
        .sort("row", "repeat")
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("label").first().cast(pl.String).alias(f"{name}_label"),
            pl.col("right").sum().cast(pl.Int64).alias(f"{name}_right"),
            pl.col("predicted").cast(pl.String).mode().sort().first().alias(name),
        )
    )


def _shown(frame: pl.DataFrame, corpus: Corpus) -> list[dict[str, Any]]:
    """Takes the rows that changed most, with their texts."""
    ranked = sorted(
        frame.iter_rows(named=True), key=lambda row: (-abs(row["difference"]), _digest(corpus.texts[row["row"]]))
    )
    return [
        {
            "row": row["row"],
            "text": _cut(corpus.texts[row["row"]]),
            "label": row["frozen_label"],
            "frozen": row["frozen"],
            "policy": row["policy"],
        }
        for row in ranked[:NUM_EXAMPLES]
    ]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 2].rstrip()} …"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
