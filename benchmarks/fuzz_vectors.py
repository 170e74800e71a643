"""Tries every reader of vectors with damaged and hostile files, and prints what came of them.

python benchmarks/fuzz_vectors.py --cases 20000 --seed 0 > benchmarks/results/fuzz_vectors.md
python benchmarks/fuzz_vectors.py --replay fuzz-failures/CASE.json

Each case is a valid file or folder whose headers may lie and whose bytes, names or neighbours are damaged. It must end
in vectors that are consistent, or in an error that names the place: within seconds, within a gigabyte, without a
warning, without unpickling anything, and without touching a file outside its folder. A case that ends otherwise is
kept, with all its bytes. The same seed makes the same cases.
"""

import argparse
import shlex
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from itertools import count, islice
from operator import or_
from pathlib import Path
from re import sub

from fuzzing.bombs import BOMBS
from fuzzing.judging import Outcome
from fuzzing.samples import SAMPLES
from fuzzing.workers import Worker, requested_case

BOMB = "bombs"


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A case that ended wrongly."""

    request: dict[str, object]
    outcome: Outcome

    def keep(self, folder: Path) -> Path:
        """Writes the case to a file that ``--replay`` takes."""
        folder.mkdir(parents=True, exist_ok=True)
        name = "-".join(str(part) for part in self.request.values())
        path = folder / f"{''.join(sign if sign.isalnum() else '-' for sign in name)}.json"
        path.write_text(requested_case(self.request).to_json(), encoding="utf-8")
        return path


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What came of many cases.

    Attributes:
        outcomes: How often each outcome came, by reader.
        defects: The cases that ended wrongly.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)

    def add(self, reader: str, request: dict[str, object], outcome: Outcome) -> None:
        """Counts one outcome."""
        self.outcomes.setdefault(reader, Counter())[outcome.kind] += 1
        if outcome.is_defect:
            self.defects.append(Defect(request=request, outcome=outcome))

    def __or__(self, other: "Findings") -> "Findings":
        """Returns both, of different readers, as one."""
        return Findings(outcomes=self.outcomes | other.outcomes, defects=self.defects + other.defects)


def fuzz(
    readers: list[str], *, cases: int, seed: int, seconds: float = float("inf"), seconds_per_case: float = 10.0
) -> Findings:
    """Judges ``cases`` cases, the readers taking turns; fewer where ``seconds`` are over before."""
    findings = Findings()
    deadline = time.monotonic() + seconds
    turns = ((reader, number) for number in count() for reader in readers)
    with Worker(readers, seconds_per_case=seconds_per_case) as worker:
        for reader, number in islice(turns, cases):
            if time.monotonic() > deadline:
                break
            request: dict[str, object] = {"reader": reader, "seed": seed, "number": number}
            findings.add(reader, request, worker.judge(request))
    return findings


def explode(bombs: list[str], *, seconds_per_case: float = 120.0) -> Findings:
    """Judges bombs."""
    findings = Findings()
    with Worker(seconds_per_case=seconds_per_case) as worker:
        for bomb in bombs:
            request: dict[str, object] = {"bomb": bomb}
            findings.add(BOMB, request, worker.judge(request))
    return findings


def table(outcomes: dict[str, Counter[str]]) -> str:
    """Returns the counts as a Markdown table."""
    kinds = ["exact", "read", "refused"]
    kinds += sorted({kind for counts in outcomes.values() for kind in counts} - set(kinds))
    total = Counter[str]()
    for counts in outcomes.values():
        total += counts
    lines = [f"| reader | cases | {' | '.join(kinds)} |", f"|---|{'---:|' * (len(kinds) + 1)}"]
    for name, counts in [*outcomes.items(), ("all", total)]:
        cells = " | ".join(f"{counts[kind]:,}" for kind in kinds)
        lines.append(f"| {name} | {counts.total():,} | {cells} |")
    return "\n".join(lines)


def distinct(defects: list[Defect]) -> list[tuple[Defect, int]]:
    """Returns one defect of each sort, and how many there are of it: they differ in more than names and numbers."""
    sorts: dict[tuple[str, str], list[Defect]] = {}
    for defect in defects:
        detail = defect.outcome.detail
        steps = detail[detail.rfind("[") :] if detail.endswith("]") else sub(r"\S*/case/|[0-9]+|'[^']*'", "", detail)
        sorts.setdefault((defect.outcome.kind, steps), []).append(defect)
    return [(same[0], len(same)) for same in sorts.values()]


def main() -> int:
    everything = [*SAMPLES, BOMB]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000, help="how many, over all readers (default 20000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--reader", action="append", choices=everything, help="try this one only; may be repeated")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where failing cases are kept")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="judge one kept case again")
    given = parser.parse_args()
    if given.replay:
        with Worker([]) as worker:
            outcome = worker.judge({"file": str(given.replay.resolve())})
        print(f"{outcome.kind}: {outcome.detail}")
        return int(outcome.is_defect)
    chosen = given.reader or everything
    readers = [reader for reader in chosen if reader != BOMB]
    shares = [readers[start :: given.workers] for start in range(min(given.workers, len(readers)))]
    with ThreadPoolExecutor(len(shares)) as pool:
        runs = [
            pool.submit(
                fuzz, share, cases=given.cases * len(share) // len(readers), seed=given.seed, seconds=given.seconds
            )
            for share in shares
        ]
    findings = reduce(or_, (run.result() for run in runs), Findings())
    if BOMB in chosen:
        findings |= explode(list(BOMBS))
    print(f"`python {shlex.join(sys.argv)}`\n\n{table(findings.outcomes)}")
    for defect, times in distinct(findings.defects):
        print(f"\n{defect.outcome.kind}, {times} times: {defect.outcome.detail}\n  kept in {defect.keep(given.keep)}")
    return int(bool(findings.defects))


if __name__ == "__main__":
    sys.exit(main())
