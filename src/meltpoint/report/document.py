"""The verdict as data: what ``verdict.json`` holds and every report is rendered from.

Nothing here varies with the speed of a machine: the same data, vectors, seed and options give the same bytes.
"""

from collections import Counter
from dataclasses import asdict
from statistics import fmean
from typing import Any

from meltpoint.report.caveats import find_caveats
from meltpoint.report.explanation import explain
from meltpoint.report.numbers import interval_document, rounded
from meltpoint.report.profile import profile_facts
from meltpoint.report.schema import VERDICT_SCHEMA, Document
from meltpoint.studies import ArchitectureJudgement, Conclusion, Findings
from meltpoint.studies.plan import BASELINE
from meltpoint.text import Corpus, Coverage
from meltpoint.vectors import Vectors
from meltpoint.verdict import DepthEffect, Gain


def verdict_document(conclusion: Conclusion, corpus: Corpus, vectors: Vectors, coverage: Coverage) -> Document:
    """Writes a study's conclusion as plain data, every gain in points, rounded to four decimals."""
    judgement, findings = conclusion.judgement, conclusion.findings
    plan, best = findings.plan, judgement.best
    document: Document = {
        "schema": VERDICT_SCHEMA,
        "decision": best.decision.word if best else "undecided",
        "policy": best.decision.recommendation if best else BASELINE,
        "architecture": best.architecture if best else plan.architectures[0],
        "task": corpus.task,
        "unit": findings.task.unit,
        "metric": findings.metric.name,
        "guess": {"what": findings.guess[0], "score": rounded(100 * findings.guess[1])},
        "gain": _headline_gain(best),
        "expected_regret": rounded(best.decision.expected_regret) if best else None,
        "reason": best.decision.reason if best else "No repeat at the largest size was completed.",
        "needed": {
            "repeats": best.decision.needed_repeats if best else None,
            "test_rows": best.decision.needed_test_rows if best else None,
        },
        "rope": plan.rope_points,
        "melting_point": _melting_point(best),
        "curve": _curve(best),
        "next_rows": _next_rows(best),
        "sizes": _sizes(best) if best else [],
        "policies": _policies(best, findings, judgement.num_repeats[plan.sizes[-1]]) if best else [],
        "controls": _controls(best),
        "architectures": [_architecture(one) for one in judgement.architectures],
        "depth": [_depth(effect) for effect in judgement.depth],
        "ended": conclusion.ending,
        "level": rounded(best.active.level, 6) if best else None,
        "data": _data(corpus),
        "vectors": _vectors(vectors, coverage),
        "profile": profile_facts(corpus, vectors, findings.data, coverage, seed=plan.seed),
        "design": {
            "seed": plan.seed,
            "test": "given test set" if corpus.has_test else f"{plan.num_folds} rotating folds",
            "repeats": {str(size): count for size, count in sorted(judgement.num_repeats.items())},
            "max_repeats": plan.max_repeats,
            "until": plan.until,
            "search_trials": plan.search_trials,
            "sizes": list(plan.sizes),
            "policies": list(plan.policies),
            "architectures": list(plan.architectures),
            "unknown_words": plan.unknown,
            "max_tokens": plan.max_tokens,
        },
    }
    document["explanation"] = explain(document)
    document["caveats"] = find_caveats(document, findings)
    return document


def _headline_gain(best: ArchitectureJudgement | None) -> Document:
    """The gain over frozen of the recommended policy; where that is frozen, of the best other one."""
    if best is None:
        return {"policy": None, "points": None, "low": None, "high": None}
    return {"policy": best.headline.policy, **interval_document(best.headline)}


def _sizes(best: ArchitectureJudgement) -> list[Document]:
    return [
        {
            "size": size,
            "repeats": comparison.num_repeats,
            "test_rows": comparison.num_rows,
            "policies": [
                {
                    "policy": policy,
                    "score": rounded(score),
                    **_gain(comparison.candidates + comparison.controls, policy),
                }
                for policy, score in comparison.mean_scores.items()
            ],
        }
        for size, comparison in sorted(best.comparisons.items())
    ]


def _policies(best: ArchitectureJudgement, findings: Findings, num_repeats: int) -> list[Document]:
    """Every policy at the largest size: how it did, what was chosen, whether it had converged."""
    size = findings.plan.sizes[-1]
    comparison = _largest(best)
    documents = []
    for policy in findings.plan.policies:
        used = findings.retired.get((best.architecture, policy), num_repeats)
        choices = [findings.chosen(best.architecture, policy, repeat, size) for repeat in range(used)]
        chosen = [choice for choice in choices if choice is not None]
        configurations = Counter(choice.spec.configuration for choice in chosen)
        documents.append(
            {
                "policy": policy,
                "score": rounded(comparison.mean_scores[policy]),
                **_gain(comparison.candidates + comparison.controls, policy),
                "expected_regret": rounded(comparison.expected_regret.get(policy)),
                "repeats": used,
                "given_up": (best.architecture, policy) in findings.retired,
                "trainable_parameters": best.trainable_parameters[policy],
                "train_score": rounded(100 * fmean(choice.result.train_score or 0.0 for choice in chosen)),
                "validation_score": rounded(100 * fmean(choice.result.validation_score for choice in chosen)),
                "converged": sum(choice.result.converged for choice in chosen),
                "chosen": [
                    {"configuration": dict(configuration), "times": times}
                    for configuration, times in sorted(configurations.items(), key=lambda item: (-item[1], item[0]))
                ],
                "tried": _tried(best, findings, policy, used),
            }
        )
    return documents


def _tried(best: ArchitectureJudgement, findings: Findings, policy: str, num_repeats: int) -> list[Document]:
    """Every configuration of a policy's search at the largest size, with its mean score on validation rows."""
    plan = findings.plan
    searches = [plan.policy_search(best.architecture, policy, repeat, plan.sizes[-1]) for repeat in range(num_repeats)]
    documents = []
    for trials in zip(*searches, strict=True):
        results = [findings.records[trial.signature].result for trial in trials]
        scores = [result.validation_score for result in results if result is not None]
        documents.append(
            {
                "configuration": dict(trials[0].configuration),
                "validation_score": rounded(100 * fmean(scores)) if scores else None,
                "diverged": len(results) - len(scores),
                "dropped": sum(result is not None and result.ending == "dropped" for result in results),
            }
        )
    return documents


def _controls(best: ArchitectureJudgement | None) -> list[Document]:
    if best is None:
        return []
    return [
        {
            "control": control.name,
            "score": rounded(control.mean_score),
            "gain_over_recommendation": interval_document(control.gain),
            "credibly_better": control.gain.low > 0,
        }
        for control in best.controls
    ]


def _architecture(judged: ArchitectureJudgement) -> Document:
    return {
        "architecture": judged.architecture,
        "decision": judged.decision.word,
        "policy": judged.decision.recommendation,
        "score": rounded(judged.recommended_score),
        "gain": _headline_gain(judged),
        "expected_regret": rounded(judged.decision.expected_regret),
        "melting_point": _melting_point(judged),
        "trainable_parameters": dict(judged.trainable_parameters),
    }


def _depth(effect: DepthEffect) -> Document:
    return {
        "family": effect.family,
        "shallow": effect.shallow,
        "deep": effect.deep,
        "policy": effect.policy,
        "architectures": [
            {"architecture": name, "layers": layers, "gain": rounded(effect.gains[name])}
            for name, layers in effect.depths.items()
        ],
        "difference": interval_document(effect.difference),
        "sentence": effect.sentence,
    }


def _melting_point(best: ArchitectureJudgement | None) -> Document:
    if best is None:
        return {
            "kind": "unknown",
            "low": None,
            "high": None,
            "estimate": None,
            "model": None,
            "sentence": "No size was measured.",
        }
    return asdict(best.melting_point)


def _curve(best: ArchitectureJudgement | None) -> list[Document]:
    """The gain of every candidate at every size, and the band that holds for all of them."""
    return [
        {
            "size": point.size,
            "policy": point.policy,
            **{end: rounded(getattr(point, end)) for end in ("points", "low", "high", "band_low", "band_high")},
        }
        for point in (best.curve if best else ())
    ]


def _next_rows(best: ArchitectureJudgement | None) -> Document | None:
    """What more labelled rows would bring; None where the sizes are too few to tell."""
    if best is None or best.next_rows is None:
        return None
    return {
        "size": best.next_rows.size,
        "rows": best.next_rows.rows,
        "policies": [
            {"policy": growth.policy, **interval_document(growth), "model": growth.model}
            for growth in best.next_rows.growth
        ],
    }


def _data(corpus: Corpus) -> Document:
    return {
        "name": corpus.name,
        "digest": corpus.digest,
        "rows": corpus.num_rows,
        "train_rows": corpus.num_train,
        "test_rows": corpus.num_rows - corpus.num_train,
        "classes": corpus.class_counts,
        "text_column": corpus.text_column,
        "label_column": corpus.label_column,
        "notes": list(corpus.notes),
    }


def _vectors(vectors: Vectors, coverage: Coverage) -> Document:
    return {
        "name": vectors.name,
        "words": len(vectors),
        "dim": vectors.dim,
        "digest": vectors.digest,
        "licence": vectors.licence,
        "tokenizer": vectors.tokenizer,
        "coverage": {"by_type": rounded(coverage.by_type), "by_token": rounded(coverage.by_token)},
        "unknown": [
            {"word": word.word, "count": word.count, "reason": word.reason, "suggestion": word.suggestion}
            for word in coverage.unknown
        ],
    }


def _largest(judged: ArchitectureJudgement) -> Any:
    return judged.comparisons[max(judged.comparisons)]


def _gain(gains: tuple[Gain, ...], policy: str) -> Document:
    """The gain of a policy over frozen; that of frozen itself is nothing, by definition."""
    found = next((gain for gain in gains if gain.policy == policy), None)
    return {"gain": None if found is None else interval_document(found)}
