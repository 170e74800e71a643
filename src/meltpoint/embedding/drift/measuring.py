"""All of it together: the drift of a space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from meltpoint.embedding.drift.movement import cosines, norm_ratios, relative_distances
from meltpoint.embedding.drift.neighbours import nearest_rows
from meltpoint.embedding.drift.overlap import rank_biased_overlap
from meltpoint.embedding.drift.projection import PlaneMap, project_to_plane
from meltpoint.embedding.drift.space import SPLITS, Space
from meltpoint.embedding.drift.spectrum import Spectrum, measure_spectrum
from meltpoint.randomness import generator

NEIGHBOUR_DEPTH = 20
SHOWN_NEIGHBOURS = 5
SAMPLED_WORDS = 500
MAPPED_WORDS = 1000


@dataclass(frozen=True, kw_only=True)
class WordDrift:
    """What became of one word.

    Attributes:
        word: The word.
        count: How often it occurs in the training rows.
        split: ``seen``, ``rare`` or ``unseen``.
        cosine: Between its vector before and after.
        norm_ratio: Its length after, in lengths before.
        distance: ``|after - before| / |before|``.
        rbo: Rank-biased overlap of its neighbours before and after.
        neighbours_before: Its nearest words before, the nearest first.
        neighbours_after: Its nearest words after.
    """

    word: str
    count: int
    split: str
    cosine: float
    norm_ratio: float
    distance: float
    rbo: float
    neighbours_before: tuple[str, ...]
    neighbours_after: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SplitDrift:
    """What became of the words of one split; means are None where it has no words.

    Attributes:
        words: How many there are.
        moved: How many have other numbers than before.
        mean_cosine: Mean cosine between before and after.
        low_cosine: The cosine that a twentieth of the words fall below.
        mean_norm_ratio: Mean length after, in lengths before.
        mean_rbo: Mean rank-biased overlap of neighbours before and after, over the words sampled.
        sampled: Words whose neighbours were compared.
    """

    words: int
    moved: int
    mean_cosine: float | None
    low_cosine: float | None
    mean_norm_ratio: float | None
    mean_rbo: float | None
    sampled: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Drift:
    """What training did to the words of a space.

    Attributes:
        words: The words that moved furthest, the furthest first.
        asked: The words that were asked for, in that order.
        splits: By name of the split.
        spectrum: Of the words that training met.
        plane_words: Rows of the space, the most frequent words of training.
        plane: Where these are in a plane.
        plane_cosines: Their cosines between before and after.
        num_words: Words of the space.
    """

    words: tuple[WordDrift, ...]
    asked: tuple[WordDrift, ...]
    splits: dict[str, SplitDrift]
    spectrum: Spectrum
    plane_words: NDArray[np.int64]
    plane: PlaneMap
    plane_cosines: NDArray[np.float64]
    num_words: int


def measure_drift(space: Space, *, seed: int, num_listed: int = 200, asked: Sequence[str] = ()) -> Drift:
    """Measures the drift of a space.

    Neighbours are sought among all words of the space. For the means over a split they are compared for a sample of
    :data:`SAMPLED_WORDS` words, the same for one seed; the comparison of all would take minutes in large spaces.

    Args:
        space: The words before and after.
        seed: The master seed of the sample.
        num_listed: How many of the words that moved furthest are described.
        asked: Further words of the space to describe.
    """
    # In one thread: sums depend on how they are split among threads, and ties of cosines on sums.
    with threadpool_limits(limits=1):
        cosine = cosines(space.before, space.after)
        ratio = norm_ratios(space.before, space.after)
        distance = relative_distances(space.before, space.after)
        met = np.flatnonzero(space.counts > 0)
        furthest = met[np.argsort(-distance[met], kind="stable")]
        listed = furthest[distance[furthest] > 0][:num_listed]
        places = {word: row for row, word in enumerate(space.words)}
        wanted = np.array([places[word] for word in asked], dtype=np.int64)
        samples = {split: _sample(space.rows_of(split), seed, split) for split in SPLITS}

        queries = np.unique(np.concatenate([listed, wanted, *samples.values()]))
        neighbours = [nearest_rows(rows, queries, NEIGHBOUR_DEPTH) for rows in (space.before, space.after)]
        overlap = np.full(len(space.words), np.nan)
        overlap[queries] = rank_biased_overlap(*neighbours)

        def describe(row: int) -> WordDrift:
            at = int(np.searchsorted(queries, row))
            before, after = (
                tuple(space.words[one] for one in found[at, :SHOWN_NEIGHBOURS].tolist()) for found in neighbours
            )
            return WordDrift(
                word=space.words[row],
                count=int(space.counts[row]),
                split=space.split_of(row),
                cosine=float(cosine[row]),
                norm_ratio=float(ratio[row]),
                distance=float(distance[row]),
                rbo=float(overlap[row]),
                neighbours_before=before,
                neighbours_after=after,
            )

        frequent = met[np.argsort(-space.counts[met], kind="stable")][:MAPPED_WORDS]
        return Drift(
            words=tuple(describe(row) for row in listed.tolist()),
            asked=tuple(describe(row) for row in wanted.tolist()),
            splits={
                split: _sum_up(space.rows_of(split), samples[split], cosine, ratio, distance, overlap)
                for split in SPLITS
            },
            spectrum=measure_spectrum(space.before[met], space.after[met]),
            plane_words=frequent,
            plane=project_to_plane(space.before[frequent], space.after[frequent]),
            plane_cosines=cosine[frequent],
            num_words=len(space.words),
        )


def _sample(rows: NDArray[np.int64], seed: int, split: str) -> NDArray[np.int64]:
    if len(rows) <= SAMPLED_WORDS:
        return rows
    return np.sort(generator(seed, "drift sample", split).choice(rows, SAMPLED_WORDS, replace=False))


def _sum_up(
    rows: NDArray[np.int64],
    sample: NDArray[np.int64],
    cosine: NDArray[np.float64],
    ratio: NDArray[np.float64],
    distance: NDArray[np.float64],
    overlap: NDArray[np.float64],
) -> SplitDrift:
    some = len(rows) > 0
    return SplitDrift(
        words=len(rows),
        moved=int((distance[rows] > 0).sum()),
        mean_cosine=float(cosine[rows].mean()) if some else None,
        low_cosine=float(np.quantile(cosine[rows], 0.05)) if some else None,
        mean_norm_ratio=float(ratio[rows].mean()) if some else None,
        mean_rbo=float(overlap[sample].mean()) if some else None,
        sampled=len(sample),
    )
