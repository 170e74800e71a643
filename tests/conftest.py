"""What all tests share: a cache of their own, the real GloVe, and the shared data where it is present."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch

from meltpoint.errors import InputError
from meltpoint.vectors import Vectors, open_vectors

# Two test processes on two cores: more threads would only wait for one another.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that MELTPOINT_CACHE names throughout the tests; the user's own cache is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELTPOINT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def glove(cache: Path) -> Vectors:
    """glove.6B.50d: 400,000 words of real GloVe."""
    try:
        return open_vectors("glove-6b-50d")
    except InputError as error:
        pytest.skip(f"the package with glove-6b-50d is absent: {error}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled texts beside the repository."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder}")
    return folder


@pytest.fixture(scope="session")
def model_folder(glove: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained model in its folder: 24 reviews, ``average``, ``fine-tuned``."""
    from meltpoint.run import StudyOptions, prepare_material, train_policy
    from meltpoint.text import corpus_from_lists, tokenizer_for

    nouns, cues = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
    texts = [f"{cue} {noun}" for noun in nouns for cue in cues]
    # Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
    labels = [("good", "bad")[(row + row // len(cues)) % 2] for row in range(len(texts))]
    material = prepare_material(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    folder = tmp_path_factory.mktemp("trained") / "model"
    train_policy(material, StudyOptions(search_trials=1, num_folds=2), "fine-tuned", folder)
    return folder


@pytest.fixture(scope="session")
def drift_document() -> dict[str, Any]:
    """What ``drift.json`` holds: three words that moved, a map of thirty, one of them in Arabic, one hostile."""
    words = ["film", "dull", "great", "سينما", "</script><b>", *(f"word{number}" for number in range(25))]
    return {
        "schema": "meltpoint/drift/1",
        "policy": "anchored",
        "architecture": "average",
        "recommended": True,
        "vectors": "glove",
        "words": [
            {
                "word": word,
                "count": 40 - rank,
                "split": "seen",
                "cosine": round(0.4 + 0.1 * rank, 4),
                "norm_ratio": 1.25,
                "rbo": 0.3,
                "neighbours_before": ["movie", "cinema", "سينما"],
                "neighbours_after": ["cinema", "plot", "</script><b>"],
            }
            for rank, word in enumerate(words[:5])
        ],
        "asked": [],
        "splits": {
            split: {
                "meaning": "met so often",
                "words": 20,
                "moved": 10,
                "mean_cosine": 0.8,
                "low_cosine": 0.5,
                "mean_norm_ratio": 1.1,
                "mean_rbo": 0.7,
                "sampled": 20,
            }
            for split in ("seen", "rare", "unseen")
        },
        "spectrum": {"effective_rank": {"before": 40.1, "after": 38.25}, "common_share": 0.25},
        "mean_shift": 0.125,
        "benchmarks": [{"name": "wordsim353", "measure": "spearman", "items": 300, "before": 0.5, "after": 0.4}],
        "overfitting": {},
        "unseen_rows": {
            "policy": "anchored",
            "sizes": [
                {
                    "size": 500,
                    "repeats": 5,
                    "share": 0.5,
                    "with_unseen": {"score": 70.0, "frozen": 69.0, "gain": {"points": 1.0, "low": -1.0, "high": 3.0}},
                    "without_unseen": {
                        "score": 72.0,
                        "frozen": 70.0,
                        "gain": {"points": 2.0, "low": None, "high": None},
                    },
                    "price": {"points": 1.0, "low": -2.0, "high": 4.0},
                }
            ],
        },
        "map": [
            {
                "word": word,
                "x_before": 0.1 * rank,
                "y_before": 0.2 * (rank % 7),
                "x_after": 0.1 * rank + 0.3,
                "y_after": 0.2 * (rank % 5),
                "count": 40 - rank,
                "cosine": min(1.0, 0.4 + 0.1 * rank),
            }
            for rank, word in enumerate(words)
        ],
    }


@pytest.fixture(scope="session")
def make_parts(drift_document: dict[str, Any]) -> Callable[..., Any]:
    """Makes the parts of a report, written by hand; keywords replace parts, all others keys of the verdict."""
    from meltpoint.report.parts import LearningCurve, ReportParts

    gain = {"points": 2.0, "low": 1.0, "high": 3.0}
    cells = [
        {"policy": "frozen", "score": 78.0, "gain": None},
        {"policy": "anchored", "score": 80.0, "gain": gain},
        {"policy": "scratch", "score": 70.0, "gain": {"points": -8.0, "low": -9.5, "high": -6.5}},
        {"policy": "tf-idf", "score": 75.0, "gain": {"points": -3.0, "low": -5.0, "high": -1.0}},
    ]
    verdict = {
        "schema": "meltpoint/verdict/2",
        "decision": "fine-tune",
        "policy": "anchored",
        "architecture": "average",
        "metric": "accuracy",
        "unit": "row",
        "gain": {"policy": "anchored", **gain},
        "expected_regret": 0.12,
        "reason": "anchored gains.",
        "explanation": [
            {"cause": "size", "sentence": "Size: it is there.", "evidence": {}, "direction": "fine-tune"},
            {"cause": "depth", "sentence": "Depth changes nothing.", "evidence": {}, "direction": "neither"},
        ],
        "depth": [],
        "next_rows": {
            "size": 2000,
            "rows": 1000,
            "policies": [{"policy": "anchored", "points": 0.31, "low": 0.12, "high": 0.5, "model": "power law"}],
        },
        "needed": {"repeats": None, "test_rows": None},
        "rope": 0.5,
        "melting_point": {"kind": "between", "low": 500, "high": 2000, "sentence": "Between 500 and 2,000 rows."},
        "sizes": [{"size": size, "repeats": 5, "test_rows": 1000, "policies": cells} for size in (500, 2000)],
        "policies": [
            {
                **cell,
                "expected_regret": 0.1,
                "trainable_parameters": parameters,
                "train_score": 90.0,
                "validation_score": 80.0,
                "converged": 5,
                "chosen": [{"configuration": {"learning_rate": 0.003}, "times": 5}],
                "tried": [],
            }
            for cell, parameters in zip(cells[:3], (302, 50_000, 50_000), strict=True)
        ],
        "controls": [
            {
                "control": "tf-idf",
                "score": 75.0,
                "gain_over_recommendation": {"points": -5.0, "low": -7.0, "high": -3.0},
                "credibly_better": False,
            }
        ],
        "architectures": [
            {
                "architecture": "average",
                "decision": "fine-tune",
                "policy": "anchored",
                "score": 80.0,
                "gain": {"policy": "anchored", **gain},
                "expected_regret": 0.12,
                "melting_point": {"kind": "unknown", "low": None, "high": None, "sentence": "Not resolved."},
                "trainable_parameters": {},
            }
        ],
        "ended": "decided",
        "level": 0.05,
        "data": {
            "name": "reviews",
            "digest": "d1",
            "rows": 2500,
            "train_rows": 2500,
            "test_rows": 0,
            "classes": {"good": 1300, "bad": 1200},
            "text_column": "text",
            "label_column": "label",
            "notes": [],
        },
        "vectors": {
            "name": "glove",
            "words": 400_000,
            "dim": 50,
            "digest": "d2",
            "licence": "PDDL",
            "tokenizer": "treebank-lower",
            "coverage": {"by_type": 0.8, "by_token": 0.95},
            "unknown": [{"word": "xyzzy", "count": 3, "reason": "not in the vectors", "suggestion": None}],
        },
        "design": {
            "seed": 0,
            "test": "5 rotating folds",
            "repeats": {"500": 5, "2000": 5},
            "max_repeats": 10,
            "search_trials": 4,
            "sizes": [500, 2000],
            "policies": ["frozen", "anchored", "scratch"],
            "architectures": ["average"],
            "unknown_words": "matched-normal",
            "max_tokens": 256,
        },
        "caveats": ["Few rows were tested on."],
    }
    run = {
        "command": ["/somewhere/meltpoint", "study", "my reviews.csv", "--vectors", "glove"],
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 61.5,
        "trials": 240,
        "seconds_per_training": {
            "average": {"frozen": 0.5, "anchored": 1.5, "scratch": 1.4},
            "tf-idf": {"tf-idf": 0.2},
        },
        "machine": {"system": "Linux", "processor": "x86_64", "cores": 2},
        "versions": {"meltpoint": "0.1.0", "python": "3.11.7"},
    }
    changed = {"text": "great, not dull", "label": "good", "frozen": "bad", "policy": "good", "row": 7}
    examples = {
        "schema": "meltpoint/examples/1",
        "policy": "anchored",
        "architecture": "average",
        "size": 2000,
        "tested": 2500,
        "num_gained": 1,
        "num_lost": 0,
        "gained": [changed],
        "lost": [],
    }
    curves = tuple(
        LearningCurve(
            policy=policy, repeat=repeat, best_step=40, steps=(20, 40, 60), scores=(60.0, 75.0 + repeat, 74.0)
        )
        for policy in ("frozen", "anchored")
        for repeat in range(2)
    )
    parts = {"run": run, "drift": drift_document, "examples": examples, "curves": curves}

    def make(**changes: Any) -> ReportParts:
        chosen = {name: changes.pop(name, part) for name, part in parts.items()}
        return ReportParts(verdict={**deepcopy(verdict), **changes}, **chosen)

    return make
