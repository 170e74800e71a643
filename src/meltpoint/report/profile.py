"""What can be said about data and vectors before any training."""

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meltpoint.counts import counted
from meltpoint.report.schema import PROFILE_SCHEMA, Document
from meltpoint.tasks import find_task
from meltpoint.text import Corpus, Coverage, warn_text
from meltpoint.text.matching import measure_rank_divergence, measure_semantic_match
from meltpoint.trial import TrialData
from meltpoint.vectors import Vectors

# The textbook's rule of thumb has no numbers; these are the ones that its users put in.
SMALL_DATA_ROWS = 2000
GOOD_COVERAGE = 0.9
_FLOAT_BYTES = 4
# Under Adam: weight, gradient, two moments.
_TUNED_COPIES = 4


def profile_facts(corpus: Corpus, vectors: Vectors, data: TrialData, coverage: Coverage, *, seed: int) -> Document:
    """Says how texts and vectors fit, over the rows that are not of a given test set.

    This is what ``verdict.json`` keeps of a profile; it takes seconds, and no training.
    """
    rows = np.flatnonzero(~corpus.is_test)
    ranks = measure_rank_divergence(data.packed.lexicon, data.packed.counts(rows), vectors.rows(data.packed.lexicon))
    match = measure_semantic_match(data.packed, rows, data.pretrained, data.found, seed=seed)
    return {
        "rows": corpus.num_train,
        "coverage": {"by_type": round(coverage.by_type, 4), "by_token": round(coverage.by_token, 4)},
        "semantic_match": None
        if match is None
        else {
            "agreement": round(match.agreement, 4),
            "low": round(match.low, 4),
            "high": round(match.high, 4),
            "halves": round(match.halves, 4),
            "words": match.words,
        },
        "rank_divergence": None
        if ranks is None
        else {
            "spearman": round(ranks.spearman, 4),
            "jensen_shannon": round(ranks.jensen_shannon, 4),
            "overused": list(ranks.overused),
            "words": ranks.words,
        },
        "prior": _textbook_prior(corpus.num_train, coverage.by_token),
    }


def profile_document(
    corpus: Corpus, vectors: Vectors, data: TrialData, coverage: Coverage, *, seed: int = 0
) -> Document:
    """Describes texts, vectors and how they fit; counts are over the rows that are not of a given test set."""
    rows = np.flatnonzero(~corpus.is_test)
    lengths = data.packed.lengths[rows]
    task, labels = find_task(data.task), data.label_ids[rows]
    what, guessed = task.guess(labels, data.class_counts)
    facts = profile_facts(corpus, vectors, data, coverage, seed=seed)
    parameters, whole = (coverage.types + 2) * vectors.dim, len(vectors) * vectors.dim
    return {
        "schema": PROFILE_SCHEMA,
        "data": {
            "name": corpus.name,
            "rows": corpus.num_train,
            "test_rows": corpus.num_rows - corpus.num_train,
            "text_column": corpus.text_column,
            "label_column": corpus.label_column,
            "classes": corpus.class_counts,
            "unit": task.unit,
            "units": len(np.unique(data.units[rows])),
            "guess": {
                "what": what,
                "metric": task.metric().name,
                "score": round(task.metric().score(data.judged(rows, guessed)), 4),
            },
            "tokens_per_text": {
                "median": float(np.median(lengths)),
                "95%": float(np.quantile(lengths, 0.95)),
                "longest": int(lengths.max()),
            },
            "notes": list(corpus.notes),
        },
        "vectors": {"name": vectors.name, "words": len(vectors), "dim": vectors.dim, "tokenizer": vectors.tokenizer},
        "coverage": {
            "types": coverage.types,
            "types_found": coverage.types_found,
            "by_type": round(coverage.by_type, 4),
            "tokens": coverage.tokens,
            "tokens_found": coverage.tokens_found,
            "by_token": round(coverage.by_token, 4),
            "warning": warn_text(coverage),
            "unknown": [
                {"word": word.word, "count": word.count, "reason": word.reason, "suggestion": word.suggestion}
                for word in coverage.unknown
            ],
        },
        "embedding": {
            "rows": coverage.types + 2,
            "parameters": parameters,
            "whole_table_parameters": whole,
            "frozen_bytes": _FLOAT_BYTES * parameters,
            "tuned_bytes": _TUNED_COPIES * _FLOAT_BYTES * parameters,
            "whole_table_tuned_bytes": _TUNED_COPIES * _FLOAT_BYTES * whole,
        },
        "semantic_match": facts["semantic_match"],
        "rank_divergence": facts["rank_divergence"],
        "prior": facts["prior"],
    }


def _textbook_prior(num_rows: int, by_token: float) -> Document:
    """Applies the rule of thumb of the textbooks: little data, or a poor match, then freeze; otherwise fine-tune."""
    small, poor = num_rows < SMALL_DATA_ROWS, by_token < GOOD_COVERAGE
    size = (
        f"{num_rows:,} labelled rows are {'few' if small else 'enough'} (fewer than {SMALL_DATA_ROWS:,} count as few)"
    )
    match = f"{by_token:.1%} coverage is {'poor' if poor else 'good'} ({GOOD_COVERAGE:.0%} and more counts as good)"
    return {
        "says": "freeze" if small or poor else "fine-tune",
        "reasons": [size, match],
        "note": "A prior by a rule of thumb, not a verdict: `meltpoint study` measures.",
    }


def _fit_lines(document: Document) -> list[tuple[str, str]]:
    """Says in words how meanings and frequencies fit."""
    lines = []
    if match := document["semantic_match"]:
        lines.append(
            (
                "same meaning",
                f"{match['agreement']:.2f} ({match['low']:.2f} to {match['high']:.2f}): rank correlation between the "
                f"word similarities of these texts and of the vectors, {match['words']:,} words; two halves of the "
                f"texts agree with each other at {match['halves']:.2f}",
            )
        )
    else:
        lines.append(("same meaning", "too few words occur five times and have a vector to say"))
    if ranks := document["rank_divergence"]:
        lines.append(
            (
                "same use",
                f"{ranks['spearman']:.2f}: rank correlation of word frequencies with the order of the vectors; "
                f"Jensen-Shannon divergence {ranks['jensen_shannon']:.2f} bits; overused here: "
                f"{' '.join(ranks['overused'])}",
            )
        )
    return lines


def _megabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):,.1f} MB"


def render_profile(document: Document) -> RenderableType:
    """Renders a profile for the terminal."""
    data, vectors, coverage, table = (document[key] for key in ("data", "vectors", "coverage", "embedding"))
    tokens, prior, guess = data["tokens_per_text"], document["prior"], data["guess"]
    of_groups = f" ({counted(data['units'], data['unit'])})" if data["units"] < data["rows"] else ""
    counts = ", ".join(f"{name} {count:,}" for name, count in data["classes"].items())
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        (
            "data",
            f"{data['name']}: {data['rows']:,} rows{of_groups} for training, {data['test_rows']:,} given for testing",
        ),
        ("columns", f"text from {data['text_column']!r}, labels from {data['label_column']!r}"),
        ("classes", f"{counts}; {guess['what']}: {guess['metric']} {guess['score']:.1%}"),
        (
            "words per text",
            f"median {tokens['median']:g}, 95% have at most {tokens['95%']:g}, the longest {tokens['longest']:,}",
        ),
        (
            "vectors",
            f"{vectors['name']}: {vectors['words']:,} words x {vectors['dim']}, tokenizer {vectors['tokenizer']}",
        ),
        (
            "coverage",
            f"{coverage['by_token']:.2%} of {coverage['tokens']:,} running words, {coverage['by_type']:.2%} of "
            f"{coverage['types']:,} distinct ones",
        ),
        (
            "embedding",
            f"{table['rows']:,} rows = {table['parameters']:,} parameters (the whole file would be "
            f"{table['whole_table_parameters']:,})",
        ),
        (
            "memory",
            f"{_megabytes(table['frozen_bytes'])} frozen, {_megabytes(table['tuned_bytes'])} fine-tuned by Adam (the "
            f"whole file: {_megabytes(table['whole_table_tuned_bytes'])})",
        ),
        *_fit_lines(document),
        ("textbook", f"{prior['says']}: {'; '.join(prior['reasons'])}. {prior['note']}"),
        *(("note", note) for note in data["notes"]),
    ):
        facts.add_row(Text(name, style="bold"), Text(value))
    parts: list[RenderableType] = [facts]
    if coverage["warning"]:
        parts.insert(0, Text(f"Warning: {coverage['warning']}", style="bold yellow"))
    if coverage["unknown"]:
        unknown = Table(title="The most frequent words without a vector", title_justify="left")
        for heading in ("word", "times", "why", "the vectors have"):
            unknown.add_column(heading, justify="right" if heading == "times" else "left")
        for word in coverage["unknown"]:
            cells = (word["word"], f"{word['count']:,}", word["reason"], word["suggestion"] or "")
            unknown.add_row(*(Text(cell) for cell in cells))
        parts.append(unknown)
    return Group(*parts)
