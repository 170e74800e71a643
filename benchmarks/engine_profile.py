"""Where the time of one search goes.

python benchmarks/engine_profile.py [--architecture average] [--policy fine-tuned] [--rows 4000] [--top 25]
"""

import argparse
import cProfile
import pstats
import sys
from dataclasses import replace
from pathlib import Path

from engine import Work, specs_for
from meltpoint.studies import single_thread
from meltpoint.text import read_corpus, tokenizer_for
from meltpoint.trial import default_schedule, prepare_data, run_search
from meltpoint.vectors import open_vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/sst2"))
    parser.add_argument("--architecture", default="average")
    parser.add_argument("--policy", default="fine-tuned")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--top", type=int, default=25)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"skipped: no data in {options.data}")
    vectors = open_vectors("glove-6b-50d")
    data = prepare_data(read_corpus(options.data), vectors, tokenizer_for(vectors))
    work = Work(name="profile", architecture=options.architecture, policy=options.policy, steps=0)
    schedule = default_schedule(options.rows, max_tokens=256)
    search = [replace(spec, schedule=schedule) for spec in specs_for(work, options.rows)[::4]]
    with single_thread():
        run_search(search[:1], data)  # compiles and warms up
        profile = cProfile.Profile()
        profile.enable()
        found = run_search(search, data)
        profile.disable()
    for spec, trial in zip(search, found, strict=True):
        print(f"learning rate {spec.learning_rate:.3g}: {trial}"[:160])
    pstats.Stats(profile).sort_stats("tottime").print_stats(options.top)


if __name__ == "__main__":
    main()
