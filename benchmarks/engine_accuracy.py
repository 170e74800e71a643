"""Does the engine train as well as the textbook's loop? Mean test accuracy over seeds, policy by policy.

    python benchmarks/engine_accuracy.py [--seeds 20] [--steps 400] [--out benchmarks/results/engine_accuracy]

Both sides train the mean-pooling model on the training rows of SST-2 with the same learning rate for the same number
of steps, and are tested on its test rows. The textbook's side is plain PyTorch (``DataLoader``, ``nn.Embedding``,
``torch.optim.Adam`` as each policy's recipe has it, a loop of its own for the anchor); ours is the stack that studies
train with. Seeds differ in initial weights, order of batches and dropout.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

import textbook
from meltpoint.randomness import generator
from meltpoint.studies import single_thread
from meltpoint.text import read_corpus, tokenizer_for
from meltpoint.trial import SplitSpec, TrialSpec, assemble, default_schedule, fit_for, make_learner, prepare_data
from meltpoint.vectors import open_vectors

LEARNING_RATE = 3e-3
MULTIPLIER, DECAY, STRENGTH = 0.1, 1e-5, 0.1
SETTINGS = {
    "frozen": (),
    "fine-tuned": (),
    "scaled": (("learning_rate_multiplier", MULTIPLIER),),
    "decayed": (("weight_decay", DECAY),),
    "anchored": (("strength", STRENGTH),),
}


def train_textbook(policy, texts, labels, tests, test_labels, table, is_pretrained, steps, seed):
    torch.manual_seed(seed)
    embedding = nn.Embedding.from_pretrained(table.clone(), freeze=policy == "frozen", padding_idx=0)
    model = textbook.TextbookAverage(embedding, int(labels.max()) + 1)
    others = [p for p in model.parameters() if p is not embedding.weight]
    if policy == "frozen":
        optimizer = torch.optim.Adam(others, lr=LEARNING_RATE)
    elif policy == "scaled":
        groups = [{"params": others}, {"params": [embedding.weight], "lr": LEARNING_RATE * MULTIPLIER}]
        optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE)
    else:
        decay = DECAY if policy == "decayed" else 0.0
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=decay)

    def pull_back():
        with torch.no_grad():
            embedding.weight += LEARNING_RATE * STRENGTH * (table - embedding.weight) * is_pretrained.unsqueeze(1)

    loader = textbook.load_batches(texts, labels)
    textbook.train(model, optimizer, loader, steps, pull_back if policy == "anchored" else None)
    model.eval()
    with torch.no_grad():
        predicted = model(pad_sequence(tests, batch_first=True)).argmax(1)
    return float((predicted == test_labels).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/sst2"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"skipped: no data in {options.data}")
    vectors = open_vectors("glove-6b-50d")
    data = prepare_data(read_corpus(options.data), vectors, tokenizer_for(vectors))
    train_rows, test_rows = np.flatnonzero(~data.is_test), np.flatnonzero(data.is_test)
    labels, test_labels = (torch.from_numpy(data.label_ids[rows]) for rows in (train_rows, test_rows))
    results = []
    for policy, settings in SETTINGS.items():
        ours, theirs = [], []
        for seed in range(options.seeds):
            spec = TrialSpec(
                study="benchmark",
                architecture="average",
                policy=policy,
                settings=settings,
                learning_rate=LEARNING_RATE,
                unknown="matched-normal",
                split=SplitSpec(seed=seed, repeat=0, size=len(train_rows), num_folds=5, validation_fraction=0.1),
                schedule=default_schedule(len(train_rows), max_tokens=256),
            )
            where = (0, len(train_rows))
            with single_thread():
                # One table for both sides: all words that have a vector, so that both read the same test words.
                own = assemble(spec, data, train_rows, seed=seed, where=where)
                table = torch.cat([own.embedding.weight.detach(), own.unseen])
                texts = [torch.from_numpy(own.table_rows[data.packed.row(int(row))]) for row in train_rows]
                tests = [torch.from_numpy(own.table_rows[data.packed.row(int(row))]) for row in test_rows]
                known = torch.cat([own.embedding.is_pretrained, torch.ones(len(own.unseen), dtype=torch.bool)])
                theirs.append(
                    train_textbook(policy, texts, labels, tests, test_labels, table, known, options.steps, seed)
                )
                train, test = own.examples(data, train_rows), own.examples(data, test_rows)
                cpu = torch.device("cpu")
                learner = make_learner([spec], [own], [train], [0], seed=seed, where=[where], device=cpu)
                fit_for(learner, train, options.steps, textbook.BATCH_SIZE, generator(seed, "batches"))
                ours.append(learner.score([0], [test])[0].score)
        difference = 100 * (np.mean(ours) - np.mean(theirs))
        error = 100 * np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / options.seeds)
        results.append(
            {
                "policy": policy,
                "engine": round(100 * float(np.mean(ours)), 2),
                "textbook": round(100 * float(np.mean(theirs)), 2),
                "difference": round(float(difference), 2),
                "standard_error": round(float(error), 2),
            }
        )
        print(json.dumps(results[-1]), flush=True)
    if options.out:
        lines = [
            "| policy | engine, % | textbook, % | difference, points | its standard error |",
            "|---|---|---|---|---|",
            *(
                f"| {r['policy']} | {r['engine']} | {r['textbook']} | {r['difference']:+} | {r['standard_error']} |"
                for r in results
            ),
        ]
        document = {"command": " ".join(["python", *sys.argv]), "seeds": options.seeds, "results": results}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
        command = f"`{document['command']}`"
        text = "\n".join(["# The engine against the textbook's loop: accuracy", "", command, "", *lines, ""])
        options.out.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
