"""How much memory a study takes with large vectors, against one textbook run with the whole table in the model.

    python benchmarks/engine_memory.py [--words 400000] [--dim 300] [--out benchmarks/results/engine_memory]

The vectors are seeded random numbers under the words of glove.6B, written as ``.npy`` with a list of words. The study
runs two workers on SST-2; its memory is the peak, over its time, of the sum of proportional set sizes (PSS) of all its
processes: pages that are shared are counted once. The textbook's run loads the matrix into ``nn.Embedding`` and trains
it with ``torch.optim.Adam`` for a few steps; its memory is measured in the same way.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from meltpoint.vectors import open_vectors

TEXTBOOK = """
import sys, numpy as np, torch
from torch import nn
matrix = torch.from_numpy(np.load(sys.argv[1]))
model = nn.Sequential(nn.EmbeddingBag.from_pretrained(matrix, freeze=False), nn.Linear(matrix.shape[1], 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(3):
    optimizer.zero_grad()
    ids, labels = torch.randint(0, len(matrix), (64, 20)), torch.randint(0, 2, (64,))
    nn.functional.cross_entropy(model(ids), labels).backward()
    optimizer.step()
"""


def tree_bytes(pid: int) -> int:
    """Returns the proportional set size of a process and all below it."""
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, StopIteration):
            continue
    return total


def peak_bytes(command: list[str]) -> int:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_bytes(process.pid))
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{command}: {process.stderr.read() if process.stderr else ''}")
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/sst2"))
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"skipped: no data in {options.data}")
    words = open_vectors("glove-6b-50d").words[: options.words]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        matrix = np.random.default_rng(0).normal(scale=0.4, size=(len(words), options.dim)).astype(np.float32)
        np.save(folder / "vectors.npy", matrix)
        (folder / "vectors.words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        del matrix
        open_vectors(folder / "vectors.npy")  # the store is built once, and is not what is measured here
        study = [
            *(sys.executable, "-m", "meltpoint", "study", str(options.data), "--vectors", str(folder / "vectors.npy")),
            *("--repeats", "2", "--workers", "2", "--out", str(folder / "run")),
        ]
        measured = {
            "study_bytes": peak_bytes(study),
            "textbook_bytes": peak_bytes([sys.executable, "-c", TEXTBOOK, str(folder / "vectors.npy")]),
        }
    ratio = measured["study_bytes"] / measured["textbook_bytes"]
    document = {
        "command": " ".join(["python", *sys.argv]),
        "table": f"{len(words):,} x {options.dim}",
        **measured,
        "ratio": round(ratio, 2),
    }
    print(json.dumps(document, indent=1))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
