"""What moved, as data (``drift.json``) and in the terminal."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meltpoint.embedding.drift import SPLITS, Drift, Space, WordDrift
from meltpoint.embedding.drift.space import SEEN_FROM
from meltpoint.report.numbers import interval_document, rounded
from meltpoint.report.schema import DRIFT_SCHEMA, Document
from meltpoint.report.tables import plain_table
from meltpoint.report.wording import told_gain
from meltpoint.verdict import Interval, SubgroupGains

_SINGULAR_VALUES = 50
_MEANINGS = {
    "seen": f"met {SEEN_FROM} times or more",
    "rare": f"met 1 to {SEEN_FROM - 1} times",
    "unseen": "never met, frequent in the vectors",
}


def drift_document(
    space: Space,
    drift: Drift,
    *,
    policy: str,
    architecture: str,
    vectors: str,
    benchmarks: Sequence[Document] = (),
    recommended: bool = True,
    overfitting: Document | None = None,
    unseen_rows: Document | None = None,
) -> Document:
    """Writes a drift as plain data.

    Args:
        space: The words before and after.
        drift: What was measured of them.
        policy: Whose training moved them.
        architecture: Of the model.
        vectors: Name of the vectors.
        benchmarks: Each with ``name``, ``measure``, ``items``, ``before``, ``after``.
        recommended: Whether the policy is the one that the study recommends; otherwise its model was trained only to
            show what it would have done.
        overfitting: Scores on training and validation rows by policy, from a study.
        unseen_rows: Gains on test rows with unseen words and on the others, from a study.
    """
    spectrum = drift.spectrum
    ranks = spectrum.effective_ranks
    return {
        "schema": DRIFT_SCHEMA,
        "policy": policy,
        "architecture": architecture,
        "recommended": recommended,
        "vectors": vectors,
        "words": [_word(word) for word in drift.words],
        "asked": [_word(word) for word in drift.asked],
        "splits": {
            split: {
                "meaning": _MEANINGS[split],
                "words": one.words,
                "moved": one.moved,
                "mean_cosine": rounded(one.mean_cosine),
                "low_cosine": rounded(one.low_cosine),
                "mean_norm_ratio": rounded(one.mean_norm_ratio),
                "mean_rbo": rounded(one.mean_rbo),
                "sampled": one.sampled,
            }
            for split, one in drift.splits.items()
        },
        "spectrum": {
            "effective_rank": {"before": rounded(ranks[0]), "after": rounded(ranks[1])},
            "singular_values": {
                "before": np.round(spectrum.before[:_SINGULAR_VALUES], 6).tolist(),
                "after": np.round(spectrum.after[:_SINGULAR_VALUES], 6).tolist(),
            },
            "common_share": rounded(spectrum.common_share),
        },
        "mean_shift": rounded(spectrum.mean_shift),
        "benchmarks": list(benchmarks),
        "overfitting": overfitting,
        "unseen_rows": unseen_rows,
        "map_explained": rounded(drift.plane.explained),
        "map": [
            {
                "word": space.words[row],
                "x_before": rounded(before[0]),
                "y_before": rounded(before[1]),
                "x_after": rounded(after[0]),
                "y_after": rounded(after[1]),
                "count": int(space.counts[row]),
                "cosine": rounded(cosine),
            }
            for row, before, after, cosine in zip(
                drift.plane_words.tolist(),
                drift.plane.before.tolist(),
                drift.plane.after.tolist(),
                drift.plane_cosines.tolist(),
                strict=True,
            )
        ],
    }


def unseen_rows_document(policy: str, by_size: Mapping[int, SubgroupGains | None], *, unit: str = "row") -> Document:
    """Writes the gains of a policy over ``frozen`` on rows, or other units, with unseen words, and without, by size."""

    def part(interval: Interval, tuned: float, frozen: float) -> Document:
        return {"score": rounded(tuned), "frozen": rounded(frozen), "gain": interval_document(interval)}

    return {
        "policy": policy,
        "unit": unit,
        "sizes": [
            {
                "size": size,
                "repeats": gains.num_repeats,
                "share": rounded(gains.share),
                "with_unseen": part(gains.inside, gains.mean_scores[0], gains.mean_scores[1]),
                "without_unseen": part(gains.outside, gains.mean_scores[2], gains.mean_scores[3]),
                "price": interval_document(gains.difference),
            }
            for size, gains in sorted(by_size.items())
            if gains is not None
        ],
    }


def overfitting_document(verdict: Document) -> Document:
    """Reads off a verdict how far each policy has learned its training rows by heart, in points."""
    return {
        policy["policy"]: {
            "train": policy["train_score"],
            "validation": policy["validation_score"],
            "test": policy["score"],
            "gap": rounded(policy["train_score"] - policy["validation_score"]),
        }
        for policy in verdict["policies"]
    }


def drift_sentence(document: Document) -> str:
    """Says in a line what moved."""
    splits = document["splits"]
    met = splits["seen"]["words"] + splits["rare"]["words"]
    moved = splits["seen"]["moved"] + splits["rare"]["moved"]
    if not moved:
        return f"Nothing moved: under {document['policy']!r} all {met:,} words are where they were."
    would = "moved" if document["recommended"] else "would have moved"
    sentence = f"{document['policy']!r} {would} {moved:,} of {met:,} words"
    if splits["seen"]["mean_cosine"] is not None:
        sentence += (
            f"; those met often keep a cosine of {splits['seen']['mean_cosine']:.2f} with their pretrained vector and "
            f"{splits['seen']['mean_rbo']:.0%} of their neighbours"
        )
    if splits["unseen"]["mean_rbo"] is not None and splits["unseen"]["sampled"]:
        sentence += f", words never met {splits['unseen']['mean_rbo']:.0%} of theirs"
    return f"{sentence}."


def render_drift(document: Document, *, num_words: int = 20) -> RenderableType:
    """Renders a drift for the terminal, with so many of the words that moved furthest."""
    parts: list[RenderableType] = [Text(drift_sentence(document), style="bold"), _split_table(document)]
    listed = document["asked"] or document["words"][:num_words]
    if listed:
        title = "The words asked for" if document["asked"] else "The words that moved furthest"
        parts.append(_word_table(title, listed))
    if document["benchmarks"]:
        parts.append(_benchmark_table(document["benchmarks"]))
    rank, shift = document["spectrum"]["effective_rank"], document["mean_shift"]
    parts.append(
        Text(
            f"The space: effective rank {rank['before']:.1f} before, {rank['after']:.1f} after; its middle moved by "
            f"{shift:.1%} of a word's length, and {document['spectrum']['common_share']:.0%} of all movement is common "
            "to all words."
        )
    )
    unseen = document["unseen_rows"]
    if unseen and unseen["sizes"]:
        parts.append(_unseen_table(unseen))
    if document["overfitting"]:
        parts.append(_overfitting_table(document["overfitting"]))
    return Group(*parts)


def _split_table(document: Document) -> Table:
    table = plain_table("Words, by how often training met them")
    table.add_column("", no_wrap=True)
    for heading in ("words", "moved", "mean cosine", "5% below", "length", "kept"):
        table.add_column(heading, justify="right")
    for split in SPLITS:
        one = document["splits"][split]
        cells = (_number(one[key]) for key in ("mean_cosine", "low_cosine", "mean_norm_ratio"))
        kept = "" if one["mean_rbo"] is None else f"{one['mean_rbo']:.0%}"
        table.add_row(f"{split} ({one['meaning']})", f"{one['words']:,}", f"{one['moved']:,}", *cells, kept)
    table.caption = (
        "Cosine: between a word's vector before and after. Length: after, in lengths before. Kept: "
        "rank-biased overlap of the nearest words before and after."
    )
    table.caption_justify = "left"
    return table


def _word_table(title: str, words: Sequence[Document]) -> Table:
    table = plain_table(title)
    table.add_column("word", overflow="fold")
    for heading in ("times", "cosine", "length", "kept"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("nearest before", overflow="fold")
    table.add_column("nearest after", overflow="fold")
    for word in words:
        table.add_row(
            Text(word["word"]),
            f"{word['count']:,}",
            f"{word['cosine']:.2f}",
            f"{word['norm_ratio']:.2f}",
            f"{word['rbo']:.0%}",
            Text(" ".join(word["neighbours_before"])),
            Text(" ".join(word["neighbours_after"])),
        )
    return table


def _benchmark_table(benchmarks: Sequence[Document]) -> Table:
    table = plain_table("General knowledge: benchmarks of word vectors, before and after")
    table.add_column("file")
    for heading in ("items", "measure", "before", "after", "change"):
        table.add_column(heading, justify="right")
    for one in benchmarks:
        values = (f"{one['before']:.3f}", f"{one['after']:.3f}", f"{one['after'] - one['before']:+.3f}")
        table.add_row(Text(one["name"]), f"{one['items']:,}", one["measure"], *values)
    return table


def _unseen_table(unseen: Document) -> Table:
    unit = unseen.get("unit", "row")
    table = plain_table(
        f"Test {unit}s with words that training never met: gain of {unseen['policy']!r} over frozen, in points"
    )
    for heading in (f"{unit}s", "have such words", "gain there", "gain on the others", "price"):
        table.add_column(heading, justify="right")
    for one in unseen["sizes"]:
        gains = (told_gain(one[key]["gain"]) for key in ("with_unseen", "without_unseen"))
        table.add_row(f"{one['size']:,}", f"{one['share']:.0%}", *gains, told_gain(one["price"]))
    table.caption = "Price: how much more the others gain. 95% intervals."
    table.caption_justify = "left"
    return table


def _overfitting_table(overfitting: Document) -> Table:
    table = plain_table("Learned by heart: scores at the largest size, in points")
    table.add_column("policy")
    for heading in ("train", "validation", "test", "train - validation"):
        table.add_column(heading, justify="right")
    for policy, one in overfitting.items():
        table.add_row(policy, *(f"{one[key]:.1f}" for key in ("train", "validation", "test")), f"{one['gap']:+.1f}")
    return table


def _word(word: WordDrift) -> Document:
    return {
        "word": word.word,
        "count": word.count,
        "split": word.split,
        "cosine": rounded(word.cosine),
        "norm_ratio": rounded(word.norm_ratio),
        "distance": rounded(word.distance),
        "rbo": rounded(word.rbo),
        "neighbours_before": list(word.neighbours_before),
        "neighbours_after": list(word.neighbours_after),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
