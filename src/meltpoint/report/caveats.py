"""What a reader of a verdict should know before relying on it: only what applies, in plain words."""

from collections.abc import Iterator
from typing import Any

from meltpoint.counts import counted
from meltpoint.report.schema import Document
from meltpoint.studies import Findings

FEW_TEST_ROWS = 500
GOOD_COVERAGE = 0.8


def find_caveats(document: Document, findings: Findings) -> list[str]:
    """Lists the caveats of a verdict, the gravest first."""
    return [
        *_of_the_end(document),
        *_of_controls(document),
        *_of_guessing(document),
        *_of_training(document, findings),
        *_of_coverage(document),
        *_of_tests(document),
        *(f"{note[:1].upper()}{note[1:]}." for note in document["data"]["notes"]),
    ]


def _of_the_end(document: Document) -> Iterator[str]:
    ended, needed = document["ended"], document["needed"]
    if ended == "interrupted":
        yield "The study was interrupted; this is what it had by then. --resume goes on."
    if ended == "budget" and document["decision"] == "undecided":
        yield "The time budget ended the study before it was decided; --resume goes on where it stopped."
    if document["decision"] == "undecided" and document["policies"] and needed["test_rows"] is not None:
        yield (
            f"More repeats alone would not decide: the test {document['unit']}s are too few for a difference this "
            f"small. About {needed['test_rows']:,} would be needed."
        )


def _of_controls(document: Document) -> Iterator[str]:
    for control in document["controls"]:
        gain = control["gain_over_recommendation"]
        if gain["low"] is None or not gain["low"] <= 0 <= gain["high"]:
            continue
        told = f"({gain['points']:+.1f} points, 95% interval {gain['low']:+.1f} to {gain['high']:+.1f})"
        if control["control"] == "scratch":
            yield f"The worth of pretraining is not shown at this size: a random start may do as well {told}."
        else:
            yield f"The worth of vectors is not shown at this size: TF-IDF + logistic regression may do as well {told}."


def _of_guessing(document: Document) -> Iterator[str]:
    guess = document["guess"]
    scores = [policy["score"] for policy in document["policies"]]
    if scores and max(scores) <= guess["score"] + document["rope"]:
        yield (
            f"No policy does better than {guess['what']} ({guess['score']:.1f}%): look at the labels and the columns "
            "before anything else."
        )


def _of_training(document: Document, findings: Findings) -> Iterator[str]:
    plan = findings.plan
    repeats = document["design"]["repeats"]
    for size in plan.sizes:
        cut_off: list[str] = []
        for architecture in plan.architectures:
            for policy in plan.policies:
                found = (findings.chosen(architecture, policy, r, size) for r in range(repeats.get(str(size), 0)))
                chosen = [choice for choice in found if choice is not None]
                unfinished = sum(not choice.result.converged for choice in chosen)
                if chosen and unfinished > len(chosen) / 4:
                    cut_off.append(f"{policy} ({architecture}) in {unfinished} of {len(chosen)} repeats")
        if cut_off:
            yield (
                f"At {counted(size, document['unit'])} the step limit cut training off while it still improved: "
                f"{', '.join(cut_off)}."
            )
    if at_edge := [policy["policy"] for policy in document["policies"] if _gains_at_the_edge(document, policy)]:
        yield (
            "The best learning rate lies at the end of the range that was searched, clearly above its neighbour, for "
            f"{', '.join(at_edge)}: a wider search may do better."
        )


def _gains_at_the_edge(document: Document, policy: Document) -> bool:
    """Says whether the validation score still rises by more than the ROPE toward an end of the learning rates."""
    tried = sorted(
        (one["configuration"]["learning_rate"], one["validation_score"])
        for one in policy["tried"]
        if one["validation_score"] is not None
    )
    if len(tried) < 3:
        return False
    scores = [score for _, score in tried]
    best = scores.index(max(scores))
    neighbour = {0: 1, len(tried) - 1: -2}.get(best)
    return neighbour is not None and scores[best] - scores[neighbour] > float(document["rope"])


def _of_coverage(document: Document) -> Iterator[str]:
    share = document["vectors"]["coverage"]["by_token"]
    if share < GOOD_COVERAGE:
        unknown: list[dict[str, Any]] = document["vectors"]["unknown"]
        examples = ", ".join(f"{word['word']!r}" for word in unknown[:3])
        yield (
            f"Only {share:.0%} of the running words have a pretrained vector (the most frequent without: {examples}): "
            "wrong language, wrong tokenizer, or a lexicon of its own?"
        )


def _of_tests(document: Document) -> Iterator[str]:
    tested = document["sizes"][-1]["test_rows"] if document["sizes"] else None
    if tested is not None and tested < FEW_TEST_ROWS:
        yield (
            f"Only {counted(tested, document['unit'])} were tested on: a difference of a point or two cannot be seen "
            "with so few."
        )
