"""Times the reading of vectors as text: meltpoint, gensim, two loops, polars and numpy, each in a fresh process.

    python benchmarks/vectors_text.py                      400,000 x 300, about 15 minutes
    python benchmarks/vectors_text.py --large              2,200,000 x 300 too: 10 GB of disk, some minutes more
    python benchmarks/vectors_text.py --rows 20000 --results /tmp/look      a quick look

All readers of one round run one after the other; what is reported is the median over the rounds, and ratios of medians.
The slow ones take part in the first ``--slow-rounds`` rounds only. Times are from the start of the process to its end,
those from the library's import on apart.
The files come from seeded numbers and are kept in ``--folder``. Results are written to ``vectors.md`` and
``vectors.json`` in ``--results``.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from vectors_text_data import QUIRKS, write_quirks, write_vectors, write_wanted
from vectors_text_readers import READERS, SELECTORS

RESULTS = Path(__file__).resolve().parent / "results"
READER = Path(__file__).resolve().parent / "vectors_text_readers.py"
SLOW = ("gensim", "torchtext style", "numpy")
LARGE_ROWS, DIM = 2_200_000, 300
LARGE_DISK_BYTES = 10 << 30
VERSIONS = ("meltpoint", "numpy", "numba", "gensim", "polars", "torch")

OPEN_LATER = """
import sys
from meltpoint.vectors import open_vectors
with open(sys.argv[2]) as file:
    words = file.read().split("\\n")
matrix, found = open_vectors(sys.argv[1]).gather(words)
assert found.all()
"""

GROWTH = """
import sys
from meltpoint.vectors import open_vectors
with open(sys.argv[2]) as file:
    words = file.read().split("\\n")
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
before = resident()
matrix, found = open_vectors(sys.argv[1]).gather(words)
print((resident() - before) / matrix.nbytes)
"""

USE_KERNEL = """
import numpy as np
from meltpoint.vectors.formats.text_files.kernel import parse_lines
line = b"a 1 2\\n"
parse_lines(np.frombuffer(line + bytes(64), dtype=np.uint8), len(line), 2)
"""


def run(command, cache=None):
    """Runs a command; returns its seconds and its output, or None where it failed."""
    environment = os.environ | ({"MELTPOINT_CACHE": str(cache)} if cache else {})
    # An installed package has its bytecode; one that runs from its sources keeps it only without this variable.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        return seconds, None, done.stderr.strip().split("\n")[-1]
    return seconds, done.stdout, ""


def read(name, path, *options, cache):
    """Runs one reader; returns what it prints, with the seconds of its process."""
    seconds, output, error = run([sys.executable, READER, name, path, *options], cache)
    return {"seconds": seconds, **json.loads(output)} if output is not None else {"error": error}


def cat(path):
    """Times reading the bytes and nothing else."""
    return run(["sh", "-c", f"cat {shlex.quote(str(path))} > /dev/null"])[0]


def median(values):
    return statistics.median(values) if values else None


class Rounds:
    """The measurements of one file: a list of seconds for each name, and the largest peak of memory."""

    def __init__(self):
        self.seconds, self.inside, self.peak_bytes, self.errors = {}, {}, {}, {}

    def add(self, name, result):
        """Takes what one process came to."""
        if "error" in result:
            self.errors[name] = result["error"]
            return
        self.seconds.setdefault(name, []).append(result["seconds"])
        if "inside_seconds" in result:
            self.inside.setdefault(name, []).append(result["inside_seconds"])
        if result.get("peak_bytes"):
            self.peak_bytes[name] = max(self.peak_bytes.get(name, 0), result["peak_bytes"])

    def summary(self):
        """Returns the medians, and the seconds of every round."""
        return {
            name: {
                "median_seconds": median(seconds),
                "rounds_seconds": seconds,
                "inside_median_seconds": median(self.inside.get(name, [])),
                "peak_bytes": self.peak_bytes.get(name),
            }
            for name, seconds in self.seconds.items()
        } | {name: {"error": error} for name, error in self.errors.items()}


def first_opens(path, options, scratch, names):
    """Times the readers of a whole file, each round in another order."""
    rounds = Rounds()
    rounds.add("cat", {"seconds": cat(path)})
    for number in range(options.rounds):
        turn = [name for name in names if number < options.slow_rounds or name not in SLOW]
        for name in turn[number % len(turn) :] + turn[: number % len(turn)]:
            cache = scratch / "first"
            shutil.rmtree(cache, ignore_errors=True)
            rounds.add(name, read(name, path, "--dim", DIM, cache=cache))
            print(f"round {number + 1}: {name}: {rounds.seconds.get(name, ['failed'])[-1]}", flush=True)
        rounds.add("cat", {"seconds": cat(path)})
    shutil.rmtree(scratch / "first", ignore_errors=True)
    return rounds.summary()


def later_opens(path, words, options, cache):
    """Times later opens that gather words against the import of NumPy, in turns."""
    run([sys.executable, "-c", OPEN_LATER, path, words], cache)
    os.sync()  # later, what the first open has written is on the disk
    rounds = Rounds()
    for _ in range(options.later_rounds):
        rounds.add("import numpy", {"seconds": run([sys.executable, "-c", "import numpy"])[0]})
        seconds, output, error = run([sys.executable, "-c", OPEN_LATER, path, words], cache)
        rounds.add("later open", {"seconds": seconds} if output is not None else {"error": error})
    growths = [run([sys.executable, "-c", GROWTH, path, words], cache)[1] for _ in range(3)]
    pairs = zip(rounds.seconds["later open"], rounds.seconds["import numpy"], strict=True)
    return rounds.summary() | {
        "median_ratio": median([later / numpy for later, numpy in pairs]),
        "resident_growth_over_rows": median([float(growth) for growth in growths]),
    }


def selections(path, words, options, scratch):
    """Times the reading of some words out of a file that was never seen."""
    rounds = Rounds()
    for number in range(options.rounds):
        for name in SELECTORS:
            if number < options.slow_rounds or name == "meltpoint":
                result = read(name, path, "--dim", DIM, "--words", words, cache=scratch / "never")
                rounds.add(name, result)
        rounds.add("cat", {"seconds": cat(path)})
    return rounds.summary()


def quirks(scratch):
    """Counts the rows that each reader gets right of the file of quirks."""
    path = scratch / "quirks.txt"
    answers = write_quirks(path)
    results = {name: read(name, path, "--dim", 3, "--answers", answers, cache=scratch / "quirks") for name in READERS}
    return {name: result.get("right", result.get("error")) for name, result in results.items()}


def measure(num_rows, options, scratch, names):
    path = options.folder / f"vectors-{num_rows}x{DIM}.txt"
    if not path.exists():
        print(f"writing {path}", flush=True)
        write_vectors(path, num_rows, DIM)
    words = scratch / "words.txt"
    num_wanted = write_wanted(words, num_rows)
    return {
        "rows": num_rows,
        "dim": DIM,
        "file_bytes": path.stat().st_size,
        "num_wanted": num_wanted,
        "first": first_opens(path, options, scratch, names),
        "later": later_opens(path, words, options, scratch / "later"),
        "selected": selections(path, words, options, scratch),
    }


def compile_kernel():
    """Lets numba compile, once per machine; returns what that took, about 0 where it had been done before."""
    first, second = (run([sys.executable, "-c", USE_KERNEL])[0] for _ in range(2))
    return max(first - second, 0.0)


def describe_machine():
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(": ")[2] if lines else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def cell(value, form):
    return "-" if value is None else format(value, form)


def render(results):
    """Returns the results as Markdown."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"`{results['command']}`: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {versions}. Compiling the parser, once per machine: "
        f"{results['compile_seconds']:.1f} s.",
    ]
    for part in (results[size] for size in ("small", "large") if size in results):
        lines += render_file(part, results["quirks"] if part is results["small"] else {})
    if "large_skipped" in results:
        lines += ["", results["large_skipped"]]
    return "\n".join(lines) + "\n"


def render_file(part, right):
    first, later, selected = part["first"], part["later"], part["selected"]
    mine, cat_seconds = first["meltpoint"]["median_seconds"], first["cat"]["median_seconds"]
    lines = [
        "",
        f"## {part['rows']:,} x {part['dim']}, {part['file_bytes'] / 1e9:.2f} GB of text",
        "",
        "| first open | seconds, median | rounds | over meltpoint | over `cat` | peak memory, MB | "
        f"of {len(QUIRKS)} quirks |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in first.items():
        if "error" in row:
            lines.append(f"| {name} | fails: {row['error']} | | | | | {right.get(name, '')} |")
            continue
        peak = row["peak_bytes"] and row["peak_bytes"] / 1e6
        lines.append(
            f"| {name} | {row['median_seconds']:.2f} | {len(row['rounds_seconds'])} | "
            f"{row['median_seconds'] / mine:.2f} | {row['median_seconds'] / cat_seconds:.1f} | {cell(peak, ',.0f')} | "
            f"{right.get(name, '')} |"
        )
    lines += [
        "",
        f"| {part['num_wanted']:,} words of a file never seen | seconds, median | from the library's import on "
        "| rounds |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {row['median_seconds']:.3f} | {cell(row['inside_median_seconds'], '.3f')} | "
        f"{len(row['rounds_seconds'])} |"
        for name, row in selected.items()
    ]
    numpy, again = (later[name]["median_seconds"] for name in ("import numpy", "later open"))
    lines += ["", f"A later open that gathers {part['num_wanted']:,} words takes {again:.3f} s from the start of the "]
    lines[-1] += (
        f"process, {later['median_ratio']:.2f} of `import numpy` alone ({numpy:.3f} s; median of paired ratios); "
        f"resident memory grows by {later['resident_growth_over_rows']:.2f} times the rows gathered."
    )
    if "median_seconds" in first.get("gensim", {}):
        lines[-1] += f" gensim takes {first['gensim']['median_seconds'] / again:,.0f} times as long."
    if "textbook loop" in selected:
        loop, own = selected["textbook loop"], selected["meltpoint"]
        lines[-1] += (
            f" Reading only these words is {loop['median_seconds'] / own['median_seconds']:.1f} times as fast as the "
            f"loop, {loop['inside_median_seconds'] / own['inside_median_seconds']:.1f} times from the library's import "
            f"on, and takes {own['median_seconds'] / selected['cat']['median_seconds']:.1f} times as long as `cat`."
        )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=1)
    parser.add_argument("--later-rounds", type=int, default=11)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--folder", type=Path, help="keeps the files for another run; a temporary one by default")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meltpoint-bench-") as scratch_name:
        scratch = Path(scratch_name)
        options.folder = options.folder or scratch
        options.folder.mkdir(parents=True, exist_ok=True)
        options.results.mkdir(parents=True, exist_ok=True)
        results = {
            "command": shlex.join(["python", "benchmarks/vectors_text.py", *sys.argv[1:]]),
            "machine": describe_machine(),
            "compile_seconds": compile_kernel(),
            "quirks": quirks(scratch),
            "small": measure(options.rows, options, scratch, list(READERS)),
        }
        if options.large and shutil.disk_usage(options.folder).free < LARGE_DISK_BYTES:
            results["large_skipped"] = f"2,200,000 x 300 was skipped: less than 10 GiB are free in {options.folder}."
        elif options.large:
            results["large"] = measure(LARGE_ROWS, options, scratch, ["meltpoint"])
    (options.results / "vectors.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.results / "vectors.md").write_text(render(results))
    print(render(results))


if __name__ == "__main__":
    main()
