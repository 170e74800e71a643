"""How fast the engine trains, against the textbook's loop on the same texts, words, steps and machine.

    python benchmarks/engine.py [--rounds 5] [--out benchmarks/results/engine]

Sixteen trials of one architecture and policy are trained for the same number of steps in two ways, in turn, round by
round; what is reported is the median over the rounds of the ratio of their times.

- The textbook: ``DataLoader`` with ``pad_sequence``, ``nn.Embedding``, a module of its own, ``torch.optim.Adam`` over
  all parameters, one trial after another, torch's own number of threads. Once over the same restricted table as ours,
  once over the whole table of the vectors in the model, as people write it.
- The engine: two worker processes of one thread each, eight members a stack, exact row-wise updates.

Reading, tokenising and gathering the pretrained rows come before the clock on both sides; starting a process too.
"""

import argparse
import json
import multiprocessing
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

import textbook
from meltpoint.models import find_architecture
from meltpoint.randomness import generator
from meltpoint.studies import single_thread
from meltpoint.text import read_corpus, tokenizer_for
from meltpoint.trial import (
    SplitSpec,
    TrialData,
    TrialSpec,
    assemble,
    default_schedule,
    fit_for,
    make_learner,
    prepare_data,
)
from meltpoint.vectors import open_vectors

NUM_TRIALS = 16
NUM_WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Work:
    """What both sides do: so many steps of each of sixteen trials."""

    name: str
    architecture: str
    policy: str
    steps: int
    whole_table: bool = False


WORKS = (
    Work(name="mean pooling, frozen", architecture="average", policy="frozen", steps=220),
    Work(name="mean pooling, fine-tuned", architecture="average", policy="fine-tuned", steps=220),
    Work(name="mean pooling, anchored", architecture="average", policy="anchored", steps=110),
    Work(name="Kim CNN, frozen", architecture="cnn", policy="frozen", steps=40),
    Work(name="Kim CNN, fine-tuned", architecture="cnn", policy="fine-tuned", steps=40),
    Work(
        name="mean pooling, fine-tuned, whole table",
        architecture="average",
        policy="fine-tuned",
        steps=24,
        whole_table=True,
    ),
    Work(name="Kim CNN, fine-tuned, whole table", architecture="cnn", policy="fine-tuned", steps=16, whole_table=True),
)


def specs_for(work: Work, size: int) -> list[TrialSpec]:
    _, (lowest, highest) = find_architecture(work.architecture)
    return [
        TrialSpec(
            study="benchmark",
            architecture=work.architecture,
            policy=work.policy,
            settings=(),
            learning_rate=float(rate),
            unknown="matched-normal",
            split=SplitSpec(seed=0, repeat=0, size=size, num_folds=5, validation_fraction=0.1),
            schedule=default_schedule(size, max_tokens=256),
        )
        for rate in np.geomspace(lowest, highest, NUM_TRIALS)
    ]


def train_stack(work: Work, data: TrialData, rows: np.ndarray, members: slice) -> None:
    specs = specs_for(work, len(rows))[members]
    where = (0, len(rows))
    assembly = assemble(specs[0], data, rows, seed=0, where=where)
    train = assembly.examples(data, rows)
    learner = make_learner(
        specs, [assembly] * len(specs), [train], [0] * len(specs), seed=0, where=[where], device=torch.device("cpu")
    )
    fit_for(learner, train, work.steps, textbook.BATCH_SIZE, generator(0, "batches"))


def train_textbook(
    work: Work, texts: list[torch.Tensor], labels: torch.Tensor, table: torch.Tensor, num_trials: int
) -> None:
    torch.manual_seed(0)
    for _ in range(num_trials):
        embedding = nn.Embedding.from_pretrained(table.clone(), freeze=work.policy == "frozen", padding_idx=0)
        model = textbook.MODELS[work.architecture](embedding, int(labels.max()) + 1)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
        textbook.train(model, optimizer, textbook.load_batches(texts, labels), work.steps)


def serve(connection, folder: str, num_rows: int) -> None:
    data = TrialData.load(Path(folder))
    rows = np.arange(num_rows)
    with single_thread():
        while (asked := connection.recv()) is not None:
            started = time.perf_counter()
            train_stack(*asked[:1], data, rows, asked[1])
            connection.send(time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/sst2"))
    parser.add_argument("--rows", type=int, default=7000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"skipped: no data in {options.data}")
    vectors = open_vectors("glove-6b-50d")
    data = prepare_data(read_corpus(options.data), vectors, tokenizer_for(vectors))
    rows = np.arange(options.rows)
    labels = torch.from_numpy(data.label_ids[rows])
    results = []
    with tempfile.TemporaryDirectory() as folder:
        data.save(Path(folder))
        context = multiprocessing.get_context("spawn")
        pipes = []
        for _ in range(NUM_WORKERS):
            ours, theirs = context.Pipe()
            context.Process(target=serve, args=(theirs, folder, options.rows), daemon=True).start()
            theirs.close()  # so that a worker's death ends the wait for its answer
            pipes.append(ours)
        for work in WORKS:
            if options.only not in work.name:
                continue
            spec = specs_for(work, options.rows)[0]
            restricted = assemble(spec, data, rows, seed=0, where=(0, options.rows))
            if work.whole_table:
                table = torch.cat([torch.zeros(2, vectors.dim), torch.from_numpy(np.array(vectors.matrix))])
                found = vectors.rows(data.packed.lexicon)
                remap = np.where(found >= 0, found + 2, 1)
            else:
                table, remap = restricted.embedding.weight.detach(), restricted.table_rows
            texts = [torch.from_numpy(remap[data.packed.row(int(row))]) for row in rows]
            # The textbook's sixteen trials take sixteen times as long as one; a few are timed.
            timed = 1 if work.whole_table else 2
            share = NUM_TRIALS // NUM_WORKERS
            times = []
            for _ in range(options.rounds + 1):
                started = time.perf_counter()
                for number, pipe in enumerate(pipes):
                    pipe.send((work, slice(number * share, (number + 1) * share)))
                for pipe in pipes:
                    pipe.recv()
                engine = time.perf_counter() - started
                started = time.perf_counter()
                train_textbook(work, texts, labels, table, timed)
                peer = (time.perf_counter() - started) * NUM_TRIALS / timed
                times.append((engine, peer))
            times = times[1:]  # the first round warms both up
            ratio = median(peer / engine for engine, peer in times)
            results.append(
                {
                    "work": work.name,
                    "steps": work.steps,
                    "ratio": round(ratio, 1),
                    "engine_ms_per_trial_step": round(1e3 * median(e for e, _ in times) / NUM_TRIALS / work.steps, 4),
                    "textbook_ms_per_trial_step": round(1e3 * median(t for _, t in times) / NUM_TRIALS / work.steps, 3),
                    "table_rows": len(table),
                }
            )
            print(json.dumps(results[-1]), flush=True)
        for pipe in pipes:
            pipe.send(None)
    if options.out:
        write(options, results)


def write(options: argparse.Namespace, results: list[dict]) -> None:
    document = {
        "command": " ".join(["python", *sys.argv]),
        "machine": {"cores": multiprocessing.cpu_count(), "processor": platform.machine(), "system": platform.system()},
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "trials": NUM_TRIALS,
        "workers": NUM_WORKERS,
        "results": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        f"| {r['work']} | {r['ratio']}x | {r['engine_ms_per_trial_step']} | {r['textbook_ms_per_trial_step']} "
        f"| {r['table_rows']:,} |"
        for r in results
    ]
    head = "| 16 trials | the textbook's time over ours | ours, ms per trial and step | the textbook's | its table |"
    text = [
        "# The engine against the textbook's loop",
        "",
        f"`{document['command']}`",
        "",
        head,
        "|---|---|---|---|---|",
    ]
    options.out.with_suffix(".md").write_text("\n".join([*text, *lines, ""]))


if __name__ == "__main__":
    main()
