"""Why the verdict is what it is, and what would change it: plain sentences, each with the numbers it rests on.

A pure function of documents. Nothing is computed here that was not measured, and nothing is said where it was not.
"""

from collections.abc import Callable, Iterator

from meltpoint.counts import counted
from meltpoint.report.schema import Document

# What a cause speaks for. "neither" informs, "more rows" and "more repeats" would change the answer.
FINE_TUNE, FREEZE, NEITHER = "fine-tune", "freeze", "neither"
MORE_ROWS, MORE_REPEATS, OTHER_ARCHITECTURE = "more rows", "more repeats", "another architecture"


def explain(verdict: Document, *, drift: Document | None = None) -> list[Document]:
    """Explains a verdict from what its study measured.

    Args:
        verdict: As in ``verdict.json``, its own ``explanation`` left out.
        drift: As in ``drift.json``, where the trained model was measured.

    Returns:
        What was found, causes first and then what would change the answer: ``cause``, ``finding`` (a sentence),
        ``evidence`` (its numbers) and ``direction`` (what it speaks for). Empty where nothing was measured.
    """
    if not verdict.get("policies"):
        return []
    found = [one for find in _CAUSES for one in find(verdict)]
    if drift is not None:
        found += _of_drift(drift)
    return found + [one for find in _CHANGES for one in find(verdict)]


def _entry(cause: str, sentence: str, direction: str, **evidence: object) -> Document:
    return {"cause": cause, "sentence": sentence, "evidence": evidence, "direction": direction}


def _of_size(verdict: Document) -> Iterator[Document]:
    """Says where the data stand against the melting point, and how the gain went on the way there."""
    point, size, unit = verdict["melting_point"], verdict["sizes"][-1]["size"], verdict["unit"]
    policy = verdict["gain"]["policy"]
    gains = [
        (one["size"], cell["gain"]["points"])
        for one in verdict["sizes"]
        for cell in one["policies"]
        if cell["policy"] == policy and cell["gain"] is not None
    ]
    way = ""
    if len(gains) > 1:
        (first, start), (last, end) = gains[0], gains[-1]
        way = f" The gain of '{policy}' goes from {start:+.1f} points at {first:,} {unit}s to {end:+.1f} at {last:,}."
    evidence = {key: point.get(key) for key in ("kind", "low", "high", "estimate")}
    told = {
        "between": "the melting point is behind",
        "below": "the melting point is behind",
        "above": "the melting point is not reached",
        "none": "there is no melting point: the gain does not simply grow with size",
    }.get(point["kind"], "where the melting point lies is not resolved")
    direction = {"between": FINE_TUNE, "below": FINE_TUNE, "above": FREEZE}.get(point["kind"], NEITHER)
    if point["kind"] == "above" and point["low"] != size:
        told, direction = f"the melting point is above {counted(point['low'], unit)}, and may be behind", NEITHER
    yield _entry(
        "size",
        f"Size: with {counted(size, f'training {unit}')} {told}.{way}",
        direction,
        size=size,
        policy=policy,
        gains=[{"size": at, "points": points} for at, points in gains],
        **evidence,
    )


def _of_fit(verdict: Document) -> Iterator[Document]:
    """Compares what is learned by heart with what carries over: training scores against test scores."""
    by_name, unit = {policy["policy"]: policy for policy in verdict["policies"]}, verdict["unit"]
    frozen, tuned = by_name.get("frozen"), by_name.get(verdict["gain"]["policy"])
    if frozen is None or tuned is None or tuned is frozen:
        return
    gaps = {one["policy"]: one["train_score"] - one["score"] for one in (frozen, tuned)}
    name = tuned["policy"]
    sentence = (
        f"Overfitting: frozen scores {frozen['train_score']:.1f} on training {unit}s and {frozen['score']:.1f} on test "
        f"{unit}s (a gap of {gaps['frozen']:.1f}), '{name}' {tuned['train_score']:.1f} and {tuned['score']:.1f} "
        f"({gaps[name]:.1f})"
    )
    gained = tuned["score"] - frozen["score"]
    if frozen["train_score"] < tuned["score"]:
        sentence += f": frozen fits even its training {unit}s worse than the other fits new ones"
        direction = FINE_TUNE
    elif gained <= 0 and gaps[name] > gaps["frozen"]:
        sentence += ": what is learned in addition does not carry over"
        direction = FREEZE
    else:
        direction = NEITHER
    yield _entry(
        "overfitting",
        f"{sentence}.",
        direction,
        policy=name,
        frozen={"train": frozen["train_score"], "test": frozen["score"], "gap": round(gaps["frozen"], 4)},
        tuned={"train": tuned["train_score"], "test": tuned["score"], "gap": round(gaps[name], 4)},
    )


def _of_pretraining(verdict: Document) -> Iterator[Document]:
    """Says what the pretrained vectors are worth here: against a random start."""
    for control in verdict["controls"]:
        gain = control["gain_over_recommendation"]
        if control["control"] != "scratch" or gain["low"] is None:
            continue
        told = f"({-gain['points']:+.1f} points, 95% interval {-gain['high']:+.1f} to {-gain['low']:+.1f})"
        if gain["high"] < 0:
            finding, direction = (
                f"the recommendation is better than a random start {told}: there is something to keep",
                NEITHER,
            )
        elif gain["low"] > 0:
            finding, direction = f"the recommendation is worse than a random start {told}: little to keep", FINE_TUNE
        else:
            finding, direction = f"the recommendation is not told apart from a random start {told}", NEITHER
        yield _entry("pretraining", f"Pretraining: {finding}.", direction, **gain)


def _of_coverage(verdict: Document) -> Iterator[Document]:
    coverage = verdict["vectors"]["coverage"]
    yield _entry(
        "coverage",
        f"Coverage: {coverage['by_token']:.1%} of the running words and {coverage['by_type']:.1%} of the different "
        "ones have a pretrained vector; the rest is learned only where the embedding may move.",
        NEITHER,
        **coverage,
    )


def _of_match(verdict: Document) -> Iterator[Document]:
    match = (verdict.get("profile") or {}).get("semantic_match")
    if match:
        yield _entry(
            "semantic match",
            f"Semantic match: which words are alike in these texts and which are in the vectors agrees by "
            f"{match['agreement']:.2f} (95% interval {match['low']:.2f} to {match['high']:.2f}; 1 is full agreement).",
            NEITHER,
            **match,
        )


def _of_depth(verdict: Document) -> Iterator[Document]:
    for effect in verdict.get("depth") or []:
        yield _entry("depth", effect["sentence"], NEITHER, family=effect["family"], **effect["difference"])


def _of_drift(drift: Document) -> Iterator[Document]:
    splits = {name: split for name, split in drift["splits"].items() if split and split.get("words")}
    told = [
        f"{name} words {split['mean_cosine']:.2f}"
        for name, split in splits.items()
        if split.get("mean_cosine") is not None
    ]
    if told:
        yield _entry(
            "drift",
            f"Drift: mean cosine to the pretrained vector after training with '{drift['policy']}': {', '.join(told)}.",
            NEITHER,
            policy=drift["policy"],
            **{name: split["mean_cosine"] for name, split in splits.items()},
        )


def _of_next_rows(verdict: Document) -> Iterator[Document]:
    """Weighs labelling against tuning."""
    coming = verdict.get("next_rows")
    if not coming or any(growth["low"] is None for growth in coming["policies"]):
        return
    told = " and ".join(
        f"'{growth['policy']}' {growth['points']:+.1f} points ({growth['low']:+.1f} to {growth['high']:+.1f})"
        for growth in coming["policies"]
    )
    best = max(coming["policies"], key=lambda growth: float(growth["low"]))
    pays = best["low"] > verdict["rope"]
    yield _entry(
        "next rows",
        f"Labelling: {counted(coming['rows'], 'more ' + verdict['unit'])} would bring {told}.",
        MORE_ROWS if pays else NEITHER,
        **coming,
    )


def _of_needed(verdict: Document) -> Iterator[Document]:
    repeats, rows = verdict["needed"]["repeats"], verdict["needed"]["test_rows"]
    if repeats is None and rows is None:
        return
    parts = (
        ["one further repeat" if repeats == 1 else counted(repeats, "further repeat")] if repeats is not None else []
    )
    parts += [f"{counted(rows, verdict['unit'])} to test on"] if rows is not None else []
    yield _entry(
        "precision",
        f"Precision: by the noise measured, about {' and '.join(parts)} would decide.",
        MORE_ROWS if rows is not None else MORE_REPEATS,
        repeats=repeats,
        test_rows=rows,
    )


def _of_architectures(verdict: Document) -> Iterator[Document]:
    if len(verdict["architectures"]) < 2:
        return
    ranked = sorted(verdict["architectures"], key=lambda one: -float(one["score"]))
    best, second = ranked[:2]
    yield _entry(
        "architecture",
        f"Architecture: {best['architecture']} with '{best['policy']}' scores {best['score']:.1f}, "
        f"{second['architecture']} with '{second['policy']}' {second['score']:.1f}.",
        OTHER_ARCHITECTURE if best["architecture"] != verdict["architecture"] else NEITHER,
        scores={one["architecture"]: one["score"] for one in ranked},
    )


_Find = Callable[[Document], Iterator[Document]]
_CAUSES: tuple[_Find, ...] = (_of_size, _of_fit, _of_pretraining, _of_coverage, _of_match, _of_depth)
_CHANGES: tuple[_Find, ...] = (_of_next_rows, _of_needed, _of_architectures)
