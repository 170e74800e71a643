"""How many lines a second ``meltpoint predict`` answers, beside a loop over the textbook's model, line by line.

    python benchmarks/predict.py ../shared/data --out benchmarks/results/predict.md        three minutes

The model: ``meltpoint train`` on SST-2, GloVe 6B 50-d, fine-tuned. The lines: all texts of the data sets as JSON lines,
twice over. The loop (``predict_loop.py``) holds the weights of the same model. Once it cuts texts as that model's
training did; once at blanks, which is less work, and gives answers of its own. It takes words that training never saw
as unknown; ``meltpoint predict`` looks up their vectors.

Each answers the whole file, and a file of its first line, in turns, in processes of their own. Lines a second are those
of the difference: without the start, but with all that is loaded or learned on the way. Threads are as torch sets them.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETS = {
    "mr/all.csv": "text",
    "sst2/train.csv": "text",
    "sst2/dev.csv": "text",
    "sst2/test.csv": "text",
    "subj/all.csv": "text",
    "ag_news_sample/train.csv": "text",
    "ag_news_sample/test.csv": "text",
    "trec/train.csv": "text",
    "trec/test.csv": "text",
    "financial_phrasebank/all.csv": "text",
    "policyqa_sentences/dev.csv": "answer",
    "policyqa_sentences/test.csv": "answer",
}
LOOP = Path(__file__).resolve().parent / "predict_loop.py"
OURS, TEXTBOOK, BLANKS = "meltpoint predict", "loop, cutting as in training", "loop, cutting at blanks"


def write_lines(data: Path, path: Path, copies: int) -> int:
    """Writes all texts as JSON lines, and returns how many they are."""
    texts = []
    for name, column in SETS.items():
        with (data / name).open(encoding="utf-8", newline="") as file:
            texts += [row[column] for row in csv.DictReader(file)]
    texts *= copies
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    return len(texts)


def seconds_of(command: list[object], out: Path = Path(os.devnull)) -> float:
    """Runs a command, its output into a file."""
    with out.open("wb") as file:
        began = time.perf_counter()
        subprocess.run([sys.executable, *map(str, command)], stdout=file, check=True)
        return time.perf_counter() - began


def count_equal(ours: Path, theirs: Path) -> int:
    """Counts the lines with the same label and, to 1e-5, the same probabilities."""
    with ours.open(encoding="utf-8") as first, theirs.open(encoding="utf-8") as second:
        pairs = [(json.loads(a), json.loads(b)) for a, b in zip(first, second, strict=True)]
    return sum(
        a["label"] == b["label"]
        and all(abs(value - b["probabilities"][name]) < 1e-5 for name, value in a["probabilities"].items())
        for a, b in pairs
    )


def main() -> None:
    """Prints, and keeps, the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of data sets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=2, help="how often the texts are asked")
    parser.add_argument("--out", type=Path, help="where to keep the table, as Markdown")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model, lines, one = folder / "model", folder / "lines.jsonl", folder / "one.jsonl"
        num_lines = write_lines(options.data, lines, options.copies)
        one.write_text(lines.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
        training = ("--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--out", model)
        seconds_of(["-m", "meltpoint", "train", options.data / "sst2", *training])
        commands = {
            OURS: lambda source: ["-m", "meltpoint", "predict", model, source],
            TEXTBOOK: lambda source: [LOOP, model, source, "treebank"],
            BLANKS: lambda source: [LOOP, model, source, "blanks"],
        }
        whole: dict[str, list[float]] = {name: [] for name in commands}
        start: dict[str, list[float]] = {name: [] for name in commands}
        imports = []
        for number in range(options.rounds):
            imports.append(seconds_of(["-c", "import torch"]))
            for name, command in commands.items():
                start[name].append(seconds_of(command(one)))
                whole[name].append(seconds_of(command(lines), folder / f"{name}.jsonl"))
                print(f"{number + 1}/{options.rounds}: {name}: {whole[name][-1]:.1f} s", file=sys.stderr)
        equal = count_equal(folder / f"{OURS}.jsonl", folder / f"{TEXTBOOK}.jsonl")
        num_bytes = lines.stat().st_size
    steady = {name: [end - began for began, end in zip(start[name], whole[name], strict=True)] for name in commands}

    def ratio(seconds: dict[str, list[float]], name: str) -> float:
        return statistics.median(theirs / ours for theirs, ours in zip(seconds[name], seconds[OURS], strict=True))

    rows = [
        f"| {name} | {num_lines / statistics.median(steady[name]):,.0f} | {ratio(steady, name):.1f} | "
        f"{statistics.median(whole[name]):.1f} | {ratio(whole, name):.1f} | {statistics.median(start[name]):.1f} |"
        for name in commands
    ]
    first = statistics.median(a / b for a, b in zip(start[OURS], imports, strict=True))
    copies = "" if options.copies == 2 else f" --copies {options.copies}"
    report = "\n".join(
        [
            "# meltpoint predict",
            "",
            f"    python benchmarks/predict.py DATA --rounds {options.rounds}{copies}",
            "",
            f"{num_lines:,} JSON lines, {num_bytes / num_lines:.0f} bytes each; {os.cpu_count()} cores. Medians of "
            f"{options.rounds} rounds, ratios paired by round.",
            "",
            f"| | lines a second | {OURS} is faster by | seconds, whole process | by | seconds, one line |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f'The first answer of `{OURS}` comes after {first:.2f} times the time of `python -c "import torch"`. '
            f"{equal / num_lines:.1%} of its lines say what the loop says that cuts as in training; in the others are "
            "words that training never saw.",
            "",
        ]
    )
    print(report)
    if options.out:
        options.out.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
