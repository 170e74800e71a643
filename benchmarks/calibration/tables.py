"""Turns what was replayed into the tables and the chart of docs/calibration.

python benchmarks/calibration/tables.py [--results build/calibration-replays]

Writes the counts to benchmarks/results/calibration.json, the tables into docs/calibration/index.md (between its marks),
and the charts beside it.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from charts import draw_coverage, draw_false_winners, draw_power
from melting import melting_rows
from pooled import FOLDER
from replay import COVERED_REPEATS, DESIGNS, GAINS, RESULTS
from shortcuts import SHORTCUTS

COUNTS = Path("benchmarks/results/calibration.json")
PAGE = Path("docs/calibration/index.md")
CHARTS = Path("docs/calibration")
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
KINDS = {
    "alike": "A/A: all arms one policy",
    "null": "no gain, real policies",
    "simulated": "no gain, simulated",
}
COVERED = {"real": "real", "simulated": "simulated", "stressed": "simulated, rows cause half of the training noise"}
WINNERS = ("fine-tune", "freeze")


def read(folder: Path) -> dict[tuple[str, ...], dict]:
    """Returns what was replayed, by the parts of the setting's name."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        found[tuple(path.stem.split("--"))] = json.loads(path.read_text(encoding="utf-8"))
    return found


def share(count: int, total: int) -> str:
    """Returns a percentage with Wilson's 95% interval."""
    if not total:
        return ""
    low, high = wilson(count, total)
    return f"{100 * count / total:.1f} ({low:.1f} to {high:.1f})"


def wilson(count: int, total: int) -> tuple[float, float]:
    """Returns the ends of the interval, in percent."""
    z = 1.96
    middle = (count + z * z / 2) / (total + z * z)
    half = z * np.sqrt(count * (total - count) / total + z * z / 4) / (total + z * z)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def false_winners(found: dict) -> tuple[str, list[dict]]:
    """The table of false winners, and the same for the chart."""
    studies: dict[tuple[str, str], int] = defaultdict(int)
    named: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for setting, facts in found.items():
        if setting[0] not in ("alike", "null"):
            continue
        column = ("simulated" if setting[1] == "simulated" else setting[0], setting[-1])
        studies[column] += facts["studies"]
        named["**meltpoint**, looks after 3, 5, 10, 20 and 40 repeats"][column] += sum(
            facts["words"].get(word, 0) for word in WINNERS
        )
        for name in SHORTCUTS:
            named[name][column] += facts["shortcuts"].get(name, 0)
    columns = [(kind, design) for kind in KINDS for design in DESIGNS if studies[kind, design]]
    headings = ("who says it", *(f"{KINDS[k]}; {d} ({studies[k, d]:,} studies)" for k, d in columns), "all")
    total = sum(studies[column] for column in columns)
    rows, drawn = [], []
    for name, counts in named.items():
        everything = sum(counts.values())
        rows.append((name, *(f"{100 * counts[c] / studies[c]:.1f}" for c in columns), share(everything, total)))
        drawn.append({"method": name.replace("**", ""), "percent": 100 * everything / total})
    return table(headings, rows), drawn


def coverage(found: dict) -> tuple[str, list[dict]]:
    """The table of coverage, and the same for the chart."""
    rows, drawn = [], []
    for design in DESIGNS:
        for repeats in COVERED_REPEATS:
            for source, shown in COVERED.items():
                of = [
                    facts
                    for setting, facts in found.items()
                    if setting[0] == "coverage"
                    and setting[2:] == (str(repeats), design)
                    and (setting[1] if setting[1] in COVERED else "real") == source
                ]
                if not of:
                    continue
                studies = sum(facts["studies"] for facts in of)
                alone = sum(sum(facts["alone"].values()) for facts in of)
                gains = sum(facts["studies"] * len(facts["alone"]) for facts in of)
                together = sum(facts["together"] for facts in of)
                width = np.median([facts["half_width"] for facts in of])
                cells = (f"{100 * alone / gains:.1f}", f"{100 * together / studies:.1f}", f"{width:.2f}")
                rows.append((design, str(repeats), shown, f"{studies:,}", *cells))
                low, high = wilson(together, studies)
                percents = {
                    "percent": 100 * alone / gains,
                    "together": 100 * together / studies,
                    "low": low,
                    "high": high,
                }
                drawn.append({"design": design, "repeats": repeats, "data": shown, **percents})
    headings = ("design", "repeats", "data", "studies", "each alone, %", "all at once, %", "half-width")
    return table(headings, rows), drawn


def power(found: dict) -> tuple[str, list[dict]]:
    """The table of power, and the same for the chart."""
    rows, drawn = [], []
    for design in DESIGNS:
        for gain in GAINS:
            of = [f for s, f in found.items() if s[0] == "power" and s[2:] == (str(gain), design)]
            if not of:
                continue
            studies = sum(facts["studies"] for facts in of)

            def percent(word: str, of=of, studies=studies) -> str:
                return f"{100 * sum(facts['words'].get(word, 0) for facts in of) / studies:.1f}"

            recommended = 100 * sum(facts["not_frozen"] for facts in of) / studies
            repeats = sum(facts["mean_repeats"] * facts["studies"] for facts in of) / studies
            words = tuple(percent(word) for word in ("fine-tune", "equivalent", "freeze", "undecided"))
            rows.append((design, f"{gain:g}", f"{studies:,}", *words, f"{recommended:.1f}", f"{repeats:.1f}"))
            drawn.append({"design": design, "gain": gain, "percent": float(words[0]), "kind": "fine-tune is named"})
            drawn.append({"design": design, "gain": gain, "percent": recommended, "kind": "tuning is recommended"})
    headings = ("design", "true gain, points", "studies", "`fine-tune`, %", "`equivalent`, %", "`freeze`, %")
    return table((*headings, "`undecided`, %", "tuning recommended, %", "repeats"), rows), drawn


def rules(found: dict) -> str:
    """The table of other rules on the same studies."""
    rows = []
    for setting in sorted(s for s in found if s[0] == "rules"):
        facts = found[setting]
        studies = facts["studies"]
        for rule, counts in facts["rules"].items():
            shown = (f"{100 * counts['fine-tune'] / studies:.1f}", f"{counts['repeats'] / studies:.1f}")
            more = (f"{counts['trained'] / studies:.1f}", f"{counts['regret'] / studies:.2f}")
            rows.append((setting[-1], setting[2], rule, str(studies), *shown, *more))
    headings = ("design", "best true gain", "rule", "studies", "`fine-tune`, %", "repeats", "searches", "mean regret")
    return table(headings, rows)


def real(found: dict) -> tuple[str, str]:
    """The tables of replication and of regret."""
    again, regrets = [], []
    for setting in sorted(s for s in found if s[0] == "real"):
        facts = found[setting]
        pairs = [pair for one, other in facts["pairs"] for pair in ((one, other), (other, one))]
        decided = [pair for pair in pairs if pair[0]["word"] != "undecided"]
        same_word = sum(a["word"] == b["word"] for a, b in decided)
        same_advice = sum((a["recommendation"] == "frozen") == (b["recommendation"] == "frozen") for a, b in decided)
        opposed = sum({a["word"], b["word"]} >= {"fine-tune", "freeze"} for a, b in decided)
        again.append(
            (
                setting[1:],
                len(pairs),
                sum(one["repeats"] for one, _ in pairs),
                len(decided),
                same_word,
                same_advice,
                opposed,
            )
        )
        costs = [one["regret"] for one, _ in pairs]
        expected = [one["expected"] for one, _ in pairs]
        truth = facts["truth"]
        gains = ", ".join(f"{p} {s - truth['frozen']:+.1f}" for p, s in truth.items() if p != "frozen")
        regrets.append((" ".join(setting[1:]), gains, costs, expected))

    def percent(part: int, whole: int) -> str:
        return f"{100 * part / whole:.1f}" if whole else ""

    def line(name: str, rows: list) -> tuple[str, ...]:
        pairs, repeats, decided, word, advice, opposed = (sum(row[i] for row in rows) for i in range(1, 7))
        shares = (percent(word, decided), percent(advice, decided), percent(opposed, decided))
        return (name, f"{pairs:,}", f"{repeats / pairs:.1f}", f"{decided:,}", *shares)

    replication = table(
        ("study", "ordered pairs", "repeats", "first decided", "same word, %", "same advice, %", "opposite words, %"),
        [
            *(line(" ".join(row[0]), [row]) for row in again),
            *(line(f"**{size} rows**", [row for row in again if f" {size}" in row[0][0]]) for size in sizes_of(again)),
            line("**all**", again),
        ],
    )
    every = [cost for _, _, costs, _ in regrets for cost in costs]
    foretold = [cost for _, _, _, expected in regrets for cost in expected]
    regret = table(
        ("study (rows)", "true gains over frozen", "studies", "mean regret", "largest", "mean of what was foretold"),
        [
            *((n, g, str(len(c)), f"{np.mean(c):.2f}", f"{max(c):.2f}", f"{np.mean(e):.2f}") for n, g, c, e in regrets),
            ("**all**", "", str(len(every)), f"{np.mean(every):.2f}", f"{max(every):.2f}", f"{np.mean(foretold):.2f}"),
        ],
    )
    return replication, regret


def sizes_of(again: list) -> list[str]:
    """Returns the training sizes of the studies that were replayed in pairs, rising."""
    return sorted({row[0][0].split()[1] for row in again}, key=int)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--pool", type=Path, default=FOLDER)
    parser.add_argument("--data", type=lambda text: text.split(","), default=["mr", "sst2", "subj"])
    parser.add_argument("--size", type=lambda text: [int(n) for n in text.split(",")], default=[400, 1600, 5000])
    options = parser.parse_args()
    found = read(options.results)
    winners, drawn_winners = false_winners(found)
    covered, drawn_coverage = coverage(found)
    powers, drawn_power = power(found)
    replication, regret = real(found)
    headings = ("data", "architecture", "repeats", "frozen, %", "best gain over frozen, points", "melting point")
    melting = table(headings, melting_rows(options.pool, options.data, options.size, "average"))
    parts = (
        ("A winner where there is none, %", winners + "\n![The last column as a chart](false-winners.svg)\n"),
        ("Coverage of 95% intervals", covered + "\n![All at once, as a chart](coverage.svg)\n"),
        ("Power", powers + "\n![The same as a chart](power.svg)\n"),
        ("Other rules on the same studies", rules(found)),
        ("The same study again", replication),
        ("Regret, points", regret),
        ("Where the pool melts", melting),
    )
    text = "\n".join(f"### {heading}\n\n{body}" for heading, body in parts if body.count("\n") > 2)
    COUNTS.write_text(
        json.dumps({"--".join(setting): facts for setting, facts in found.items()}, sort_keys=True) + "\n",
        encoding="utf-8",
    )
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    draw_false_winners(drawn_winners, CHARTS / "false-winners.svg")
    draw_coverage(drawn_coverage, CHARTS / "coverage.svg")
    draw_power(drawn_power, CHARTS / "power.svg")


if __name__ == "__main__":
    main()
