"""Replays thousands of studies from the pool and counts how often what they say is right.

    python benchmarks/calibration/pool.py                      (again, until it exits with 0)
    python benchmarks/calibration/replay.py [--studies 100] [--minutes 9]        (likewise)
    python benchmarks/calibration/tables.py

Every replayed study takes the looks of the product at its levels and is decided by its rules. Kept is one
small JSON file per setting; those that are there are not replayed again.

- ``alike``: every arm is the same policy, trained anew. Nobody is better: whoever is named a winner is a false one.
- ``null``: the real policies, with answers turned until every true gain is exactly zero. Rows still favour policies.
- ``power``: the same with true gains of 0.5, 1 and 2 points.
- ``coverage``: the real policies; how often 95% intervals hold the true gain.
- ``rules``: simulated studies with a true gain, followed by the product's rule and by three more: nobody is given up;
  levels as if the looks were independent; and at most ten repeats.
- ``real``: the real policies; what a study recommends costs, and whether a second one, with other repeats on the same
  rows, agrees.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from pooled import FOLDER
from populations import Population, all_alike, read_population, with_gains
from replaying import ARMS, MAX_REPEATS, ROPE_POINTS, Replay, draw_study, follow
from scipy.stats import t as student_t
from shortcuts import SHORTCUTS, accuracies
from simulated import STRESS_ROW_SHARE, Simulated

from meltpoint.randomness import generator
from meltpoint.verdict import compare_sizes, default_looks, look_shares

RESULTS = Path("build/calibration-replays")
DESIGNS = {"fixed": 1000, "rotating": 2500}  # test rows; labelled rows
GAINS = (0.5, 1.0, 2.0)
COVERED_REPEATS = (3, 5, 10)
LEVEL = 0.05

Facts = dict[str, object]


def judge_winners(population: Population | Simulated, design: str, studies: int, seed: int) -> Facts:
    """Replays studies; counts words, and what shortcuts say of the same draws."""
    draws = generator(seed, "replay", population.name, design)
    words: Counter[str] = Counter()
    shortcuts: Counter[str] = Counter()
    repeats, trained, recommended, missed = [], [], 0, 0
    truth = population.truth(max(population.sizes)) if not population.alike else None
    for number in range(studies):
        study = draw_study(population, design, MAX_REPEATS, DESIGNS[design], draws)
        replay = follow(study, MAX_REPEATS, seed + number)
        words[replay.decision.word] += 1
        repeats.append(replay.repeats)
        trained.append(replay.trained)
        recommended += replay.decision.recommendation != "frozen"
        missed += not holds(replay, truth)
        arms = accuracies(study.scores[max(study.scores)])
        shortcuts.update(name for name, names_a_winner in SHORTCUTS.items() if names_a_winner(*arms))
    return {
        "studies": studies,
        "words": dict(words),
        "not_frozen": recommended,
        "missed": missed,
        "mean_repeats": float(np.mean(repeats)),
        "mean_trained": float(np.mean(trained)),
        "shortcuts": dict(shortcuts),
    }


def holds(replay: Replay, truth: dict[str, float] | None) -> bool:
    """Returns whether all intervals of a study hold the true gains at once."""
    return all(
        gain.low <= (truth[gain.policy] - truth["frozen"] if truth else 0.0) <= gain.high
        for gain in replay.comparison.candidates
    )


def judge_coverage(population: Population | Simulated, design: str, num_repeats: int, studies: int, seed: int) -> Facts:
    """Draws studies of so many repeats; counts 95% intervals that hold the true gain: each alone, and all at once."""
    draws = generator(seed, "coverage", population.name, design, num_repeats)
    largest = max(population.sizes)
    truth = population.truth(largest)
    alone: Counter[str] = Counter()
    together, widths = 0, []
    for number in range(studies):
        study = draw_study(population, design, num_repeats, DESIGNS[design], draws)
        candidates = tuple(policy for policy in study.scores[max(study.scores)] if policy != "frozen")
        gains = compare_sizes(
            study.scores, design=design, candidates=candidates, level=LEVEL, rope_points=ROPE_POINTS, seed=seed + number
        )[max(study.scores)].candidates
        errors = {gain.policy: abs(gain.points - truth[gain.policy] + truth["frozen"]) for gain in gains}
        half = {gain.policy: float(student_t.isf(LEVEL / 2, gain.df)) * gain.standard_error for gain in gains}
        alone.update(policy for policy in errors if errors[policy] <= half[policy])
        together += all(abs(gain.high - gain.points) >= errors[gain.policy] for gain in gains)
        widths.append(float(np.median(list(half.values()))))
    return {"studies": studies, "alone": dict(alone), "together": together, "half_width": float(np.median(widths))}


def judge_rules(population: Simulated, design: str, studies: int, seed: int) -> Facts:
    """Follows the same studies by several rules; counts the decided, and what was trained."""
    draws = generator(seed, "rules", design, str(population.gains))
    rules = {
        "product": {},
        "giving nobody up": {"give_up": False},
        "as if looks were independent": {"levels": look_shares(default_looks(MAX_REPEATS))},
        "at most ten repeats": {"max_repeats": 10},
    }
    found: dict[str, Counter[str]] = {rule: Counter() for rule in rules}
    for number in range(studies):
        study = draw_study(population, design, MAX_REPEATS, DESIGNS[design], draws)
        for rule, changes in rules.items():
            replay = follow(study, seed=seed + number, **{"max_repeats": MAX_REPEATS, **changes})
            found[rule].update(
                {
                    "fine-tune": replay.decision.word == "fine-tune",
                    "repeats": replay.repeats,
                    "trained": replay.trained,
                    "regret": max(0.0, *population.gains.values())
                    - population.gains.get(replay.decision.recommendation, 0.0),
                }
            )
    return {"studies": studies, "rules": {rule: dict(counts) for rule, counts in found.items()}}


def judge_real(population: Population, design: str, studies: int, seed: int) -> Facts:
    """Replays pairs of studies that share their rows and no repeat; notes words, recommendations and their regret."""
    draws = generator(seed, "real", population.name, design, max(population.right))
    truth = population.truth(max(population.right))
    best = max(truth.values())
    pairs = []
    for number in range(studies):
        rows = draws.integers(population.num_rows, size=DESIGNS[design])
        halves = np.array_split(draws.permutation(population.num_repeats), 2)
        pair = []
        for half in halves:
            study = draw_study(population, design, MAX_REPEATS, len(rows), draws, rows=rows, pool=half)
            replay = follow(study, MAX_REPEATS, seed + number)
            chosen = replay.decision.recommendation
            pair.append(
                {
                    "word": replay.decision.word,
                    "recommendation": chosen,
                    "regret": best - truth[chosen],
                    "expected": replay.decision.expected_regret,
                    "repeats": replay.repeats,
                    "trained": replay.trained,
                }
            )
        pairs.append(pair)
    return {"studies": 2 * studies, "truth": truth, "pairs": pairs}


def settings(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Facts]]]:
    """Yields the name of every setting and what replays it, the most wanted first."""
    whole = {
        data: read_population(options.pool, data, options.size, ARMS, options.architecture) for data in options.data
    }
    whole = {data: population for data, population in whole.items() if population.right}
    largest_only = {
        f"{data} {size}": Population(name=data, right={s: p for s, p in population.right.items() if s <= size})
        for data, population in whole.items()
        for size in population.sizes
    }
    studies, seed = options.studies, options.seed
    for design in DESIGNS:
        for data, population in whole.items():
            for policy in ("frozen", "fine-tuned"):
                alike = all_alike(population, policy)
                yield f"alike--{data}--{policy}--{design}", partial(judge_winners, alike, design, studies, seed)
    for design in DESIGNS:
        for data, population in largest_only.items():
            yield f"real--{data}--{design}", partial(judge_real, population, design, studies // 2, seed)
    for design in DESIGNS:
        for data, population in whole.items():
            none = dict.fromkeys(next(iter(population.right.values())).keys() - {"frozen"}, 0.0)
            shifted = with_gains(population, none, generator(seed, "shift", data))
            yield f"null--{data}--{design}", partial(judge_winners, shifted, design, studies, seed)
    for design in DESIGNS:
        for data, population in whole.items():
            for repeats in COVERED_REPEATS:
                yield (
                    f"coverage--{data}--{repeats}--{design}",
                    partial(judge_coverage, population, design, repeats, studies, seed),
                )
    for design in DESIGNS:
        for data, population in whole.items():
            for gain in GAINS:
                gains = dict.fromkeys(next(iter(population.right.values())).keys() - {"frozen"}, gain)
                shifted = with_gains(population, gains, generator(seed, "shift", data, str(gain)))
                yield f"power--{data}--{gain}--{design}", partial(judge_winners, shifted, design, studies // 2, seed)
    for design in DESIGNS:
        for gain in (0.0, *GAINS):
            simulated = Simulated(gains=dict.fromkeys(ARMS[1:], gain))
            kind = "power" if gain else "null"
            name = f"{kind}--simulated--{gain}--{design}" if gain else f"{kind}--simulated--{design}"
            yield name, partial(judge_winners, simulated, design, (1 if gain else 3) * studies, seed)
        for gain in GAINS[1:]:
            simulated = Simulated(gains=unequal(gain))
            yield f"rules--simulated--{gain}--{design}", partial(judge_rules, simulated, design, studies, seed)
        for repeats in COVERED_REPEATS:
            gains = dict.fromkeys(ARMS[1:], 1.0)
            simulated = Simulated(gains=gains)
            name = f"coverage--simulated--{repeats}--{design}"
            yield name, partial(judge_coverage, simulated, design, repeats, 2 * studies, seed)
            if design == "rotating":
                stressed = Simulated(gains=gains, name="stressed", row_share=STRESS_ROW_SHARE)
                name = f"coverage--stressed--{repeats}--{design}"
                yield name, partial(judge_coverage, stressed, design, repeats, 2 * studies, seed)


def unequal(gain: float) -> dict[str, float]:
    """Returns the gains of three candidates of which one is good, one is half as good, and one does harm."""
    return {"fine-tuned": gain, "scaled": gain / 2, "anchored": -gain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pool", type=Path, default=FOLDER)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--architecture", default="average")
    parser.add_argument("--data", type=lambda text: text.split(","), default=["sst2", "mr", "subj"])
    parser.add_argument("--size", type=lambda text: [int(n) for n in text.split(",")], default=[400, 1600, 5000])
    parser.add_argument("--studies", type=int, default=100, help="studies of a setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose names begin so")
    parser.add_argument(
        "--minutes", type=float, default=9.0, help="begin no setting after so long; exit 3 if any is left"
    )
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * options.minutes
    for name, replay in settings(options):
        path = options.results / f"{name}.json"
        if path.exists() or not name.startswith(options.only):
            continue
        if time.monotonic() > ends:
            sys.exit(3)
        began = time.perf_counter()
        facts = replay()
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps({"setting": name, **facts}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(beside, path)  # noqa: PTH105 - the rename that replaces
        print(f"{name}: {time.perf_counter() - began:.0f} s, {str(facts)[:300]}", flush=True)


if __name__ == "__main__":
    main()
