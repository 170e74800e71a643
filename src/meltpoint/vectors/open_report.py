"""What opening vectors came to: shown to people, and compared by tests."""

from dataclasses import dataclass
from pathlib import Path

from meltpoint.vectors.sources.source import Source
from meltpoint.vectors.store.mapped import MappedStore


@dataclass(frozen=True, kw_only=True)
class OpenReport:
    """What reading the source came to.

    Attributes:
        source: The path or the catalogue name, as given.
        member: The member that was read, where the source is a zip.
        file_format: What the source was read as.
        rows_read: Rows in the source.
        rows_kept: Rows there are now: V.
        duplicates: Rows dropped because their word had come before; the first one stays.
        skipped: Rows left out because they hold nan or infinity or have the wrong length, or because the source has no
            word for them.
        skipped_places: Where the first of these stand.
        num_buckets: Rows of n-grams, from which the vectors of unknown words are composed; 0 for none.
        dim: Columns: D.
        lowercase: Whether lower-casing changes no word.
        store: The folder that is mapped; None where only some words were read, into memory.
    """

    source: str
    member: str | None = None
    file_format: str
    rows_read: int
    rows_kept: int
    duplicates: int
    skipped: int = 0
    skipped_places: tuple[str, ...] = ()
    num_buckets: int = 0
    dim: int
    lowercase: bool
    store: Path | None

    def __str__(self) -> str:
        """Returns some readable lines."""
        place = self.source if self.member is None else f"{self.source}/{self.member}"
        case = "all lower-case" if self.lowercase else "cased"
        facts = [
            f"{self.file_format}, {self.rows_read:,} rows read",
            f"{self.duplicates:,} repeated words dropped (first wins)" if self.duplicates else "no word twice",
        ]
        if self.skipped:
            places = ", ".join(self.skipped_places)
            more = ", ..." if self.skipped > len(self.skipped_places) else ""
            facts.append(
                f"{self.skipped:,} rows skipped ({places}{more})" if places else f"{self.skipped:,} rows skipped"
            )
        lines = [f"{place}: {self.rows_kept:,} words x {self.dim} dimensions, {case}; {', '.join(facts)}"]
        if self.num_buckets:
            lines.append(f"unknown words are composed from {self.num_buckets:,} rows of n-grams")
        lines.append("in memory: the words asked for" if self.store is None else f"mapped from {self.store}")
        return "\n".join(lines)


def report_on(store: MappedStore, source: Source) -> OpenReport:
    """Returns what reading the source into the store, now or before, came to."""
    meta = store.meta
    return OpenReport(
        source=source.given,
        member=source.member,
        file_format=meta.file_format,
        rows_read=meta.rows_read,
        rows_kept=len(store.matrix),
        duplicates=meta.duplicates,
        skipped=meta.skipped,
        skipped_places=tuple(meta.skipped_places),
        num_buckets=0 if store.subwords is None else len(store.subwords),
        dim=store.matrix.shape[1],
        lowercase=meta.lowercase,
        store=Path(store.folder) if store.folder is not None else None,
    )
