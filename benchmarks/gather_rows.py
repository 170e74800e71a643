"""How long 15,000 rows of a store's matrix take, by how the system has cached the file (Linux).

python benchmarks/gather_rows.py > benchmarks/results/gather_rows.md

The matrix is 400,000 x 300 float32. Each time is of a process of its own, the median of ``--rounds``: ``through the
map`` and ``reading each`` are the two ways of ``meltpoint.vectors.store.gathering``, whichever it would choose.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

NUM_ROWS, DIM, NUM_WANTED = 400_000, 300, 15_000
PAGE_BYTES = 4096
WAYS = {"through the map": 1 << 40, "reading each": 0}
TAKE = """
import sys, time
import numpy as np
from meltpoint.vectors.store import gathering

gathering._NEIGHBOURHOOD_BYTES = int(sys.argv[2])
matrix = np.asarray(np.lib.format.open_memmap(sys.argv[1], mode="r"))
rows = np.random.default_rng(0).choice(len(matrix), int(sys.argv[3]), replace=False)
start = time.perf_counter()
gathering.take_rows(matrix, rows)
print(time.perf_counter() - start)
"""


def write(path, length):
    """Writes the matrix with writes of so many bytes, each where the one before has ended."""
    path.unlink(missing_ok=True)
    numbers = np.random.default_rng(0).random(1 << 22, dtype=np.float32).tobytes()
    with path.open("wb", buffering=0) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (NUM_ROWS, DIM)})
        header, left = file.tell(), NUM_ROWS * DIM * 4
        if length is None:  # after the header, as rows come
            length = 1_970_400
        else:
            left -= file.write(numbers[: length - header])
        while left:
            left -= file.write(numbers[: min(length, left)])
    os.sync()


def write_parts(path):
    """Writes the matrix as a first open does."""
    from contextlib import closing

    from meltpoint.vectors.building.matrix_file import MatrixFile

    path.unlink(missing_ok=True)
    with closing(MatrixFile(path)) as file:
        rows = np.random.default_rng(0).random((1642, DIM), dtype=np.float32)
        while file.num_rows < NUM_ROWS:
            file.append(rows[: NUM_ROWS - file.num_rows])
        file.finish()
    os.sync()


def forget(path):
    """Has the system drop the file from its cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_back(path):
    write_parts(path)
    forget(path)
    take(path, "through the map")


def read_at_random(path):
    write_parts(path)
    forget(path)
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for page in np.random.default_rng(1).permutation(path.stat().st_size // PAGE_BYTES).tolist():
            os.pread(file.fileno(), PAGE_BYTES, page * PAGE_BYTES)


def copied(path):
    other = path.with_name("other.npy")
    write_parts(other)
    path.unlink(missing_ok=True)
    subprocess.run(["cp", other, path], check=True)
    os.sync()
    other.unlink()


STATES = {
    "written as a first open does (256 KiB, aligned)": write_parts,
    "written as rows come (2 MB, not aligned)": lambda path: write(path, None),
    "written in huge pages (2 MiB, aligned)": lambda path: write(path, 1 << 21),
    "read back by gathering": read_back,
    "copied by cp": copied,
    "read back page by page, at random": read_at_random,
}


def take(path, way):
    command = [sys.executable, "-c", TAKE, str(path), str(WAYS[way]), str(NUM_WANTED)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, help="where the matrix is written; by default a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        needed = 3 * NUM_ROWS * DIM * 4
        if (free := shutil.disk_usage(scratch).free) < needed:
            sys.exit(f"expected {needed / 1e9:.1f} GB free for the matrix and its copy, found {free / 1e9:.1f}")
        path = Path(scratch) / "matrix.npy"
        times = {}
        for state, prepare in STATES.items():
            prepare(path)
            times[state] = {way: median(take(path, way) for _ in range(options.rounds)) for way in WAYS}
    base = times[next(iter(STATES))]["through the map"]
    print(
        f"`{shlex.join(['python', *sys.argv])}`: {NUM_WANTED:,} of {NUM_ROWS:,} x {DIM}, Linux {os.uname().release}\n"
    )
    print(f"| the file | {' | '.join(f'{way}, ms | of the first' for way in WAYS)} |")
    print("| --- |" + " ---: | ---: |" * len(WAYS))
    for state, row in times.items():
        print(f"| {state} | " + " | ".join(f"{1e3 * row[way]:.1f} | {row[way] / base:.2f}" for way in WAYS) + " |")


if __name__ == "__main__":
    main()
