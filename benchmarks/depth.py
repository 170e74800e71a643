"""Does the gain from fine-tuning shrink as layers are added? Five architectures on two data sets.

    python benchmarks/depth.py --runs depth-runs [--sets sst2] [--repeats 3] [--budget 5m] [--resume]

Each data set is one study: all architectures share split, training rows and test rows. It may be run piece by piece;
the table is of what the run folders hold.
"""

import piecewise
from meltpoint.vectors import open_vectors

DATA_SETS = ("financial_phrasebank", "sst2")
ARCHITECTURES = ("average:0", "average:2", "lstm:1", "lstm:3", "transformer:2")
VECTORS = "glove-6b-50d"
POLICY = "fine-tuned"


def main() -> None:
    parser = piecewise.arguments(__doc__.split("\n")[0], data_sets=DATA_SETS, search_trials=2)
    chosen = parser.parse_args()
    vectors = open_vectors(VECTORS)
    gains, effects, notes = [], [], []
    for name in chosen.sets:
        piece = piecewise.study_piece(
            chosen.runs / name,
            chosen.data / name,
            vectors,
            architectures=ARCHITECTURES,
            policies=("frozen", POLICY),
            chosen=chosen,
        )
        judgement = piece.conclusion.judgement
        size = piece.conclusion.findings.plan.sizes[-1]
        notes.append(
            f"- {name}: {size:,} training rows, {piece.repeats} of at most {chosen.repeats} repeats, "
            f"{piece.seconds:,.0f} seconds of training."
        )
        for judged in judgement.architectures:
            comparison = judged.comparisons[size]
            (gain,) = comparison.candidates
            scores = comparison.mean_scores
            gains.append(
                [
                    name,
                    judged.architecture,
                    f"{scores['frozen']:.1f}",
                    f"{scores[POLICY]:.1f}",
                    piecewise.spoken(gain.points, gain.low, gain.high),
                ]
            )
        for effect in judgement.depth:
            change = effect.difference
            between = f"{effect.shallow} to {effect.deep}"
            effects.append([name, effect.family, between, piecewise.spoken(change.points, change.low, change.high)])
    text = "\n".join(
        [
            f"`python benchmarks/depth.py --sets {' '.join(chosen.sets)} --repeats {chosen.repeats} "
            f"--search {chosen.search}{f' --size {chosen.size}' if chosen.size else ''}`"
            f" ({VECTORS}, frozen and {POLICY}, {chosen.search} learning rates for each):",
            "",
            *notes,
            "",
            "Accuracy in percent, gain of fine-tuning over frozen in points with its 95% interval:",
            "",
            piecewise.table(["data", "architecture", "frozen", POLICY, "gain"], gains),
            "Change of that gain with depth, in points; the 95% intervals of a data set hold together (`all` is a line",
            "through all architectures, from 0 to 3 layers):",
            "",
            piecewise.table(["data", "family", "from, to", "change of the gain"], effects),
        ]
    )
    (chosen.out or piecewise.RESULTS / "depth.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
