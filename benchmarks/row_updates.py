"""Times a fine-tuning step by rows against the frozen step and against dense optimisers.

    python benchmarks/row_updates.py                 the table of docs/row-updates.md, about 10 minutes
    python benchmarks/row_updates.py --rounds 3      a quick look
    python benchmarks/row_updates.py --sizes         what a larger table costs, alone; nothing is written
    python benchmarks/row_updates.py --deviation     how far exact mode is from the dense optimiser in float64

A step is: forward pass, backward pass, step of every parameter. Each way is timed in turns with the frozen step, in
seconds of the processor so that other work on the machine counts little, and what is reported is the median over the
rounds of their ratio. Ids are drawn from Zipf's law. Results are written to benchmarks/results/row_updates.md and
.json.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from meltpoint.embedding.rowwise import RowAdam, RowwiseOptimizer, TouchedRows
from meltpoint.models import AverageClassifier, ConvolutionalClassifier
from meltpoint.randomness import generator, torch_seeded

RESULTS = Path(__file__).resolve().parent / "results"
BATCH, TOKENS, DIM = 64, 40, 300
BATCHES = 48
LR = 1e-3
MODELS = {"Kim CNN": ConvolutionalClassifier, "mean pooling": AverageClassifier}


def zipf_ids(num_rows, seed=0):
    """Draws batches of ids (BATCH, TOKENS) from 1 .. num_rows - 1 with probability 1 / rank."""
    weights = 1 / np.arange(1, num_rows)
    random = generator(seed, "ids")
    ids = 1 + random.choice(num_rows - 1, size=(BATCHES, BATCH, TOKENS), p=weights / weights.sum())
    return torch.from_numpy(ids)


def new_model(architecture, num_rows):
    with torch_seeded(0, "model"):
        embedding = nn.Embedding(num_rows, DIM, padding_idx=0)
        return architecture(embedding, 2)


def rest_of(model):
    return [p for name, p in model.named_parameters() if not name.startswith("embedding")]


def fused(parameters):
    return torch.optim.AdamW(parameters, lr=LR, weight_decay=0.0, fused=True)


def backward(model, ids, labels):
    functional.cross_entropy(model(ids), labels).backward()


def plain_steps(model, *optimizers):
    def step(ids, labels):
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        backward(model, ids, labels)
        for optimizer in optimizers:
            optimizer.step()

    return step


def frozen(model):
    model.embedding.weight.requires_grad_(requires_grad=False)
    return plain_steps(model, fused(rest_of(model)))


def touched_steps(mode, **options):
    def build(model):
        rest = fused(rest_of(model))
        touched = TouchedRows(RowAdam(model.embedding.weight, lr=LR, mode=mode, **options), model.embedding)

        def step(ids, labels):
            rest.zero_grad(set_to_none=True)
            with touched.reading(ids):
                backward(model, ids, labels)
            rest.step()
            touched.step()

        return step

    return build


def hooked(model):
    return plain_steps(model, fused(rest_of(model)), RowwiseOptimizer(model, rule="adamw", lr=LR))


def sparse_adam(model):
    model.embedding.sparse = True
    return plain_steps(model, fused(rest_of(model)), torch.optim.SparseAdam([model.embedding.weight], lr=LR))


WAYS = {
    "row-wise exact": touched_steps("exact"),
    "row-wise exact, decayed": touched_steps("exact", weight_decay=0.01),
    "row-wise lazy": touched_steps("lazy"),
    "RowwiseOptimizer, exact": hooked,
    "SparseAdam": sparse_adam,
    "dense AdamW, fused": lambda model: plain_steps(model, fused(model.parameters())),
    "dense Adam": lambda model: plain_steps(model, torch.optim.Adam(model.parameters(), lr=LR)),
}
DENSE = ("SparseAdam", "dense AdamW, fused", "dense Adam")
# A table restricted to the words of a task.
SMALL = 10_000
# Tables that are given the same ids.
SIZES = (20_000, 1_000_000)


def seconds(step, batches):
    started = time.process_time()
    for ids, labels in batches:
        step(ids, labels)
    return (time.process_time() - started) / len(batches)


def paired(first, second, batches, other_batches, *, rounds, steps, other_steps=None):
    """Returns the median ratio of second to first over rounds of some steps each, and the median seconds of both."""
    other_steps = other_steps or steps
    seconds(first, batches[:8])
    # Rows have their moments, and these their pages, before anything is timed; dense optimisers have them at once.
    seconds(second, other_batches if other_steps == steps else other_batches[:2])
    times = []
    for index in range(rounds):
        at, other_at = index * steps % (BATCHES - steps), index * other_steps % (BATCHES - other_steps)
        one = seconds(first, batches[at : at + steps])
        times.append((one, seconds(second, other_batches[other_at : other_at + other_steps])))
    ratios = [second / first for first, second in times]
    return {
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "seconds": statistics.median(second for _, second in times),
        "against_seconds": statistics.median(first for first, _ in times),
    }


def labelled(ids):
    with torch_seeded(0, "labels"):
        return [(batch, torch.randint(2, (BATCH,))) for batch in ids]


def against_frozen(num_rows, rounds, ways=tuple(WAYS)):
    batches = labelled(zipf_ids(num_rows))
    rows = []
    for name, architecture in MODELS.items():
        steps = 8 if name == "Kim CNN" else 24
        base = frozen(new_model(architecture, num_rows))
        for way in ways:
            few = max(1, steps // 8) if way in DENSE and num_rows > SMALL else steps
            step = WAYS[way](new_model(architecture, num_rows))
            found = paired(base, step, batches, batches, rounds=rounds, steps=steps, other_steps=few)
            rows.append({"model": name, "way": way, "num_rows": num_rows, **found})
            print(f"{name:14} V = {num_rows:<9,} {way:26} {found['ratio']:8.2f}", flush=True)
            del step
            gc.collect()
    return rows


def by_size(small, large, rounds):
    """Times the same batches on a small table and on a large one: at its top, where frequent words stand, or spread."""
    ids = zipf_ids(small)
    spread = torch.from_numpy(generator(0, "spread").permutation(large - 1)[: small - 1] + 1)
    batches = labelled(ids)
    others = {"the same rows": batches, "rows spread over the table": labelled(spread[ids - 1])}
    rows = []
    for name, architecture in MODELS.items():
        for where, other_batches in others.items():
            first, second = (touched_steps("exact")(new_model(architecture, size)) for size in (small, large))
            seconds(first, batches)
            found = paired(first, second, batches, other_batches, rounds=3 * rounds, steps=8)
            way = f"row-wise exact, {where}"
            rows.append({"model": name, "way": way, "num_rows": large, "against_num_rows": small, **found})
            print(f"{name:14} {way}: V = {large} over V = {small} {found['ratio']:8.2f}", flush=True)
            del first, second
            gc.collect()
    return rows


def deviation(num_steps=700, num_rows=5000, dim=50):
    """Compares with dense AdamW in float64, as rms over all numbers relative to the rms movement."""
    ids = zipf_ids(num_rows)
    results = []
    for scale in (1.0, 1e-4, 1e-6, 1e-8):
        for way, mode, dtype in (
            ("exact", "exact", torch.float32),
            ("exact in float64", "exact", torch.float64),
            ("lazy", "lazy", torch.float32),
            ("dense AdamW in float32", None, torch.float32),
        ):
            start = torch.from_numpy(generator(0, "start").standard_normal((num_rows, dim)))
            dense = start.clone().requires_grad_()
            reference = torch.optim.AdamW([dense], lr=LR, weight_decay=0.01)
            table = start.to(dtype).clone().requires_grad_(mode is None)
            single = None if mode else torch.optim.AdamW([table], lr=LR, weight_decay=0.01)
            updater = RowAdam(table, lr=LR, weight_decay=0.01, mode=mode) if mode else None
            random = generator(0, "gradients")
            for step in range(num_steps):
                rows = torch.unique(ids[step % BATCHES][:8, :16])
                # Of widely different sizes, as real gradients are.
                sizes = scale * 10 ** random.uniform(-3, 0, (len(rows), dim))
                grads = torch.from_numpy(random.standard_normal((len(rows), dim)) * sizes)
                dense.grad = torch.zeros_like(dense).index_copy_(0, rows, grads)
                reference.step()
                if updater:
                    updater.catch_up(rows)
                    updater.step(rows, grads)
                else:
                    table.grad = dense.grad.to(dtype)
                    single.step()
            if updater:
                updater.flush()
            error = (table.detach().double() - dense.detach()).square().mean().sqrt()
            moved = (dense.detach() - start).square().mean().sqrt()
            results.append({"gradient": scale, "way": way, "deviation": float(error / moved)})
            print(f"largest gradient {scale:7.0e}  {way:24} {float(error / moved):.1e}", flush=True)
    return results


def write(results, command):
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "row_updates.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    lines = [f"`{command}`: {results['machine']}", "", "| model | step | V | against | ratio | range |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for row in results["steps"]:
        base = f"V = {row['against_num_rows']:,}" if "against_num_rows" in row else "frozen step"
        lines.append(
            f"| {row['model']} | {row['way']} | {row['num_rows']:,} | {base} | {row['ratio']:.2f} "
            f"| {row['lowest']:.2f} - {row['highest']:.2f} |"
        )
    (RESULTS / "row_updates.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--deviation", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.deviation:
        deviation()
        return
    if arguments.sizes:
        by_size(*SIZES, arguments.rounds)
        return
    steps = against_frozen(arguments.rows, arguments.rounds)
    steps += against_frozen(SMALL, arguments.rounds, ("row-wise exact", "dense AdamW, fused"))
    steps += by_size(*SIZES, arguments.rounds)
    machine = f"torch {torch.__version__}, {arguments.threads} thread(s) of {os.cpu_count()}, {platform.machine()}"
    command = f"python benchmarks/row_updates.py --rounds {arguments.rounds} --threads {arguments.threads}"
    write({"command": command, "machine": machine, "steps": steps}, command)


if __name__ == "__main__":
    main()
