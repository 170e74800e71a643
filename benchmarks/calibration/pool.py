"""Trains the pool of trials from which thousands of studies are replayed.

    python benchmarks/calibration/pool.py [--data sst2,mr,subj] [--size 400,1600,5000] [--repeats 40] [--minutes 9]

Every trial is the product's: ``StudyPlan.policy_search`` says which configurations are searched, ``record_search``
trains them, ``choose`` picks by the validation rows. Kept is which test rows the chosen model got right.

A replayed study draws test rows and repeats of its own, so the pool holds every repeat on every test row: data sets
without a test set get one, drawn once. A *replica* of a policy is trained on the same rows (and one more for each
replica before it), from another start of the head and in another order: the size is part of the name of everything
else that is drawn.

One file per data set, policy, size and block of repeats; those that are there are not trained again, so the command may
be stopped and started at any time.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from pooled import FOLDER, Cell, block_path, write_block

from meltpoint.randomness import generator
from meltpoint.studies import single_thread
from meltpoint.studies.findings import choose
from meltpoint.studies.plan import StudyPlan
from meltpoint.studies.recording import record_search
from meltpoint.text import read_corpus, tokenizer_for
from meltpoint.trial import TrialData, prepare_data
from meltpoint.vectors import open_vectors

VECTORS = "glove-6b-50d"
HELD_OUT = {"mr": 4000, "subj": 4000, "financial_phrasebank": 2000}
POLICIES = ("frozen", "fine-tuned", "scaled", "anchored")
REPLICATED = ("frozen", "fine-tuned")
SEARCH_TRIALS = 3
BLOCK = 10


def read_data(folder: Path) -> TrialData:
    """Returns the data of a study; where no test set was given, with one drawn from the rows."""
    vectors = open_vectors(VECTORS)
    data = prepare_data(read_corpus(folder), vectors, tokenizer_for(vectors))
    if data.has_test:
        return data
    is_test = np.zeros(len(data.label_ids), dtype=np.bool_)
    rows = generator(0, "pool", "test rows", folder.name).permutation(len(is_test))[: HELD_OUT[folder.name]]
    is_test[rows] = True
    return replace(data, is_test=is_test)


def cells(options: argparse.Namespace) -> Iterator[tuple[Cell, int]]:
    """Yields what is to be trained and the number of the block, the most wanted first."""
    blocks = range(-(-options.repeats // BLOCK))
    for block, size, policy, data in itertools.product(
        blocks, sorted(options.size, reverse=True), options.policy, options.data
    ):
        for replica in range(1 + (options.replicas if policy in REPLICATED else 0)):
            yield Cell(data=data, architecture=options.architecture, policy=policy, size=size, replica=replica), block


def train(cell: Cell, block: int, data: TrialData) -> dict[str, np.ndarray]:
    """Trains a block of repeats side by side and returns what the chosen models got right."""
    size = cell.size + cell.replica
    plan = StudyPlan(
        study=f"pool {cell.data}",
        seed=0,
        architectures=(cell.architecture,),
        policies=("frozen", cell.policy),
        sizes=(size,),
        max_repeats=BLOCK * (block + 1),
        search_trials=SEARCH_TRIALS,
        num_folds=5,
        unknown="matched-normal",
        max_tokens=256,
        rope_points=0.5,
    )
    searches = [
        plan.policy_search(cell.architecture, cell.policy, repeat, size)
        for repeat in range(BLOCK * block, BLOCK * (block + 1))
    ]
    records = {
        record.spec.signature: record for record in record_search([s for search in searches for s in search], data)
    }
    chosen = [choose(search, records) for search in searches]
    labels = data.label_ids[data.is_test]
    return {
        "right": np.stack([one.predicted == labels for one in chosen if one is not None]),
        "validation": np.array([one.result.validation_score for one in chosen if one is not None]),
        "seconds": np.array([sum(records[s.signature].seconds for s in search) for search in searches]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pool", type=Path, default=FOLDER)
    parser.add_argument("--architecture", default="average")
    parser.add_argument("--data", type=lambda text: text.split(","), default=["sst2", "mr", "subj"])
    parser.add_argument("--policy", type=lambda text: text.split(","), default=list(POLICIES))
    parser.add_argument("--size", type=lambda text: [int(n) for n in text.split(",")], default=[400, 1600, 5000])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--replicas", type=int, default=0, help="further replicas of the policies that have any")
    parser.add_argument(
        "--minutes", type=float, default=9.0, help="begin no block after so long; exit 3 if any is left"
    )
    options = parser.parse_args()
    options.pool.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * options.minutes
    loaded: dict[str, TrialData] = {}
    with single_thread():
        for cell, block in cells(options):
            path = block_path(options.pool, cell, block)
            if path.exists():
                continue
            if time.monotonic() > ends:
                sys.exit(3)
            if cell.data not in loaded:
                loaded[cell.data] = read_data(options.root / cell.data)
            began = time.perf_counter()
            found = train(cell, block, loaded[cell.data])
            write_block(path, **found)
            print(
                f"{path.stem}: {100 * found['right'].mean():.1f}% right, {time.perf_counter() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
