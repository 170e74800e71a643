"""Kills a study at random moments, resumes it, and compares what comes out with a study that nobody disturbed.

    python benchmarks/kill_and_resume.py --kills 50

A study is begun, killed with all of its processes (SIGKILL to the process group), looked at (is its ledger sound, how
many trials has it kept?), resumed, killed again, until a run ends by itself: its verdict.json must hold the bytes of
the undisturbed study. Then the next round begins, until there were so many kills. Exits with 1 if a byte differs, a
ledger is damaged, or a folder is left in TMPDIR.
"""

import argparse
import csv
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from meltpoint.randomness import generator

SST2 = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "sst2"
NUM_ROWS = 120
OPTIONS = (
    *("--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--size", "80", "--search", "2"),
    *("--repeats", "3", "--rope", "0", "--workers", "2"),
)
COMMAND = (sys.executable, "-c", "from meltpoint.cli import main; main()", "study")


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What was found after a kill: the ledger's trials (None: there was no ledger yet) and whether it is sound."""

    round_number: int
    after_seconds: float
    num_trials: int | None
    sound: bool


def write_data(path):
    """Writes the first rows of a real data set, as many of each class."""
    with (SST2 / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        for label in ("neg", "pos"):
            writer.writerows([row for row in rows if row["label"] == label][: NUM_ROWS // 2])


def begin(data, run, temporary):
    """Starts the study, or goes on with it, in a process group of its own."""
    resume = ("--resume",) if (run / "study.db").exists() else ()
    return subprocess.Popen(
        [*COMMAND, str(data), *OPTIONS, "--out", str(run), *resume],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )


def finish(process, seconds=None):
    """Waits for a study, raising TimeoutExpired after so long; an error of it ends the benchmark with what it said."""
    _, errors = process.communicate(timeout=seconds)
    if process.returncode:
        raise SystemExit(f"the study ended with {process.returncode}: {errors}")


def kill(process, seconds):
    """Kills the group after so long; returns whether the study still ran."""
    try:
        finish(process, seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


def look(ledger):
    """Returns how many trials a ledger has, and whether it is sound; where it lies nothing changes."""
    if not ledger.exists():
        return None, True
    with tempfile.TemporaryDirectory() as folder:
        for path in ledger.parent.glob(f"{ledger.name}*"):
            (Path(folder) / path.name).write_bytes(path.read_bytes())
        with closing(sqlite3.connect(Path(folder) / ledger.name)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            has_trials = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'trials'").fetchone()
            return connection.execute("SELECT count(*) FROM trials").fetchone()[0] if has_trials else 0, sound


def torment(num_kills, seed, folder):
    """Yields each kill and, at the end of each round, its number, whether the verdict is the same, what is left."""
    data, temporary = folder / "reviews.csv", folder / "temporary"
    temporary.mkdir()
    write_data(data)
    started = time.monotonic()
    process = begin(data, folder / "undisturbed", temporary)
    while not (folder / "undisturbed" / "study.db").exists() and process.poll() is None:
        time.sleep(0.01)
    setup_seconds = time.monotonic() - started
    finish(process)
    total_seconds = time.monotonic() - started
    expected = (folder / "undisturbed" / "verdict.json").read_bytes()
    random = generator(seed, "kills")
    kills = round_number = 0
    while kills < num_kills:
        round_number += 1
        run = folder / f"round-{round_number}"
        for attempt in itertools.count():
            process, started = begin(data, run, temporary), time.monotonic()
            if kills == num_kills:
                finish(process)
                break
            # From shortly before there is a ledger to the end of an undisturbed study.
            after_seconds = float(random.uniform(0.8 * setup_seconds, total_seconds))
            if not kill(process, after_seconds):
                if not attempt:
                    # The machine is less busy than it was.
                    share = (time.monotonic() - started) / total_seconds
                    setup_seconds, total_seconds = share * setup_seconds, share * total_seconds
                break
            kills += 1
            num_trials, sound = look(run / "study.db")
            yield Kill(round_number=round_number, after_seconds=after_seconds, num_trials=num_trials, sound=sound)
        same = (run / "verdict.json").read_bytes() == expected
        left = sorted(path.name for path in temporary.glob("meltpoint-*"))
        yield round_number, same, left


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not SST2.is_dir():
        raise SystemExit(f"the data set is absent: {SST2}")
    failures = 0
    print(f"{'round':>5} {'killed after':>13} {'trials kept':>12}  found")
    with tempfile.TemporaryDirectory(prefix="kill-and-resume-") as folder:
        for event in torment(arguments.kills, arguments.seed, Path(folder)):
            if isinstance(event, Kill):
                kept = "no ledger yet" if event.num_trials is None else event.num_trials
                failures += not event.sound
                found = "sound" if event.sound else "DAMAGED"
                print(f"{event.round_number:>5} {event.after_seconds:>11.1f} s {kept:>12}  {found}", flush=True)
            else:
                round_number, same, left = event
                failures += not same or bool(left)
                said = (
                    f"{'the same' if same else 'ANOTHER'} verdict.json; left in TMPDIR: {', '.join(left) or 'nothing'}"
                )
                print(f"{round_number:>5} {'':>13} {'':>12}  ended by itself: {said}", flush=True)
    print("every ledger was sound, every verdict the same" if not failures else f"{failures} FAILURES")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
