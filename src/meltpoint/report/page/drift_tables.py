"""What moved, in tables for a page: words, parts of the vocabulary, the whole space, rows with unseen words."""

from collections.abc import Iterator
from dataclasses import dataclass

from meltpoint.report.charts.base import Row
from meltpoint.report.schema import Document
from meltpoint.report.wording import told_gain

NUM_MOVED, NUM_NEIGHBOURS = 25, 5


@dataclass(frozen=True, kw_only=True)
class DriftTable:
    """A table on what moved."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def drift_tables(drift: Document) -> tuple[DriftTable, ...]:
    """Makes the tables of a drift: those for which it has numbers."""
    return tuple(table for table in _tables(drift) if table.rows)


def _tables(drift: Document) -> Iterator[DriftTable]:
    yield DriftTable(
        title="The words that moved most",
        note="Cosine of a word's vector before and after; its length after, in lengths before; its nearest words.",
        columns=("word", "times", "cosine", "length", "nearest before", "nearest after"),
        rows=tuple(
            (
                word["word"],
                word["count"],
                word["cosine"],
                word["norm_ratio"],
                *(", ".join(word[f"neighbours_{when}"][:NUM_NEIGHBOURS]) for when in ("before", "after")),
            )
            for word in drift["words"][:NUM_MOVED]
        ),
    )
    yield DriftTable(
        title="By how often training met a word",
        note="Neighbours kept: rank-biased overlap of the nearest words before and after, from 0 to 1.",
        columns=("words", "number", "moved", "mean cosine", "mean length", "neighbours kept"),
        rows=tuple(
            (
                f"{name}: {one['meaning']}",
                *(one[key] for key in ("words", "moved", "mean_cosine", "mean_norm_ratio", "mean_rbo")),
            )
            for name, one in drift["splits"].items()
        ),
    )
    unseen = drift["unseen_rows"] or {"policy": "", "sizes": []}
    unit = unseen.get("unit", "row")
    yield DriftTable(
        title=f"Test {unit}s with words that training never met",
        note=(
            f"Gain of {unseen['policy']} over frozen, in points with 95% intervals: where such words are, where not, "
            "and the price, which is how much more the others gain."
        ),
        columns=(f"training {unit}s", f"share of test {unit}s", "gain there", "gain on the others", "price"),
        rows=tuple(
            (
                f"{one['size']:,}",
                f"{one['share']:.0%}",
                *(
                    told_gain(gain)
                    for gain in (one["with_unseen"]["gain"], one["without_unseen"]["gain"], one["price"])
                ),
            )
            for one in unseen["sizes"]
        ),
    )
    yield DriftTable(
        title="General knowledge: benchmarks of word vectors",
        note="",
        columns=("benchmark", "items", "measure", "before", "after"),
        rows=tuple(
            (one["name"], *(one[key] for key in ("items", "measure", "before", "after"))) for one in drift["benchmarks"]
        ),
    )
    rank = drift["spectrum"]["effective_rank"]
    yield DriftTable(
        title="The space as a whole",
        note="",
        columns=("measure", "value"),
        rows=(
            ("effective rank before", rank["before"]),
            ("effective rank after", rank["after"]),
            ("how far its middle moved, in lengths of a word", drift["mean_shift"]),
            ("share of the movement that all words have in common", drift["spectrum"]["common_share"]),
        ),
    )
