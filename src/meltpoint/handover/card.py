"""The model card: what the model is, how it was decided, what it may be used for, how to load it. Never a text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meltpoint.handover.model_folder import ModelConfig

CARD = "README.md"
# Files of a run folder, in which the model folder stands.
_VERDICT, _DRIFT = "verdict.json", "drift.json"

LOADING = """\
from meltpoint.handover import load_model, make_predictor

predictor = make_predictor(load_model("{folder}"))
for prediction in predictor.predict(["a text", "another"]):
    print(prediction.label, prediction.probabilities)"""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a study found out about a model.

    Attributes:
        verdict: ``verdict.json``, or None where there was no study.
        drift: ``drift.json``, or None where it was not measured.
    """

    verdict: Mapping[str, Any] | None = None
    drift: Mapping[str, Any] | None = None


def find_evidence(folder: Path, config: "ModelConfig") -> Evidence:
    """Looks for the verdict and the drift report of the run that a model folder stands in.

    A verdict beside the folder that is about another model is not taken for this one's.
    """
    verdict = _read(folder.absolute().parent / _VERDICT)
    if verdict is None or not _is_about(verdict, config):
        return Evidence()
    return Evidence(verdict=verdict, drift=_read(folder.absolute().parent / _DRIFT))


def _is_about(verdict: Mapping[str, Any], config: "ModelConfig") -> bool:
    vectors, design = verdict.get("vectors"), verdict.get("design")
    return (
        isinstance(vectors, dict)
        and isinstance(design, dict)
        and vectors.get("digest") == config.vectors.get("digest")
        and (verdict.get("policy"), verdict.get("architecture")) == (config.policy, config.architecture)
        and design.get("seed") == config.seed
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def model_card(config: "ModelConfig", num_words: int, evidence: Evidence, *, title: str, loading: str) -> str:
    """Writes the card.

    Args:
        config: How the model was made.
        num_words: Words that have a row.
        evidence: What the study found.
        title: The heading.
        loading: Python lines that load what the card stands beside.

    Returns:
        Markdown, with the metadata block that model hubs read.
    """
    settings = ", ".join(f"{name} {value:g}" for name, value in config.settings.items())
    licence = config.vectors.get("licence") or "not known to meltpoint: see where the vectors come from"
    parts = [
        "---\nlibrary_name: meltpoint\ntags:\n- word-embeddings\n- text-classification\n---\n",
        f"# {title}\n",
        f"Made by meltpoint {config.versions.get('meltpoint', '')}.\n",
        "| | |\n| --- | --- |",
        f"| architecture | `{config.architecture}` |",
        f"| policy of the embedding | `{config.policy}`{f' ({settings})' if settings else ''} |",
        f"| classes | {', '.join(map(_cell, config.classes))} |",
        f"| trained on | {config.rows:,} labelled rows, {config.steps:,} steps, seed {config.seed} |",
        f"| words | {num_words:,} x {config.embedding_dim}, cut by the tokenizer `{config.tokenizer}` |",
        f"| started from | {_cell(config.vectors.get('name', 'unknown vectors'))} |",
        f"| licence of these vectors | {_cell(licence)} |",
        *_verdict_part(evidence.verdict),
        *_drift_part(evidence.drift),
        "\n## Load it\n",
        f"```python\n{loading}\n```",
        "\n## Before you pass it on\n",
        "No text of the training data is in this folder, but its word list is: every word that occurs in them, with its"
        " count where the format keeps counts. Rare words can be names. What is derived from the vectors stays under"
        " their licence; what the licence of the labelled texts asks of a model trained on them is for you to check.",
    ]
    return "\n".join(parts) + "\n"


def _verdict_part(verdict: Mapping[str, Any] | None) -> list[str]:
    if verdict is None:
        return ["\n## Verdict\n", "None: this model was trained under a policy that was given, without a comparison."]
    data, gain = verdict.get("data", {}), verdict.get("gain", {})
    lines = [
        "\n## Verdict\n",
        f"**{verdict.get('decision', 'undecided')}**: {verdict.get('reason', '')}\n",
        f"- Melting point: {verdict.get('melting_point', {}).get('sentence', 'unknown')}",
    ]
    if gain.get("points") is not None:
        low, high = (f"{gain[end]:+.2f}" if gain.get(end) is not None else "unbounded" for end in ("low", "high"))
        lines.append(
            f"- `{gain.get('policy')}` against `frozen`: {gain['points']:+.2f} points of {verdict.get('metric')} "
            f"({low} to {high})"
        )
    classes = data.get("classes", {})
    if isinstance(classes, dict):
        counts = ", ".join(f"{_cell(str(name))} {count:,}" for name, count in classes.items())
        lines.append(f"- Data: {data.get('name')}, {data.get('rows', 0):,} rows; {counts}")
    coverage = verdict.get("vectors", {}).get("coverage", {})
    if coverage.get("by_token") is not None:
        lines.append(f"- The vectors know {coverage['by_token']:.1%} of the running words of the data")
    lines += [f"- Note: {caveat}" for caveat in verdict.get("caveats", [])]
    return lines


def _drift_part(drift: Mapping[str, Any] | None) -> list[str]:
    if drift is None:
        return []
    lines = ["\n## Drift\n"]
    for split, facts in drift.get("splits", {}).items():
        if isinstance(facts, dict) and facts.get("mean_cosine") is not None:
            lines.append(
                f"- {split} words ({facts.get('words', 0):,}): mean cosine to the pretrained vector "
                f"{facts['mean_cosine']:.3f}"
            )
    moved = [word["word"] for word in drift.get("words", [])[:10] if isinstance(word, dict) and "word" in word]
    if moved:
        lines.append(f"- Moved most: {', '.join(map(_cell, moved))}")
    return lines if len(lines) > 1 else []


def _cell(text: str) -> str:
    """Writes text that may hold anything into a line of Markdown."""
    return " ".join(text.split()).replace("|", "\\|")
